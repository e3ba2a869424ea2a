//! The macros of Crocus: `derive(Model)`, which makes a table of a struct, `derive(DbEnum)`, which makes a column type
//! of an enum, and `migrations!`, which gathers a folder of migrations. What the code that they write means is left to
//! crocus-orm and crocus-migrate.
//!
//! Each macro finds every mistake in one pass and reports it at the user's token.

mod attributes;
mod db_enum;
mod errors;
mod expand;
mod migrations;
mod model;
mod names;
mod sql_type;
mod types;

use proc_macro::TokenStream;
use syn::{DeriveInput, LitStr};

/// Makes a struct with named fields a model: each field stands for a column of a table.
///
/// For `Car` it writes
/// - the implementation of `Model` for `Car`;
/// - a typed column for each field, for queries: `Car::NAME`;
/// - a constant for each relationship: `Car::MAKER`;
/// - `NewCar`, what an insert needs. A column that the database numbers is absent; a field whose column has a default
///   is an `Option`, where `None` leaves the value to the database;
/// - `CarPatch`, what a patch brings: every field that is no part of the key, as a `Patch`.
///
/// They have the visibility of the struct and of its fields. `NewCar` and `CarPatch` are read from JSON objects whose
/// members are named like the fields.
///
/// ```
/// # use crocus_orm::{Model, Patch, PatchModel};
/// # use crocus_macros::Model;
/// /// A car on sale.
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(table = "cars", unique(name, model))]
/// pub struct Car {
///     #[model(primary_key)]
///     pub id: i32,
///     pub name: String,
///     pub model: String,
///     #[model(check = "doors >= 0", default = 4)]
///     pub doors: i32,
///     pub note: Option<String>,
/// }
///
/// let new = NewCar { name: "Model 3".into(), model: "sedan".into(), doors: None, note: None };
/// let patch = CarPatch { doors: Patch::Value(5), ..CarPatch::default() };
/// let (table, column) = (Car::TABLE, Car::NAME);
/// # let _ = (new, patch, table, column);
/// ```
///
/// # What a column is
///
/// The field's type gives the column its type, and an `Option` can be NULL. `Option` and the integers of a key must be
/// written by their own names, not by a type alias: the compiler refuses one. `ColumnValue` lists the types. A `Vec` is
/// an array (JSON on SQLite), `crocus::orm::Json<T>` a Rust value as JSON; types of the program's own are made by
/// `derive(DbEnum)` and by `impl NewType`; they must be `Debug` and `PartialEq` too, as `NewCar` is.
///
/// # `#[model(...)]` on the struct
///
/// - `table = "cars"`: the table's name. Otherwise the struct's in snake case: `CarPart` has the table `car_part`.
/// - `unique(name, model)`: no two rows agree in all of these fields. `deferrable` and `initially_deferred` say when that
///   is checked, `nulls_not_distinct` that two NULLs are equal.
/// - `index(name, model desc)`: an index over these fields; `desc` puts the largest first, `nulls_first` and `nulls_last`
///   say where NULLs stand, `collate("C")` and `operator_class("text_pattern_ops")` what it is compared by. A part can be
///   an SQL expression, `expr = "lower(name)"`, too. `where = "doors > 2"` leaves the other rows out, and with `unique` no
///   two rows agree in all parts (`nulls_not_distinct`: nor in NULLs). `using = "gin"` is the access method, and
///   `include(doors)` lists fields that it stores beside its parts.
/// - `check = "doors >= 0"`: an SQL expression that no row may make false.
/// - `schema = "shop"`: the schema of the table, on PostgreSQL. SQLite has none.
/// - `bind = "audit"`: which of the program's databases has the table.
/// - `comment = "Cars on sale"`: the comment that the database keeps; PostgreSQL does, SQLite has none.
/// - `renamed_from = "automobiles"`: the table's name before, so that a migration renames it and keeps its rows.
/// - `has_one(...)`, `has_many(...)`, `many_to_many(...)`, `belongs_to(...)`: relationships, see below.
/// - `embedded`: the struct is no table, see below.
/// - `crate = "crocus_orm"`: where the traits are, for a program without `crocus`. Otherwise `::crocus::orm`.
///
/// # `#[model(...)]` on a field
///
/// - `primary_key`: the primary key, or one of up to four fields of it. The database numbers a sole key of type `i16`,
///   `i32` or `i64`.
/// - `identity`, beside `primary_key`: the database numbers the key, whose type is a `NewType` of an integer.
/// - `no_identity`, beside `primary_key`: the database does not number the key.
/// - `column = "colour"`: the column's name. Otherwise the field's.
/// - `type = "varchar(20)"`: the column's type in the database's own words: `varchar(n)`, `char(n)`, `citext`,
///   `numeric(p, s)`, `timestamp(n)`, `timestamptz(n)` or `time(n)`. The field's type has to hold such values.
/// - `collation = "C"`: how the database compares the column's texts.
/// - `unique`: no two rows agree in this field.
/// - `index`: an index over this field.
/// - `check = "doors >= 0"`: an SQL expression that no row may make false.
/// - `default = 4`: what the column holds when an insert brings nothing. A number, `true` or `false`; or a string with
///   an SQL expression, such as `"now()"`, or `"'blue'"` for a text.
/// - `default_with = Uuid::now_v7`: a function that makes the value when an insert brings nothing.
/// - `generated = "price * 2"`: the database computes the value from the row's others, and stores it. The field is
///   absent from `NewCar` and `CarPatch`.
/// - `version`: the optimistic lock. It starts at 1, every update raises it, and one that read an older version is a
///   conflict. The field is absent from `NewCar` and `CarPatch`.
/// - `sensitive`: the value is kept out of logs and errors, and of the `Debug` of `NewCar` and `CarPatch`.
/// - `comment = "In euros"`: the comment that the database keeps; PostgreSQL does, SQLite has none.
/// - `renamed_from = "title"`: the column's name before, so that a migration renames it and keeps its values.
/// - `embedded`: the field is a group of columns, see below.
/// - `belongs_to = Maker`: the primary key of another model's row, see below.
///
/// # Relationships
///
/// ```
/// # use crocus_macros::Model;
/// # use crocus_orm::{BelongsTo, HasMany, ManyToMany, Model};
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(has_many(cars = Car::MAKER))]
/// struct Maker {
///     #[model(primary_key)]
///     id: i32,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG)))]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     #[model(belongs_to(Maker, on_delete = cascade))]
///     maker_id: i32,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// struct Tag {
///     #[model(primary_key)]
///     id: i32,
/// }
///
/// /// Which car has which tag.
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// struct CarTag {
///     #[model(primary_key, belongs_to(Car, on_delete = cascade))]
///     car_id: i32,
///     #[model(primary_key, belongs_to = Tag)]
///     tag_id: i32,
/// }
///
/// let _: BelongsTo<Car, Maker> = Car::MAKER;
/// let _: HasMany<Maker, Car> = Maker::CARS;
/// let _: ManyToMany<Car, Tag> = Car::TAGS;
/// let new = NewCar { maker_id: 7.into() };
/// # let _ = new;
/// ```
///
/// `belongs_to` on a field makes it a foreign key to the other model's primary key. The relationship has the field's
/// name without `_id`. In `NewCar` the field is a `Reference`, made with `.into()` from a key, a model, or the handle
/// of an object in the session. An `Option` points to a row or to none. `belongs_to(Maker, ...)` takes
/// - `name = maker`: the relationship's name;
/// - `on_delete = cascade` and `on_update = cascade`: what becomes of the row when the other one is deleted or changes
///   its key. One of `cascade`, `set_null`, `set_default`, `restrict` and `no_action`, which is meant otherwise;
/// - `deferrable` and `initially_deferred`: it is checked at the end of the statement, unless a transaction puts it off,
///   or at the end of the transaction;
/// - `foreign_key = "cars_maker"`: the constraint's name.
///
/// On the struct,
/// - `belongs_to(seat = Seat, key(row, letter))` names the fields that hold a key of several columns, in the order of
///   the other model's. It takes the same options but `name`, and the fields of `NewCar` stay as they are.
///   `on_delete_columns(letter)` are the fields that `on_delete = set_null` or `set_default` sets, and `match_full` refuses
///   a key of which a part is NULL; SQLite does without both;
/// - `has_many(cars = Car::MAKER)` and `has_one(plate = Plate::CAR)` are the other side of a `belongs_to`. With
///   `delete_orphan`, a row that is taken from its owner is deleted;
/// - `many_to_many(tags = Tag, through(CarTag::CAR, CarTag::TAG))` goes through an association: a model with a
///   `belongs_to` to this model and one to the other, in this order.
///
/// # Embedded structs
///
/// A struct with `#[model(embedded)]` is no table but a group of columns. A model has them among its own where a field
/// says `embedded`: under the field's name and `_` as a prefix, or that of `embedded(prefix = "billing_")`.
///
/// ```
/// # use crocus_macros::Model;
/// # use crocus_orm::{ColumnOperators, Model};
/// #[derive(Debug, Clone, PartialEq, Model)]
/// # #[model(crate = "crocus_orm")]
/// #[model(embedded)]
/// struct Address {
///     street: String,
///     city: String,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// struct Customer {
///     #[model(primary_key)]
///     id: i32,
///     #[model(embedded)]
///     address: Address,
/// }
///
/// assert_eq!(Customer::ADDRESS.city.name(), "address_city");
/// let in_ulm = Customer::select().filter(Customer::ADDRESS.city.eq("Ulm"));
/// # let _ = in_ulm;
/// ```
///
/// In JSON it is an object inside the model's. `NewCustomer` has the `Address`, `CustomerPatch` an `AddressPatch`, whose
/// fields are changed one by one. The fields of an embedded struct can have `column`, `type`, `collation`, `sensitive`,
/// `comment`, `renamed_from` and `embedded`.
///
/// # Names
///
/// Constraints are named as PostgreSQL names them: `cars_name_model_key`, `cars_name_idx`, `cars_doors_check`,
/// `cars_maker_id_fkey`. To choose a name, write `unique = "..."` or `index = "..."` on a field,
/// `unique(name, model, name = "...")` or `index(name, model, name = "...")` on the struct, and
/// `check(name = "...", "doors >= 0")` on either. A struct or a
/// field can have several checks, and a struct several lists of each kind.
#[proc_macro_derive(Model, attributes(model))]
pub fn derive_model(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    match model::Model::read(&input) {
        Ok(model) => expand::expand(&model).into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// Makes an enum a column type: one of a fixed list of values.
///
/// PostgreSQL has a type of its own for it, SQLite keeps the text. A value is the variant's name in snake case, and in
/// JSON too: the derive also implements serde's `Serialize` and `Deserialize`. A value that no variant has is an error
/// when it is read.
///
/// ```
/// # use crocus_orm::ColumnValue;
/// # use crocus_macros::{DbEnum, Model};
/// #[derive(Debug, Clone, Copy, PartialEq, DbEnum)]
/// # #[db_enum(crate = "crocus_orm")]
/// enum Color {
///     Red,
///     RacingGreen,
///     #[db_enum(rename = "none")]
///     Unpainted,
/// }
///
/// #[derive(Debug, Clone, Model)]
/// # #[model(crate = "crocus_orm")]
/// struct Car {
///     #[model(primary_key)]
///     id: i32,
///     color: Color,
///     roof: Option<Color>,
/// }
///
/// assert_eq!(Color::from_json("racing_green".into()), Ok(Color::RacingGreen));
/// ```
///
/// `#[db_enum(name = "car_color")]` on the enum names the database's type, which is otherwise the enum's name in snake
/// case, and `#[db_enum(rename = "...")]` on a variant its value; `#[db_enum(renamed_from = "...")]` says what the value was
/// before, so that a migration renames it in the rows too. `#[db_enum(crate = "crocus_orm")]` says where the
/// traits are, for a program without `crocus`.
#[proc_macro_derive(DbEnum, attributes(db_enum))]
pub fn derive_db_enum(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as DeriveInput);
    match db_enum::expand(&input) {
        Ok(code) => code.into(),
        Err(error) => error.into_compile_error().into(),
    }
}

/// The migrations in a folder of the package, as a `crocus::migrate::Migrations`.
///
/// `migrations!()` reads the folder `migrations` beside `Cargo.toml`, `migrations!("folder")` another. A folder that is
/// not there has no migrations.
///
/// Every file of the folder that ends in `.rs` is a migration: a module with the functions `upgrade` and `downgrade`,
/// under a head like this one.
///
/// ```text
/// //! create cars
/// //!
/// //! Revision 3f9a1c27b6d0, follows <base>, 2026-11-22 14:03 UTC
/// ```
#[proc_macro]
pub fn migrations(input: TokenStream) -> TokenStream {
    let folder = if input.is_empty() {
        None
    } else {
        match syn::parse::<LitStr>(input.clone()) {
            Ok(folder) => Some(folder),
            Err(_) => {
                let input = proc_macro2::TokenStream::from(input);
                let text = "expected nothing, or the folder of the migrations as a string: migrations!(\"migrations\")";
                return syn::Error::new_spanned(input, text).into_compile_error().into();
            }
        }
    };
    // Cargo sets it for the package whose code is compiled; without Cargo, paths start where the compiler does.
    let package = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_default();
    match migrations::expand(folder.as_ref(), package.as_ref()) {
        Ok(code) => code.into(),
        Err(error) => error.into_compile_error().into(),
    }
}
