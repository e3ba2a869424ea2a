//! Owners.

use crocus::prelude::*;
use serde::Serialize;

use crate::models::{Car, NewOwner, Owner};

/// An owner with what was ever bought.
#[derive(Debug, Serialize)]
pub struct OwnerWithCars {
    #[serde(flatten)]
    owner: Owner,
    owns: Vec<Car>,
    bought: Vec<Car>,
}

/// `POST /owners`
// A value marked `sensitive` is stored and answered, and shown in no log.
pub async fn create_owner(db: Db, Payload(new): Payload<NewOwner>) -> Result<Json<Owner>> {
    Ok(Json(Owner::insert(&db, new).await?))
}

/// `GET /owners/{id}`
// Two ways from an owner to cars: the foreign key of those owned now, and the sales as an association.
pub async fn get_owner(db: Db, Path(id): Path<i32>) -> Result<Json<OwnerWithCars>> {
    let owner = Owner::select().filter(Owner::ID.eq(id)).with(Owner::CARS).with(Owner::BOUGHT);
    let (owner, owns, bought) = owner.one_or_404(&db).await?;
    Ok(Json(OwnerWithCars { owner, owns, bought }))
}
