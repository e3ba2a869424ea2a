//! Owners.

use crocus::prelude::*;
use serde::{Deserialize, Serialize};

use crate::models::{Car, NewOwner, Owner};

/// An owner with what was ever bought.
#[derive(Debug, Serialize)]
pub struct OwnerWithCars {
    #[serde(flatten)]
    owner: Owner,
    owns: Vec<Car>,
    bought: Vec<Car>,
}

/// Where the owners are wanted from.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    city: Option<String>,
}

/// `GET /owners?city=Ulm`
// A column of an embedded struct in a filter.
pub async fn list_owners(db: Db, Query(wanted): Query<Wanted>) -> Result<Json<Vec<Owner>>> {
    let mut owners = Owner::select().order_by(Owner::NAME.asc());
    if let Some(city) = wanted.city {
        owners = owners.filter(Owner::ADDRESS.city.eq(city));
    }
    Ok(Json(owners.all(&db).await?))
}

/// `POST /owners`
// An address inside the payload, whose mistakes are named as `/address/city`. What is marked `sensitive` is shown in no
// log.
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
