//! Cars: finding them, and changing them.

use crocus::prelude::*;
use crocus::web::http::StatusCode;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::models::{Car, CarPatch, CarState, Maker, NewAuditEntry, NewCar, Owner, Tag};

/// Cars on a page.
const PER_PAGE: u64 = 20;

/// A new price, and the version of the car that it was made for.
#[derive(Debug, Deserialize)]
pub struct NewPrice {
    price: Decimal,
    version: i32,
}

/// What cars are wanted.
#[derive(Debug, Deserialize)]
pub struct Wanted {
    state: Option<CarState>,
    maker: Option<i32>,
    max_price: Option<Decimal>,
    name: Option<String>,
    tag: Option<String>,
    page: Option<u64>,
}

/// A car with its maker.
#[derive(Debug, Serialize)]
pub struct CarWithMaker {
    #[serde(flatten)]
    car: Car,
    maker: Maker,
}

/// A page of cars.
#[derive(Debug, Serialize)]
pub struct Cars {
    total: u64,
    pages: u64,
    next: Option<u64>,
    cars: Vec<CarWithMaker>,
}

/// A car with all that belongs to it.
#[derive(Debug, Serialize)]
pub struct WholeCar {
    #[serde(flatten)]
    car: Car,
    maker: Maker,
    owner: Option<Owner>,
    tags: Vec<Tag>,
}

/// `GET /cars?state=for_sale&maker=1&max_price=20000&page=1`
// Filters that are put together as they are asked for, of the car itself and along a relationship; and the maker joined
// beside each car: one query, and a count.
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
#[derive(Debug, Deserialize)]
pub struct Search {
    text: String,
    after: Option<String>,
    before: Option<String>,
}

/// A page of cars, and the cursors of its neighbours.
#[derive(Debug, Serialize)]
pub struct Found {
    cars: Vec<Car>,
    previous: Option<String>,
    next: Option<String>,
}

/// `GET /search?text=model&after=CURSOR`
// Keyset pages: one query each, and the thousandth page is as fast as the first. Cars of one price are told apart by
// their key.
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

/// `POST /cars`
// A payload with an enum and a list in JSON; a maker that is not there is a 409.
pub async fn create_car(db: Db, Payload(new): Payload<NewCar>) -> Result<Json<Car>> {
    Ok(Json(Car::insert(&db, new).await?))
}

/// `GET /cars/{id}`
// Relationships of every kind in one tuple: the maker and the owner are joined, the tags take one query more.
pub async fn get_car(db: Db, Path(id): Path<i32>) -> Result<Json<WholeCar>> {
    let car = Car::select().with(Car::MAKER).with(Car::OWNER).with(Car::TAGS.order_by(Tag::NAME.asc()));
    let (car, maker, owner, tags) = car.filter(Car::ID.eq(id)).one_or_404(&db).await?;
    Ok(Json(WholeCar { car, maker, owner, tags }))
}

/// `PATCH /cars/{id}`
// A patch that a session writes: only the columns that it changes.
pub async fn update_car(db: Db, Path(id): Path<i32>, Payload(patch): Payload<CarPatch>) -> Result<Json<Car>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    patch.apply(&mut session[car]);
    session.commit().await?;
    Ok(Json(session[car].clone()))
}

/// `PUT /cars/{id}`
// What an insert would bring takes the place of what is there; an update is sent only if that differs.
pub async fn replace_car(db: Db, Path(id): Path<i32>, Payload(new): Payload<NewCar>) -> Result<Json<Car>> {
    let mut session = db.session();
    let car = session.get_or_404::<Car>(id).await?;
    session.assign(car, new)?;
    session.commit().await?;
    Ok(Json(session[car].clone()))
}

/// `PUT /cars/{id}/price`
// The optimistic lock, and a session over two databases. A price for an older version of the car is a 409, and so is
// one that meets another request's between here and the commit.
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
