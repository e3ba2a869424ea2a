//! Embedded structs: written, read, found and changed as a part of their row.

use crocus_macros::Model;
use crocus_orm::{ColumnOperators, Model};

use crate::database::each;
use crate::models::in_words_of;

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", embedded)]
struct Address {
    street: String,
    town: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Model)]
#[model(crate = "crocus_orm", table = "customers")]
struct Customer {
    #[model(primary_key)]
    id: i32,
    #[model(embedded)]
    home: Address,
    name: String,
    #[model(embedded(prefix = "billing_"))]
    bill: Address,
}

const TABLE: &str = "
CREATE TABLE customers (
    id {id},
    home_street text NOT NULL,
    home_town text,
    name text NOT NULL,
    billing_street text NOT NULL,
    billing_town text
)";

fn address(street: &str, town: Option<&str>) -> Address {
    Address { street: street.into(), town: town.map(Into::into) }
}

#[tokio::test]
async fn an_embedded_struct_is_a_part_of_its_row() {
    for db in each().await {
        db.batch(&in_words_of(db.dialect(), TABLE)).await;
        let (home, bill) = (address("Elm 1", None), address("Oak 2", Some("Ulm")));
        let new = NewCustomer { home: home.clone(), name: "Ann".into(), bill: bill.clone() };
        let ann = Customer::insert(db.engine(), new.clone()).await.unwrap();
        assert_eq!(ann, Customer { id: 1, home, name: "Ann".into(), bill }, "{db}");
        Customer::insert(db.engine(), NewCustomer { bill: address("Oak 3", Some("Bonn")), ..new }).await.unwrap();

        let in_ulm = Customer::select().filter(Customer::BILL.town.eq("Ulm") & Customer::HOME.town.is_null());
        assert!(in_ulm.all(db.engine()).await.unwrap() == std::slice::from_ref(&ann), "{db}");
        let by_street = Customer::select().order_by(Customer::BILL.street.desc());
        assert_eq!(by_street.first(db.engine()).await.unwrap().unwrap().id, 2, "{db}");

        let mut session = db.session();
        let handle = session.get::<Customer>(ann.id).await.unwrap().unwrap();
        session[handle].home.town = Some("Kiel".into());
        session.commit().await.unwrap();
        let stored = Customer::get(db.engine(), ann.id).await.unwrap().unwrap();
        assert_eq!(stored.home, address("Elm 1", Some("Kiel")), "{db}");
    }
}
