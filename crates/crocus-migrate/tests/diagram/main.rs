//! The pictures of a schema, as they are kept beside this file. `CROCUS_BLESS=1` draws them anew.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use crocus_migrate::diagram::{mermaid, svg};
use crocus_migrate::prelude::*;
use crocus_migrate::schema::Schema;

/// A dealership with a circle, a reference to itself, names that need care, and tables alone.
fn schema() -> Schema {
    let mut op = Operations::default();
    op.create_enum("car_state", ["for_sale", "sold"]);
    let id = || integer().identity().primary_key();
    op.create_table("makers", |t| {
        t.column("id", id());
        t.column("name", text().not_null());
        t.unique("makers_name_key", ["name"]);
    });
    op.create_table("owners", |t| {
        t.column("id", id());
        t.column("name", text());
        t.column("mentor_id", integer());
        t.foreign_key("owners_mentor_id_fkey", ["mentor_id"], "owners", ["id"]);
    });
    op.create_table("cars", |t| {
        t.comment("A <car> & \"more\"");
        t.column("id", id());
        t.column("maker_id", integer().not_null());
        t.column("owner_id", integer());
        t.column("state", enumeration("car_state", ["for_sale", "sold"]).not_null());
        t.column("price", custom("numeric(10,2)"));
        t.column("best_sale", integer());
        t.foreign_key("cars_maker_id_fkey", ["maker_id"], "makers", ["id"]);
        t.foreign_key("cars_owner_id_fkey", ["owner_id"], "owners", ["id"]);
    });
    op.create_table("sales", |t| {
        t.column("id", id());
        t.column("car_id", integer().not_null());
        t.column("buyer_id", integer().not_null());
        t.foreign_key("sales_car_id_fkey", ["car_id"], "cars", ["id"]);
        t.foreign_key("sales_buyer_id_fkey", ["buyer_id"], "owners", ["id"]);
    });
    op.create_foreign_key("cars_best_sale_fkey", "cars", "sales", ["best_sale"], ["id"]);
    op.create_table("plates", |t| {
        t.column("car_id", integer().primary_key());
        t.column("text", text().not_null());
        t.foreign_key("plates_car_id_fkey", ["car_id"], "cars", ["id"]);
    });
    op.create_table(("shop", "odd \"<names>\" & more %"), |t| {
        t.column("1st; --", text());
        t.column("tags", array(text()));
    });
    op.create_table("settings", |t| t.column("key", text().primary_key()));
    let mut schema = Schema::default();
    op.list().iter().for_each(|operation| schema.apply(operation).unwrap());
    schema
}

fn is_kept(file: &str, picture: &str) {
    let path = format!("{}/tests/diagram/{file}", env!("CARGO_MANIFEST_DIR"));
    if std::env::var_os("CROCUS_BLESS").is_some() {
        std::fs::write(&path, picture).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), picture, "{path}: draw it with CROCUS_BLESS=1");
}

#[test]
fn as_mermaid() {
    is_kept("schema.mmd", &mermaid(&schema()));
    assert_eq!(mermaid(&Schema::default()), "erDiagram\n");
}

#[test]
fn as_svg() {
    let picture = svg(&schema());
    is_kept("schema.svg", &picture);
    assert_eq!(picture, svg(&schema()));
    assert!(svg(&Schema::default()).ends_with("</svg>\n"));
}

/// No box covers another, and none stands outside the picture.
#[test]
fn boxes_stand_beside_each_other() {
    let mut op = Operations::default();
    for number in 0..40 {
        op.create_table(format!("table_{number}"), |t| {
            for column in 0..(number * 7) % 23 {
                t.column(&format!("column_{column}"), text());
            }
            if number > 2 && number % 4 > 0 {
                t.foreign_key("key", ["column_0"], format!("table_{}", (number * 5) % 17), ["column_0"]);
            }
        });
    }
    let mut schema = Schema::default();
    op.list().iter().for_each(|operation| schema.apply(operation).unwrap());
    let picture = svg(&schema);
    let numbers = |text: &str| {
        let numbers = text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|number| number.parse().ok());
        numbers.collect::<Vec<usize>>()
    };
    let whole = numbers(picture.lines().next().unwrap().split("viewBox").nth(1).unwrap());
    let mut boxes = Vec::new();
    let mut at = Vec::new();
    for line in picture.lines() {
        if line.starts_with("<g transform") {
            at = numbers(line);
        } else if line.starts_with("<rect class=\"b\"") {
            let size = numbers(line);
            boxes.push((at[0], at[1], at[0] + size[0], at[1] + size[1]));
        }
    }
    assert_eq!(boxes.len(), 40);
    for (number, one) in boxes.iter().enumerate() {
        assert!(one.2 <= whole[2] && one.3 <= whole[3], "{one:?} is outside {whole:?}");
        for other in &boxes[..number] {
            let apart = one.0 >= other.2 || other.0 >= one.2 || one.1 >= other.3 || other.1 >= one.3;
            assert!(apart, "{one:?} covers {other:?}");
        }
    }
}
