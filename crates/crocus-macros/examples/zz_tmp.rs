//! x
use crocus_macros::Model;
type Id = i32;
type Maybe = Option<String>;
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm")]
struct Car {
    #[model(primary_key)]
    id: Id,
    note: Maybe,
}
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm")]
struct Bad {
    #[model(primary_key)]
    id: i32,
    size: u32,
    speed: Option<f32>,
    dur: std::time::Duration,
}
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm")]
struct FloatKey {
    #[model(primary_key)]
    id: f64,
}
#[derive(Debug, Model)]
#[model(crate = "crocus_orm")]
struct NotClone {
    #[model(primary_key)]
    id: i32,
}
fn main() {}
