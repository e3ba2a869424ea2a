//! A car dealership: makers, cars, owners, sales and tags, and an audit log in a database of its own.
//!
//! Each handler shows one thing that Crocus does; the line before it says which. It is the example of the guide.

mod api;
pub mod handlers;
pub mod models;
pub mod resources;

use crocus::prelude::*;
use crocus::utoipa::OpenApi;

use crate::handlers::{cars, deliveries, makers, owners, reports, sales, tags};
use crate::models::{AuditEntry, Car, CarTag, Maker, Owner, Sale, Tag};

/// The program, as `main` runs it and the tests do.
pub fn app() -> App {
    let app = App::new("dealership")
        .version(env!("CARGO_PKG_VERSION"))
        .bind("audit", "sqlite:instance/audit.db")
        .model::<Maker>()
        .model::<Car>()
        .model::<Owner>()
        .model::<Sale>()
        .model::<Tag>()
        .model::<CarTag>()
        .model::<AuditEntry>()
        .migrations(crocus::migrations!())
        .bind_migrations("audit", crocus::migrations!("audit_migrations"))
        .route("/makers", post(makers::create_maker))
        .route("/makers/{id}", get(makers::get_maker).delete(makers::delete_maker))
        .route("/makers/{id}/cars", put(deliveries::import_cars))
        .route("/makers/{id}/discount", post(makers::create_discount))
        .route("/makers/{id}/statements", get(makers::list_statements))
        .route("/cars", get(cars::list_cars).post(cars::create_car))
        .route("/cars/{id}", get(cars::get_car).put(cars::replace_car).patch(cars::update_car))
        .route("/cars/{id}/price", put(cars::update_price))
        .route("/cars/{id}/sale", post(sales::create_sale))
        .route("/cars/{id}/tags/{name}", put(tags::create_car_tag).delete(tags::delete_car_tag))
        .route("/search", get(cars::search_cars))
        .route("/deliveries", post(deliveries::create_delivery))
        .route("/tags", post(tags::create_tags))
        .route("/owners", get(owners::list_owners).post(owners::create_owner))
        .route("/owners/{id}", get(owners::get_owner))
        .route("/reports/makers", get(reports::list_makers_in_numbers))
        .route("/reports/dearest", get(reports::list_dearest_cars))
        .route("/reports/revenue", get(reports::list_revenue))
        .route("/audit", get(sales::list_audit_entries))
        .openapi(api::Api::openapi());
    resources::add_to(app)
}
