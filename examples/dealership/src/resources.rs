//! The resources: the tables as clients read and write them under `/api`, in PostgREST's grammar.

use crocus::orm::{Expr, FieldError, Transaction, literal};
use crocus::prelude::*;
use crocus::web::FromRequestParts;
use crocus::web::http::{StatusCode, request::Parts};
use crocus::web::resource::{Change, Hooks, Resource, Write};

use crate::models::{AuditEntry, Car, CarState, CarTag, Maker, Owner, Sale, Tag};

/// Adds them to the program.
pub fn add_to(app: App) -> App {
    app.resource_with("/api/makers", Resource::<Maker>::new().aggregates())
        .resource_with("/api/cars", Resource::<Car>::new().aggregates().hooks(CarRules))
        .resource_with("/api/owners", Resource::<Owner>::new().aggregates())
        .resource_with("/api/sales", Resource::<Sale>::new().aggregates().scope(own_sales))
        .resource::<Tag>("/api/tags")
        .resource::<CarTag>("/api/car_tags")
        .resource_with("/api/audit_entries", Resource::<AuditEntry>::new().read_only())
}

/// Who asks: a customer, or somebody who works here.
pub enum Visitor {
    /// The customer with this number.
    Customer(i32),
    /// Somebody who sees everything.
    Staff,
}

/// A gateway in front of the program has checked who it is, and says so in a header.
impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Visitor> {
        let Some(header) = parts.headers.get("x-customer") else { return Ok(Visitor::Staff) };
        let number = header.to_str().ok().and_then(|text| text.parse().ok());
        number.map(Visitor::Customer).ok_or_else(|| {
            let problem = Problem::new(StatusCode::UNAUTHORIZED, "unknown_customer");
            problem.with_detail("`x-customer` is no customer's number")
        })
    }
}

// A scope: a customer sees only what he bought, wherever sales are shown.
fn own_sales(visitor: Visitor) -> Result<Expr<bool>> {
    Ok(match visitor {
        Visitor::Customer(number) => Sale::OWNER_ID.eq(number),
        Visitor::Staff => literal(true),
    })
}

// Hooks: rules that no column knows alone, and what follows from a write.
struct CarRules;

impl Hooks<Car> for CarRules {
    fn validate(&self, car: &Car) -> Result<(), Vec<FieldError>> {
        if car.state == CarState::Sold && car.owner_id.is_none() {
            let detail = "a car that is sold has an owner".to_owned();
            return Err(vec![FieldError { pointer: "/owner_id".to_owned(), detail }]);
        }
        Ok(())
    }

    async fn before(&self, _: &Parts, change: &mut Change<Car>) -> Result<()> {
        // A car whose price is not said cannot be for sale yet.
        if change.write == Write::Insert && !change.has(Car::STATE) && change.has(Car::OWNER_ID) {
            change.set(Car::STATE, CarState::Reserved);
        }
        Ok(())
    }

    async fn after(&self, _: &Parts, transaction: &Transaction, write: Write, cars: Vec<Car>) -> Result<()> {
        // Sold cars lose their tags: nobody is to find them any more.
        for car in cars.iter().filter(|car| write == Write::Update && car.state == CarState::Sold) {
            CarTag::delete().filter(CarTag::CAR_ID.eq(car.id)).execute(transaction).await?;
        }
        Ok(())
    }
}
