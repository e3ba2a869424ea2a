//! Embedded structs: groups of columns that a model holds as one field.

use crate::Result;
use crate::json::FromJson;
use crate::row::Row;
use crate::table::ColumnDef;
use crate::value::Value;

/// A group of columns, made by `derive(Model)` with `#[model(embedded)]`. A model that embeds it has its columns among
/// its own, under names with a prefix.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a group of columns",
    label = "not an embedded struct",
    note = "add `#[derive(Model)]` and `#[model(embedded)]` to the struct"
)]
pub trait Embedded: FromJson + Clone + Send + Sync + 'static {
    /// What a patch brings.
    type Patch: FromJson + Default + Send + Sync + 'static;
    /// Its typed columns in the model `M`: `Car::ADDRESS`.
    type Columns<M>: Copy + std::fmt::Debug;

    /// The columns, under the names that they have without a prefix.
    const COLUMNS: &'static [ColumnDef];

    /// Reads the group from a row that has all its columns, in their order, from the index `start` on.
    ///
    /// # Errors
    /// When a column holds something that the field cannot.
    fn from_row(row: &Row, start: usize) -> Result<Self>;

    /// The values of all columns, in their order.
    fn values(&self) -> Vec<Value>;

    /// Changes the fields that the patch brings.
    fn apply(&mut self, patch: Self::Patch);
}

/// For the code that `derive(Model)` writes: a table's columns with those of its embedded structs, at compile time.
#[doc(hidden)]
pub mod columns {
    use crate::table::{ColumnDef, ColumnType, ReadJson};

    /// PostgreSQL cuts longer names silently ("Identifiers and Key Words": `NAMEDATALEN` - 1).
    const LONGEST: usize = 63;

    /// More than the names of nested fields take, which are shown only.
    const ROOM: usize = 256;

    const NONE: ColumnDef = ColumnDef {
        name: "",
        field: "",
        ty: ColumnType::Text,
        sql_type: None,
        collation: None,
        nullable: false,
        primary_key: false,
        identity: false,
        default: None,
        default_with: None,
        generated: None,
        version: false,
        sensitive: false,
        comment: None,
        renamed_from: None,
        from_json: ReadJson::of::<String>(),
    };

    /// Two texts one after the other.
    #[derive(Debug, Clone, Copy)]
    pub struct Joined {
        bytes: [u8; ROOM],
        length: usize,
    }

    /// The names of the columns, in the database and of their fields, each under its prefix.
    pub const fn joined<const N: usize>(
        columns: &[ColumnDef],
        prefix: &str,
        field: &str,
    ) -> [(Joined, Joined, Joined); N] {
        let nothing = Joined { bytes: [0; ROOM], length: 0 };
        let mut names = [(nothing, nothing, nothing); N];
        let mut index = 0;
        while index < N {
            let column = &columns[index];
            let renamed_from = match column.renamed_from {
                Some(name) => join(prefix, name),
                None => nothing,
            };
            names[index] = (join(prefix, column.name), join(field, column.field), renamed_from);
            assert!(
                names[index].0.length <= LONGEST,
                "a column of an embedded struct has a name of more than 63 bytes"
            );
            index += 1;
        }
        names
    }

    const fn join(first: &str, second: &str) -> Joined {
        let mut joined = Joined { bytes: [0; ROOM], length: 0 };
        let texts = [first.as_bytes(), second.as_bytes()];
        let mut text = 0;
        while text < texts.len() {
            let mut index = 0;
            while index < texts[text].len() {
                assert!(joined.length < ROOM, "the name of a field in an embedded struct is too long");
                joined.bytes[joined.length] = texts[text][index];
                joined.length += 1;
                index += 1;
            }
            text += 1;
        }
        joined
    }

    impl Joined {
        const fn text(&'static self) -> &'static str {
            let (text, _) = self.bytes.split_at(self.length);
            match std::str::from_utf8(text) {
                Ok(text) => text,
                Err(_) => panic!("two texts are a text"),
            }
        }
    }

    /// The columns under these names.
    pub const fn renamed<const N: usize>(
        columns: &[ColumnDef],
        names: &'static [(Joined, Joined, Joined); N],
    ) -> [ColumnDef; N] {
        let mut renamed = [NONE; N];
        let mut index = 0;
        while index < N {
            let (name, field, renamed_from) = &names[index];
            let renamed_from = match columns[index].renamed_from {
                Some(_) => Some(renamed_from.text()),
                None => None,
            };
            renamed[index] = ColumnDef { name: name.text(), field: field.text(), renamed_from, ..columns[index] };
            index += 1;
        }
        renamed
    }

    /// How many columns there are.
    pub const fn count(parts: &[&[ColumnDef]]) -> usize {
        let mut count = 0;
        let mut part = 0;
        while part < parts.len() {
            count += parts[part].len();
            part += 1;
        }
        count
    }

    /// All columns, which must have names of their own.
    pub const fn all<const N: usize>(parts: &[&[ColumnDef]]) -> [ColumnDef; N] {
        let mut all = [NONE; N];
        let mut count = 0;
        let mut part = 0;
        while part < parts.len() {
            let mut index = 0;
            while index < parts[part].len() {
                let column = parts[part][index];
                let mut before = 0;
                while before < count {
                    assert!(
                        !all[before].name.eq_ignore_ascii_case(column.name),
                        "two columns have the same name: choose another prefix with #[model(embedded(prefix = \"...\"))]"
                    );
                    before += 1;
                }
                all[count] = column;
                count += 1;
                index += 1;
            }
            part += 1;
        }
        all
    }
}
