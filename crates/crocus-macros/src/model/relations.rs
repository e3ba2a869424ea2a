//! The relationships of a model, and the foreign keys that they need.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::{Path, Visibility};

use super::constraints::Constraints;
use super::{Field, Source};
use crate::attributes::relations::{Action, BelongsTo, Has, ManyToMany};
use crate::attributes::{self, FieldAttributes, StructAttributes};
use crate::errors::Errors;
use crate::names;

/// A relationship.
pub(crate) struct Relation {
    pub(crate) name: String,
    /// The name of the associated constant, at the token that named it.
    pub(crate) constant: Ident,
    pub(crate) vis: Visibility,
    pub(crate) target: Path,
    pub(crate) kind: RelationKind,
}

/// Which relationship it is.
pub(crate) enum RelationKind {
    BelongsTo {
        /// The fields that hold the other's key: indexes into the model's.
        fields: Vec<usize>,
        foreign_key: ForeignKey,
    },
    Has {
        many: bool,
        inverse: Path,
        delete_orphan: bool,
    },
    ManyToMany {
        association: Path,
        to_source: Path,
        to_target: Path,
    },
}

/// A foreign key constraint.
pub(crate) struct ForeignKey {
    pub(crate) name: String,
    /// Variants of `ReferentialAction`.
    pub(crate) on_delete: &'static str,
    pub(crate) on_update: &'static str,
    /// The fields that a deletion sets: indexes into the model's. All when there is none.
    pub(crate) on_delete_columns: Vec<usize>,
    pub(crate) match_full: bool,
    /// A variant of `Deferrable`.
    pub(crate) deferrable: &'static str,
}

/// Every relationship: those of the fields in their order, then those of the struct.
pub(super) fn read(
    (ident, vis): (&Ident, &Visibility),
    attributes: StructAttributes,
    of_fields: Vec<FieldAttributes>,
    fields: &[Field],
    constraints: &mut Constraints,
    errors: &mut Errors,
) -> Vec<Relation> {
    let mut relations = Vec::new();
    for (index, belongs_to) in of_fields.into_iter().enumerate().filter_map(|(index, of)| Some((index, of.belongs_to?)))
    {
        let field = &fields[index];
        let Some(name) = belongs_to.name.clone().or_else(|| name_of(field, errors)) else { continue };
        let mut relation = of_foreign_key(&name, belongs_to, vec![index], fields, constraints, errors);
        relation.vis = field.vis.clone();
        relations.push(relation);
    }
    for relation in attributes.relations {
        let mut relation = match relation {
            attributes::Relation::BelongsTo(belongs_to) => {
                let columns: Vec<_> = belongs_to
                    .fields
                    .iter()
                    .filter_map(|field| super::constraints::field(field, fields, errors))
                    .collect();
                let Some(name) = belongs_to.name.clone() else { continue };
                if columns.len() < belongs_to.fields.len() {
                    continue;
                }
                of_foreign_key(&name, belongs_to, columns, fields, constraints, errors)
            }
            attributes::Relation::Has(Has { name, many, target, inverse, delete_orphan }) => {
                let inverse = resolved(inverse, ident);
                Relation::new(&name, target, RelationKind::Has { many, inverse, delete_orphan })
            }
            attributes::Relation::ManyToMany(ManyToMany { name, target, association, to_source, to_target }) => {
                let [association, to_source, to_target] =
                    [association, to_source, to_target].map(|path| resolved(path, ident));
                Relation::new(&name, target, RelationKind::ManyToMany { association, to_source, to_target })
            }
        };
        relation.vis = vis.clone();
        relations.push(relation);
    }
    for relation in &mut relations {
        relation.target = resolved(relation.target.clone(), ident);
    }
    clashes(&relations, fields, errors);
    relations
}

impl Relation {
    fn new(name: &Ident, target: Path, kind: RelationKind) -> Relation {
        let text = name.unraw().to_string();
        let constant = Ident::new(&names::screaming_case(&text), name.span());
        Relation { name: text, constant, vis: Visibility::Inherited, target, kind }
    }

    /// Whether it points nowhere when one of these fields is NULL.
    pub(crate) fn is_optional(fields: &[usize], of: &[Field]) -> bool {
        fields.iter().any(|index| of[*index].inner.is_some())
    }
}

/// A relationship with its foreign key.
fn of_foreign_key(
    name: &Ident,
    belongs_to: BelongsTo,
    columns: Vec<usize>,
    fields: &[Field],
    constraints: &mut Constraints,
    errors: &mut Errors,
) -> Relation {
    let on_delete_columns = set_columns(&belongs_to, &columns, fields, errors);
    let BelongsTo { key, target, on_delete, on_update, foreign_key, match_full, deferrable, .. } = belongs_to;
    let set = if on_delete_columns.is_empty() { &columns } else { &on_delete_columns };
    for (action, columns) in [(&on_delete, set), (&on_update, &columns)] {
        check_action(action, columns, fields, errors);
    }
    let parts = columns.iter().map(|index| fields[*index].column.as_str()).chain(["fkey"]);
    let way_out = "belongs_to(..., foreign_key = \"...\")";
    let foreign_key = ForeignKey {
        name: constraints.name(&key, &foreign_key, &parts.collect::<Vec<_>>(), way_out, errors),
        on_delete: on_delete.variant,
        on_update: on_update.variant,
        on_delete_columns,
        match_full,
        deferrable,
    };
    Relation::new(name, target, RelationKind::BelongsTo { fields: columns, foreign_key })
}

/// The fields of the key that a deletion sets, where not all are.
fn set_columns(belongs_to: &BelongsTo, columns: &[usize], fields: &[Field], errors: &mut Errors) -> Vec<usize> {
    let Some((word, listed)) = &belongs_to.on_delete_columns else { return Vec::new() };
    if !["SetNull", "SetDefault"].contains(&belongs_to.on_delete.variant) {
        errors.at(
            word,
            "`on_delete_columns` says what `on_delete = set_null` or `on_delete = set_default` sets: write one",
        );
    }
    if belongs_to.match_full && belongs_to.on_delete.variant == "SetNull" && listed.len() < columns.len() {
        let text =
            "`match_full` refuses a key of which a part is NULL: list all of its fields, or leave one of the two out";
        errors.at(word, text);
    }
    let mut found = Vec::new();
    for word in listed {
        let Some(index) = super::constraints::field(word, fields, errors) else { continue };
        if columns.contains(&index) {
            found.push(index);
        } else {
            errors.at(word, format!("`{word}` is no part of the key: list fields of `key(...)`"));
        }
    }
    found
}

/// `maker` for the field `maker_id`.
fn name_of(field: &Field, errors: &mut Errors) -> Option<Ident> {
    match field.name.strip_suffix("_id") {
        Some(name) if !name.is_empty() => Some(Ident::new(name, field.ident.span())),
        _ => {
            let text = format!(
                "the relationship needs a name: end the field's with `_id`, or write `belongs_to(..., name = ...)`, with \
                 another name than the field's own, `{}`",
                field.name
            );
            errors.at(&field.ident, text);
            None
        }
    }
}

/// Whether the columns can become what the action makes of them.
fn check_action(action: &Action, columns: &[usize], fields: &[Field], errors: &mut Errors) {
    let columns = columns.iter().map(|index| &fields[*index]);
    match action.variant {
        "SetNull" => {
            if let Some(field) = columns.clone().find(|field| field.inner.is_none()) {
                let text =
                    format!("`{}` cannot be NULL: make its type an `Option`, or choose another action", field.name);
                errors.at(&action.word, text);
            }
        }
        "SetDefault" => {
            if let Some(field) =
                columns.clone().find(|field| !matches!(field.source, Source::Default(_)) && field.inner.is_none())
            {
                let text = format!("`{}` has no default: give it one, or choose another action", field.name);
                errors.at(&action.word, text);
            }
        }
        _ => {}
    }
}

/// The path with the model's own name for `Self`, which means another struct in the ones made for inserts.
pub(super) fn resolved(mut path: Path, ident: &Ident) -> Path {
    if let Some(first) = path.segments.first_mut().filter(|first| first.ident == "Self") {
        first.ident = Ident::new(&ident.to_string(), first.ident.span());
    }
    path
}

/// A relationship cannot share its constant with a column or another relationship.
fn clashes(relations: &[Relation], fields: &[Field], errors: &mut Errors) {
    for (index, relation) in relations.iter().enumerate() {
        let Relation { name, constant, .. } = relation;
        if let Some(field) = fields.iter().find(|field| field.constant == *constant) {
            let text =
                format!("the column of the field `{}` is named `{constant}` already: choose another name", field.name);
            errors.at(constant.to_token_stream(), text);
        } else if relations[..index].iter().any(|other| other.constant == *constant) {
            errors.at(constant, format!("another relationship is named `{name}` already: choose another name"));
        }
    }
}
