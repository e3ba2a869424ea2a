//! What stands in `#[model(...)]` and `#[db_enum(...)]`: reading it, and saying what is wrong with it. Whether the parts
//! fit together is the business of `model` and `db_enum`.

pub(crate) mod constraints;
pub(crate) mod indexes;
mod item;
pub(crate) mod relations;

use proc_macro2::Ident;
use syn::ext::IdentExt;
use syn::{Attribute, LitStr, Path};

use self::constraints::{Check, Composite, DefaultValue, Single};
use self::indexes::Index;
use self::item::items;
use self::relations::{BelongsTo, Has, ManyToMany};
use crate::errors::Errors;
use crate::names;
use crate::sql_type::SqlType;

const ON_STRUCT: [&str; 14] = [
    "embedded",
    "table",
    "schema",
    "bind",
    "comment",
    "renamed_from",
    "unique",
    "index",
    "check",
    "belongs_to",
    "has_one",
    "has_many",
    "many_to_many",
    "crate",
];
const ON_FIELD: [&str; 18] = [
    "embedded",
    "primary_key",
    "identity",
    "no_identity",
    "column",
    "type",
    "collation",
    "comment",
    "renamed_from",
    "unique",
    "index",
    "check",
    "default",
    "default_with",
    "generated",
    "version",
    "sensitive",
    "belongs_to",
];

/// The attributes of the struct.
#[derive(Default)]
pub(crate) struct StructAttributes {
    pub(crate) table: Option<LitStr>,
    pub(crate) schema: Option<LitStr>,
    pub(crate) bind: Option<LitStr>,
    pub(crate) comment: Option<LitStr>,
    pub(crate) renamed_from: Option<LitStr>,
    pub(crate) uniques: Vec<Composite>,
    pub(crate) indexes: Vec<Index>,
    pub(crate) checks: Vec<Check>,
    pub(crate) relations: Vec<Relation>,
    pub(crate) krate: Option<Path>,
    /// Whether the struct is a group of columns and no table.
    pub(crate) embedded: bool,
    /// Every word that only a table can have.
    pub(crate) of_a_table: Vec<Ident>,
}

/// A relationship that is declared on the struct.
pub(crate) enum Relation {
    BelongsTo(BelongsTo),
    Has(Has),
    ManyToMany(ManyToMany),
}

/// The attributes of a field. A flag holds the word that set it, to point at.
#[derive(Default)]
pub(crate) struct FieldAttributes {
    pub(crate) primary_key: Option<Ident>,
    pub(crate) identity: Option<Ident>,
    pub(crate) no_identity: Option<Ident>,
    pub(crate) column: Option<LitStr>,
    pub(crate) sql_type: Option<(LitStr, SqlType)>,
    pub(crate) collation: Option<LitStr>,
    pub(crate) comment: Option<LitStr>,
    pub(crate) renamed_from: Option<LitStr>,
    pub(crate) unique: Option<Single>,
    pub(crate) index: Option<Single>,
    pub(crate) checks: Vec<Check>,
    pub(crate) default: Option<DefaultValue>,
    pub(crate) default_with: Option<(Ident, Path)>,
    pub(crate) generated: Option<(Ident, LitStr)>,
    pub(crate) version: Option<Ident>,
    pub(crate) sensitive: bool,
    pub(crate) belongs_to: Option<BelongsTo>,
    pub(crate) embedded: Option<Embedded>,
    /// Every word, in the order of writing.
    pub(crate) words: Vec<Ident>,
}

/// `embedded` or `embedded(prefix = "billing_")` on a field.
pub(crate) struct Embedded {
    pub(crate) prefix: Option<LitStr>,
}

impl StructAttributes {
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> StructAttributes {
        let mut read = StructAttributes::default();
        let mut seen = Vec::new();
        for item in items("model", attributes, errors) {
            let key = item.key.unraw().to_string();
            match key.as_str() {
                "table" => read.table = item.name(names::table_fault, errors),
                "schema" => read.schema = item.name(names::schema_fault, errors),
                "bind" => read.bind = item.name(names::bind_fault, errors),
                "comment" => read.comment = item.name(names::comment_fault, errors),
                "renamed_from" => read.renamed_from = item.name(names::table_fault, errors),
                "unique" => read.uniques.extend(item.composite(errors)),
                "index" => read.indexes.extend(item.index(errors)),
                "check" => read.checks.extend(item.check(errors)),
                "belongs_to" => read.relations.extend(item.belongs_to_of_struct(errors).map(Relation::BelongsTo)),
                "has_one" => read.relations.extend(item.has(false, errors).map(Relation::Has)),
                "has_many" => read.relations.extend(item.has(true, errors).map(Relation::Has)),
                "many_to_many" => read.relations.extend(item.many_to_many(errors).map(Relation::ManyToMany)),
                "crate" => read.krate = item.path(errors),
                "embedded" => {
                    item.flag(errors);
                    read.embedded = true;
                }
                _ => unknown(&item.key, &ON_STRUCT, ("the struct", "a field"), &ON_FIELD, errors),
            }
            if !matches!(key.as_str(), "crate" | "embedded") && ON_STRUCT.contains(&key.as_str()) {
                read.of_a_table.push(item.key.clone());
            }
            if matches!(key.as_str(), "table" | "schema" | "bind" | "comment" | "renamed_from" | "crate") {
                once(&mut seen, key, &item.key, errors);
            }
        }
        read
    }
}

impl FieldAttributes {
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> FieldAttributes {
        let mut read = FieldAttributes::default();
        let mut seen = Vec::new();
        for item in items("model", attributes, errors) {
            let (key, at) = (item.key.unraw().to_string(), item.key.clone());
            match key.as_str() {
                "primary_key" => read.primary_key = Some(item.flag(errors)),
                "identity" => read.identity = Some(item.flag(errors)),
                "no_identity" => read.no_identity = Some(item.flag(errors)),
                "column" => read.column = item.name(names::column_fault, errors),
                "type" => read.sql_type = item.sql_type(errors),
                "collation" => read.collation = item.name(names::fault, errors),
                "comment" => read.comment = item.name(names::comment_fault, errors),
                "renamed_from" => read.renamed_from = item.name(names::column_fault, errors),
                "unique" => read.unique = item.single(errors),
                "index" => read.index = item.single(errors),
                "check" => read.checks.extend(item.check(errors)),
                "default" => read.default = item.default(errors),
                "default_with" => read.default_with = item.function(errors).map(|path| (item.key, path)),
                "generated" => {
                    read.generated = item.expression("price * 2", errors).map(|expression| (item.key, expression))
                }
                "version" => read.version = Some(item.flag(errors)),
                "sensitive" => {
                    item.flag(errors);
                    read.sensitive = true;
                }
                "belongs_to" => read.belongs_to = item.belongs_to_of_field(errors),
                "embedded" => read.embedded = item.embedded(errors),
                _ => {
                    unknown(&item.key, &ON_FIELD, ("a field", "the struct"), &ON_STRUCT, errors);
                    // Otherwise the model would also be said to lack the key that was only misspelt.
                    if names::nearest(&key, &ON_FIELD) == Some("primary_key") {
                        read.primary_key = Some(item.key.clone());
                    }
                }
            }
            read.words.push(at.clone());
            if key != "check" && ON_FIELD.contains(&key.as_str()) {
                once(&mut seen, key, &at, errors);
            }
        }
        read
    }
}

const ON_ENUM: [&str; 2] = ["name", "crate"];
const ON_VARIANT: [&str; 2] = ["rename", "renamed_from"];

/// The `#[db_enum(...)]` of an enum.
#[derive(Default)]
pub(crate) struct EnumAttributes {
    pub(crate) name: Option<LitStr>,
    pub(crate) krate: Option<Path>,
}

/// The `#[db_enum(...)]` of a variant.
#[derive(Default)]
pub(crate) struct VariantAttributes {
    pub(crate) rename: Option<LitStr>,
    pub(crate) renamed_from: Option<LitStr>,
}

impl EnumAttributes {
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> EnumAttributes {
        let mut read = EnumAttributes::default();
        let mut seen = Vec::new();
        for item in items("db_enum", attributes, errors) {
            let key = item.key.unraw().to_string();
            match key.as_str() {
                "name" => read.name = item.name(names::fault, errors),
                "crate" => read.krate = item.path(errors),
                _ => unknown(&item.key, &ON_ENUM, ("the enum", "a variant"), &ON_VARIANT, errors),
            }
            once(&mut seen, key, &item.key, errors);
        }
        read
    }
}

impl VariantAttributes {
    pub(crate) fn read(attributes: &[Attribute], errors: &mut Errors) -> VariantAttributes {
        let mut read = VariantAttributes::default();
        let mut seen = Vec::new();
        for item in items("db_enum", attributes, errors) {
            let key = item.key.unraw().to_string();
            match key.as_str() {
                "rename" => read.rename = item.name(names::fault, errors),
                "renamed_from" => read.renamed_from = item.name(names::fault, errors),
                _ => unknown(&item.key, &ON_VARIANT, ("a variant", "the enum"), &ON_ENUM, errors),
            }
            once(&mut seen, key, &item.key, errors);
        }
        read
    }
}

fn unknown(key: &Ident, known: &[&str], (here, there): (&str, &str), elsewhere: &[&str], errors: &mut Errors) {
    let word = key.unraw().to_string();
    let text = if elsewhere.contains(&word.as_str()) {
        format!("`{key}` belongs on {there}, not on {here}")
    } else if let Some(meant) = names::nearest(&word, known) {
        format!("unknown attribute `{key}`: did you mean `{meant}`?")
    } else {
        format!("unknown attribute `{key}`: {here} can have `{}`", known.join("`, `"))
    };
    errors.at(key, text);
}

fn once(seen: &mut Vec<String>, key: String, at: &Ident, errors: &mut Errors) {
    if seen.contains(&key) {
        errors.at(at, format!("`{key}` is given twice: keep one of them"));
    } else {
        seen.push(key);
    }
}
