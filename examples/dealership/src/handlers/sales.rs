//! Sales, and the audit log that is told of them.

use crocus::prelude::*;
use crocus::utoipa::{self, ToSchema};
use crocus::web::http::StatusCode;
use crocus::web::openapi::{ConflictProblem, NotFoundProblem, PayloadProblems, given};
use rust_decimal::Decimal;
use serde::Deserialize;

use crate::api::{AuditEntryJson, SaleJson};
use crate::models::{AuditEntry, Car, CarState, NewAuditEntry, NewSale, Owner, Sale};

/// Who buys a car, and for how much if not for its price.
#[derive(Debug, Deserialize, ToSchema)]
pub struct Purchase {
    owner_id: i32,
    #[schema(schema_with = given::<Option<Decimal>>, required = false)]
    price: Option<Decimal>,
}

/// The audit log.
#[derive(ToSchema)]
#[expect(dead_code, reason = "`List` writes it as it goes")]
struct AuditEntries {
    count: u64,
    #[schema(value_type = Vec<AuditEntryJson>)]
    entries: Vec<AuditEntry>,
}

/// Sells a car
///
/// For its price, or another.
// A transaction that is tried again after a conflict, and then an entry in another database.
#[utoipa::path(
    post, path = "/cars/{id}/sale", tag = "sales",
    params(("id" = i32, Path, description = "The key.")),
    request_body = Purchase,
    responses(
        (status = 200, description = "The sale.", body = SaleJson),
        NotFoundProblem,
        PayloadProblems,
        ConflictProblem,
    )
)]
pub async fn create_sale(db: Db, Path(id): Path<i32>, Json(purchase): Json<Purchase>) -> Result<Json<Sale>> {
    let sale = db
        .transaction(async |transaction| {
            let car = Car::get_or_404(transaction, id).await?;
            let buyer = Owner::get_or_404(transaction, purchase.owner_id).await?;
            let change = Car::update().set(Car::STATE, CarState::Sold).set(Car::OWNER_ID, buyer.id);
            let free = Car::ID.eq(id) & Car::STATE.ne(CarState::Sold);
            if change.filter(free).execute(transaction).await? == 0 {
                let text = format!("car {id} is sold already");
                return Err(Problem::new(StatusCode::CONFLICT, "already_sold").with_detail(text));
            }
            let price = purchase.price.unwrap_or(car.price);
            let sale = NewSale { car_id: id.into(), owner_id: (&buyer).into(), price, sold_on: None };
            Ok(Sale::insert(transaction, sale).await?)
        })
        .await?;
    // The two databases have no transaction together: the sale holds, also where its entry cannot be written.
    let event = format!("car {id} was sold to owner {} for {}", sale.owner_id, sale.price);
    AuditEntry::insert(&db, NewAuditEntry { id: None, at: None, event }).await?;
    Ok(Json(sale))
}

/// Lists the audit log
///
/// What happened, the oldest first.
// A model on another bind is asked like any other, and a list of any length is streamed.
#[utoipa::path(
    get, path = "/audit", tag = "sales",
    responses((status = 200, description = "The entries.", body = AuditEntries))
)]
pub async fn list_audit_entries(db: Db) -> Result<Response> {
    let entries = AuditEntry::select().order_by(AuditEntry::ID.asc()).stream(&db).await?;
    List::new("entries", "count", entries).respond().await
}
