//! What the OpenAPI document says of the routes written by hand: which they are, and what the models are as JSON.

use crocus::utoipa::openapi::schema::{Object, SchemaType};
use crocus::utoipa::openapi::{ObjectBuilder, RefOr, Schema, Type};
use crocus::utoipa::{self, OpenApi};
use crocus::web::openapi::{NewRow, Row, RowPatch, column};

use crate::handlers::{cars, deliveries, makers, owners, reports, sales, tags};
use crate::models::{AuditEntry, Car, Maker, Owner, Sale, Tag};

pub(crate) type AuditEntryJson = Row<AuditEntry>;
pub(crate) type CarJson = Row<Car>;
pub(crate) type CarPatchJson = RowPatch<Car>;
pub(crate) type MakerJson = Row<Maker>;
pub(crate) type NewCarJson = NewRow<Car>;
pub(crate) type NewMakerJson = NewRow<Maker>;
pub(crate) type NewOwnerJson = NewRow<Owner>;
pub(crate) type OwnerJson = Row<Owner>;
pub(crate) type SaleJson = Row<Sale>;
pub(crate) type TagJson = Row<Tag>;

pub(crate) fn year() -> RefOr<Schema> {
    column(Car::YEAR)
}

pub(crate) fn price() -> RefOr<Schema> {
    column(Car::PRICE)
}

/// A percentage, as a number or as a text.
pub(crate) fn percent() -> Object {
    ObjectBuilder::new()
        .schema_type(SchemaType::Array(vec![Type::String, Type::Number]))
        .pattern(Some("^(100|[0-9]{1,2}(\\.[0-9]{1,8})?)$"))
        .minimum(Some(0))
        .maximum(Some(100))
        .build()
}

/// The annotations of the handlers.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "dealership",
        description = "A car dealership: makers, cars, owners, sales and tags, and an audit log.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0")
    ),
    paths(
        cars::list_cars,
        cars::search_cars,
        cars::create_car,
        cars::get_car,
        cars::update_car,
        cars::replace_car,
        cars::update_price,
        deliveries::create_delivery,
        deliveries::import_cars,
        makers::create_maker,
        makers::get_maker,
        makers::delete_maker,
        makers::create_discount,
        makers::list_statements,
        owners::list_owners,
        owners::create_owner,
        owners::get_owner,
        reports::list_makers_in_numbers,
        reports::list_dearest_cars,
        reports::list_revenue,
        sales::create_sale,
        sales::list_audit_entries,
        tags::create_tags,
        tags::create_car_tag,
        tags::delete_car_tag,
    )
)]
pub(crate) struct Api;
