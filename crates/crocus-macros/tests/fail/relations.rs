//! Relationships that cannot be.

use crocus_macros::Model;

#[derive(Model)]
#[model(belongs_to, belongs_to(Seat), belongs_to(seat = Seat), belongs_to(seat = Seat, key(row, lettre)))]
#[model(belongs_to(seat = Seat, key(row, row), on_delete = explode), belongs_to(seat = Seat, key(row), name = seat))]
#[model(has_one = Plate, has_one(plate), has_one(plate = CAR), has_many(parts = Part::CAR, orphans))]
#[model(many_to_many(tags = Tag), many_to_many(tags = Tag, through(CarTag::CAR)), many_to_many(tags = 1))]
#[model(many_to_many(tags = Tag, through(CarTag::CAR, TAG)), has_many(parts = Part::CAR, delete_orphans))]
struct Form {
    #[model(primary_key, no_identity, belongs_to = Maker)]
    id: i32,
    #[model(belongs_to, has_many(parts = Part::CAR))]
    a_id: i32,
    #[model(belongs_to())]
    b_id: i32,
    #[model(belongs_to = "Maker")]
    c_id: i32,
    #[model(belongs_to(Maker, name = "maker", on_delete))]
    d_id: i32,
    #[model(belongs_to(Maker, on_delete = cascad, on_update = set_nul))]
    e_id: i32,
    #[model(belongs_to(Maker, on_delete = cascade, on_delete = restrict, foreign_key = ""))]
    f_id: i32,
    #[model(belongs_to = Maker, belongs_to(Maker, key(a)))]
    g_id: i32,
    row: i32,
}

#[derive(Model)]
#[model(table = "cars", belongs_to(maker = Maker, key(row)), has_many(row = Part::CAR), has_one(sales = Sale::CAR))]
#[model(has_many(sales = Sale::CAR))]
struct Names {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to = Maker)]
    maker_id: i32,
    #[model(belongs_to = Owner)]
    first_owner: i32,
    #[model(belongs_to(Owner, name = last_owner))]
    last_owner: i32,
    #[model(belongs_to(Owner, foreign_key = "cars_maker_id_fkey"))]
    _id: i32,
    row: i32,
}

#[derive(Model)]
#[model(belongs_to(seat = Seat, key(row, letter), on_delete = set_null))]
struct Actions {
    #[model(primary_key)]
    id: i32,
    #[model(belongs_to(Maker, on_delete = set_null, on_update = set_default))]
    maker_id: i32,
    row: Option<i32>,
    letter: String,
}

fn main() {}
