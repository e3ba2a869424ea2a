//! Indexes: their parts, conditions and names; and where a table is.

use crocus_macros::Model;
use crocus_orm::Model;
use crocus_orm::table::{IndexKey, IndexPart};

/// A car.
#[derive(Debug, Clone, Model)]
#[model(crate = "crocus_orm", table = "cars", schema = "shop", bind = "stock", renamed_from = "automobiles")]
#[model(comment = "A car on sale, or sold.")]
#[model(
    index(name desc, expr = "lower(model)", where = "doors > 2", unique, name = "cars_search"),
    index(expr = "lower(name) || model" desc),
    index(expr = "lower(model)", doors),
    index(r#unique, desc, desc_two desc, unique),
)]
struct Car {
    #[model(primary_key)]
    id: i32,
    name: String,
    model: String,
    #[model(renamed_from = "gates")]
    doors: i32,
    /// What a comment does not say.
    unique: i32,
    #[model(comment = "Odd.")]
    desc: i32,
    #[model(column = "other")]
    desc_two: i32,
}

fn shown(part: &IndexPart) -> String {
    let key = match part.key {
        IndexKey::Column(name) => format!("column {name}"),
        IndexKey::Expression(expression) => format!("expression {expression}"),
    };
    format!("{key}{}", if part.descending { " desc" } else { "" })
}

#[test]
fn an_index_has_parts_and_a_condition() {
    let shown: Vec<_> = Car::TABLE
        .indexes
        .iter()
        .map(|index| {
            let parts: Vec<_> = index.parts.iter().map(shown).collect();
            (index.name, parts.join(", "), index.unique, index.condition)
        })
        .collect();
    let expected = [
        ("cars_search", "column name desc, expression lower(model)", true, Some("doors > 2")),
        ("cars_expr_idx", "expression lower(name) || model desc", false, None),
        ("cars_lower_doors_idx", "expression lower(model), column doors", false, None),
        ("cars_unique_desc_other_idx", "column unique, column desc, column other desc", true, None),
    ];
    let expected = expected.map(|(name, parts, unique, condition)| (name, parts.to_owned(), unique, condition));
    assert_eq!(shown, expected);
}

#[test]
fn a_table_has_a_place_and_a_past() {
    let table = Car::TABLE;
    assert_eq!((table.schema, table.bind, table.renamed_from), (Some("shop"), Some("stock"), Some("automobiles")));
    assert_eq!(table.column("doors").unwrap().renamed_from, Some("gates"));
}

#[test]
fn comments_are_what_is_written_for_the_database() {
    assert_eq!(Car::TABLE.comment, Some("A car on sale, or sold."));
    let comments: Vec<_> = Car::TABLE.columns.iter().map(|column| column.comment).collect();
    assert_eq!(comments, [None, None, None, None, None, Some("Odd."), None]);
}
