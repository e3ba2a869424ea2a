//! Without `crate = "..."`, a model finds the traits where `crocus` re-exports them.

extern crate self as crocus;

pub use crocus_orm as orm;

#[derive(Debug, Clone, crocus_macros::Model)]
pub struct Car {
    #[model(primary_key)]
    pub id: i32,
    pub name: String,
}

fn main() {
    let new = NewCar { name: "Model 3".to_owned() };
    assert!(orm::NewModel::into_assignments(new, &orm::NoObjects).is_ok_and(|all| all.len() == 1));
    assert_eq!(Car::NAME.name(), "name");
}
