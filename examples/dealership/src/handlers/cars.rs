//! Cars: finding them, and changing them.

use crocus::prelude::*;
use crocus::utoipa::{self, IntoParams, ToSchema};
use crocus::web::http::StatusCode;
use crocus::web::openapi::{ConflictProblem, NotFoundProblem, PayloadProblems, QueryProblems, given, value};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::api::{CarJson, CarPatchJson, MakerJson, NewCarJson, OwnerJson, TagJson};
use crate::models::{Car, CarPatch, CarState, Maker, NewAuditEntry, NewCar, Owner, Tag};

/// Cars on a page.
const PER_PAGE: u64 = 20;

/// A new price, and the version of the car that it was made for.
#[derive(Debug, Deserialize, ToSchema)]
pub struct NewPrice {
    #[schema(schema_with = given::<Decimal>)]
    price: Decimal,
    version: i32,
}

/// What cars are wanted.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Wanted {
    #[param(schema_with = value::<CarState>)]
    state: Option<CarState>,
    maker: Option<i32>,
    #[param(schema_with = value::<Decimal>)]
    max_price: Option<Decimal>,
    #[param(schema_with = given::<String>)]
    name: Option<String>,
    #[param(schema_with = given::<String>)]
    tag: Option<String>,
    #[param(minimum = 1)]
    page: Option<u64>,
}

/// A car with its maker.
#[derive(Debug, Serialize, ToSchema)]
pub struct CarWithMaker {
    #[serde(flatten)]
    #[schema(value_type = CarJson)]
    car: Car,
    #[schema(value_type = MakerJson)]
    maker: Maker,
}

/// A page of cars.
#[derive(Debug, Serialize, ToSchema)]
pub struct Cars {
    total: u64,
    pages: u64,
    next: Option<u64>,
    cars: Vec<CarWithMaker>,
}

/// A car with all that belongs to it.
#[derive(Debug, Serialize, ToSchema)]
pub struct WholeCar {
    #[serde(flatten)]
    #[schema(value_type = CarJson)]
    car: Car,
    #[schema(value_type = MakerJson)]
    maker: Maker,
    #[schema(value_type = Option<OwnerJson>)]
    owner: Option<Owner>,
    #[schema(value_type = Vec<TagJson>)]
    tags: Vec<Tag>,
}

/// Lists cars
///
/// The dearest first, in pages.
// Filters that are put together as they are asked for, of the car itself and along a relationship; and the maker joined
// beside each car: one query, and a count.
#[utoipa::path(
    get, path = "/cars", tag = "cars",
    params(Wanted),
    responses((status = 200, description = "A page of cars.", body = Cars), QueryProblems, NotFoundProblem)
)]
pub async fn list_cars(db: Db, Query(wanted): Query<Wanted>) -> Result<Json<Cars>> {
    let mut cars = Car::select().with(Car::MAKER);
    if let Some(state) = wanted.state {
        cars = cars.filter(Car::STATE.eq(state));
    }
    if let Some(maker) = wanted.maker {
        cars = cars.filter(Car::MAKER_ID.eq(maker));
    }
    if let Some(price) = wanted.max_price {
        cars = cars.filter(Car::PRICE.le(price));
    }
    if let Some(name) = wanted.name {
        cars = cars.filter(Car::NAME.lower().contains(name.to_lowercase()));
    }
    if let Some(tag) = wanted.tag {
        cars = cars.filter(Car::TAGS.any(Tag::NAME.eq(tag)));
    }
    let cars = cars.order_by(Car::PRICE.desc()).order_by(Car::ID.asc());
    let cars = cars.map(|(car, maker)| CarWithMaker { car, maker });
    let page = cars.paginate(wanted.page.unwrap_or(1), PER_PAGE).fetch(&db).await?;
    Ok(Json(Cars { total: page.total, pages: page.pages(), next: page.next_num(), cars: page.items }))
}

/// What is looked for, and the cursor of the page before or after it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Search {
    #[param(pattern = "^[^\\u0000]*$")]
    text: String,
    after: Option<String>,
    before: Option<String>,
}

/// A page of cars, and the cursors of its neighbours.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = FoundCars)]
pub struct Found {
    #[schema(value_type = Vec<CarJson>)]
    cars: Vec<Car>,
    previous: Option<String>,
    next: Option<String>,
}

/// Searches cars
///
/// By their names and those of their makers, the cheapest first.
// Keyset pages: one query each, and the thousandth page is as fast as the first. Cars of one price are told apart by
// their key.
#[utoipa::path(
    get, path = "/search", tag = "cars",
    params(Search),
    responses((status = 200, description = "A page of cars.", body = Found), QueryProblems)
)]
pub async fn search_cars(db: Db, Query(search): Query<Search>) -> Result<Json<Found>> {
    let text = search.text.to_lowercase();
    let of_maker = Car::MAKER.any(Maker::NAME.lower().contains(&text));
    let cars = Car::select().filter(Car::NAME.lower().contains(text) | of_maker).order_by(Car::PRICE.asc());
    let page = match (search.after, search.before) {
        (Some(cursor), _) => cars.keyset(PER_PAGE).after(cursor),
        (None, Some(cursor)) => cars.keyset(PER_PAGE).before(cursor),
        (None, None) => cars.keyset(PER_PAGE),
    };
    let page = page.fetch(&db).await?;
    Ok(Json(Found { cars: page.items, previous: page.prev, next: page.next }))
}

/// Creates a car
///
/// Its maker must be there.
// A payload with an enum and a list in JSON; a maker that is not there is a 409.
#[utoipa::path(
    post, path = "/cars", tag = "cars",
    request_body = NewCarJson,
    responses((status = 200, description = "The car.", body = CarJson), PayloadProblems, ConflictProblem)
)]
pub async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<Json<Car>> {
    Ok(Json(Car::insert(&db, new).await?))
}

/// Gets a car
///
/// With its maker, its owner and its tags.
// Relationships of every kind in one tuple: the maker and the owner are joined, the tags take one query more.
#[utoipa::path(
    get, path = "/cars/{id}", tag = "cars",
    params(("id" = i32, Path, description = "The key.")),
    responses((status = 200, description = "The car.", body = WholeCar), NotFoundProblem)
)]
pub async fn get_car(db: Db, Path(id): Path<i32>) -> Result<Json<WholeCar>> {
    let car = Car::select().with(Car::MAKER).with(Car::OWNER).with(Car::TAGS.order_by(Tag::NAME.asc()));
    let (car, maker, owner, tags) = car.filter(Car::ID.eq(id)).one_or_404(&db).await?;
    Ok(Json(WholeCar { car, maker, owner, tags }))
}

/// Updates a car
///
/// What is absent stays as it is.
// A patch that a session writes: only the columns that it changes.
#[utoipa::path(
    patch, path = "/cars/{id}", tag = "cars",
    params(("id" = i32, Path, description = "The key.")),
    request_body = CarPatchJson,
    responses(
        (status = 200, description = "The car.", body = CarJson),
        NotFoundProblem,
        PayloadProblems,
        ConflictProblem,
    )
)]
pub async fn update_car(db: Db, Path(id): Path<i32>, Payload(patch): Payload<CarPatch>) -> Result<Json<Car>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    patch.apply(&mut session[car]);
    session.commit().await?;
    Ok(Json(session[car].clone()))
}

/// Replaces a car
///
/// The whole car; the key stays.
// What an insert would bring takes the place of what is there; an update is sent only if that differs.
#[utoipa::path(
    put, path = "/cars/{id}", tag = "cars",
    params(("id" = i32, Path, description = "The key.")),
    request_body = NewCarJson,
    responses(
        (status = 200, description = "The car.", body = CarJson),
        NotFoundProblem,
        PayloadProblems,
        ConflictProblem,
    )
)]
pub async fn replace_car(db: Db, Path(id): Path<i32>, Payload(new): Payload<NewCar>) -> Result<Json<Car>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    session.assign(car, new)?;
    session.commit().await?;
    Ok(Json(session[car].clone()))
}

/// Sets the price of a car
///
/// Of the version of the car that was read.
// The optimistic lock, and a session over two databases. A price for an older version of the car is a 409, and so is
// one that meets another request's between here and the commit.
#[utoipa::path(
    put, path = "/cars/{id}/price", tag = "cars",
    params(("id" = i32, Path, description = "The key.")),
    request_body = NewPrice,
    responses(
        (status = 200, description = "The car.", body = CarJson),
        NotFoundProblem,
        PayloadProblems,
        ConflictProblem,
    )
)]
pub async fn update_price(db: Db, Path(id): Path<i32>, Json(new): Json<NewPrice>) -> Result<Json<Car>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    let Car { price, version, .. } = session[car];
    if version != new.version {
        let text = format!("car {id} has version {version} by now");
        return Err(Problem::new(StatusCode::CONFLICT, "stale_object").with_detail(text));
    }
    session[car].price = new.price;
    let event = format!("the price of car {id} changed from {price} to {}", new.price);
    session.add(NewAuditEntry { id: None, at: None, event });
    session.commit().await?;
    Ok(Json(session[car].clone()))
}
