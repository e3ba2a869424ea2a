//! Owners.

use crocus::prelude::*;
use crocus::utoipa::{self, IntoParams, ToSchema};
use crocus::web::openapi::{ConflictProblem, NotFoundProblem, PayloadProblems, QueryProblems, given};
use serde::{Deserialize, Serialize};

use crate::api::{CarJson, NewOwnerJson, OwnerJson};
use crate::models::{Car, NewOwner, Owner};

/// An owner with what was ever bought.
#[derive(Debug, Serialize, ToSchema)]
pub struct OwnerWithCars {
    #[serde(flatten)]
    #[schema(value_type = OwnerJson)]
    owner: Owner,
    #[schema(value_type = Vec<CarJson>)]
    owns: Vec<Car>,
    #[schema(value_type = Vec<CarJson>)]
    bought: Vec<Car>,
}

/// Where the owners are wanted from.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    #[param(schema_with = given::<String>)]
    city: Option<String>,
}

/// Lists owners
///
/// By their names.
// A column of an embedded struct in a filter.
#[utoipa::path(
    get, path = "/owners", tag = "owners",
    params(Wanted),
    responses((status = 200, description = "The owners.", body = Vec<OwnerJson>), QueryProblems)
)]
pub async fn list_owners(db: Db, Query(wanted): Query<Wanted>) -> Result<Json<Vec<Owner>>> {
    let mut owners = Owner::select().order_by(Owner::NAME.asc());
    if let Some(city) = wanted.city {
        owners = owners.filter(Owner::ADDRESS.city.eq(city));
    }
    Ok(Json(owners.all(&db).await?))
}

/// Creates an owner
///
/// The address must be a new one.
// An address inside the payload, whose mistakes are named as `/address/city`. What is marked `sensitive` is shown in no
// log.
#[utoipa::path(
    post, path = "/owners", tag = "owners",
    request_body = NewOwnerJson,
    responses((status = 200, description = "The owner.", body = OwnerJson), PayloadProblems, ConflictProblem)
)]
pub async fn create_owner(db: Db, Payload(new): Payload<NewOwner>) -> Result<Json<Owner>> {
    Ok(Json(Owner::insert(&db, new).await?))
}

/// Gets an owner
///
/// With the cars that are owned, and those that were ever bought.
// Two ways from an owner to cars: the foreign key of those owned now, and the sales as an association.
#[utoipa::path(
    get, path = "/owners/{id}", tag = "owners",
    params(("id" = i32, Path, description = "The key.")),
    responses((status = 200, description = "The owner.", body = OwnerWithCars), NotFoundProblem)
)]
pub async fn get_owner(db: Db, Path(id): Path<i32>) -> Result<Json<OwnerWithCars>> {
    let owner = Owner::select().filter(Owner::ID.eq(id)).with(Owner::CARS).with(Owner::BOUGHT);
    let (owner, owns, bought) = owner.one_or_404(&db).await?;
    Ok(Json(OwnerWithCars { owner, owns, bought }))
}
