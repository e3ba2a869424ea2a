//! Types that hide what the structs for inserts and patches must know.

use crocus_macros::Model;

type CarId = i32;
type MaybeText = Option<String>;

#[derive(Clone, Model)]
#[model(crate = "crocus_orm")]
struct Car {
    #[model(primary_key)]
    id: CarId,
    note: MaybeText,
}

fn main() {}
