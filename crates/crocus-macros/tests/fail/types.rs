//! Types that no column can hold.

use std::collections::HashMap;

use crocus_macros::Model;

#[derive(Model)]
struct Car {
    #[model(primary_key)]
    id: u32,
    doors: u8,
    wheels: Option<u16>,
    price: Option<f32>,
    serial: u64,
    grade: char,
    name: &'static str,
    tags: Vec<u16>,
    lists: Vec<Vec<String>>,
    nulls: Option<Vec<Option<i32>>>,
    plate: [u8; 8],
    size: (i32, i32),
    extras: std::option::Option<HashMap<String, String>>,
}

fn main() {}
