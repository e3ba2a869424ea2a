//! What needs no scratch: the same words mean the same, so a table that the database has in the words of its model was
//! read back already. Other words may mean the same too, which only the database can tell.

use super::scratch::in_order;
use super::types::{type_from, type_name};
use crate::schema::{Check, Column, ForeignKey, Index, IndexKey, IndexPart, Table, Type};

/// A model's table as it would be read back, from the one that the database has; `None` where their words differ.
pub(crate) fn read_back(model: &Table, actual: &Table) -> Option<Table> {
    let alike = model.primary_key == actual.primary_key
        && model.comment == actual.comment
        && model.columns.len() == actual.columns.len()
        && model.uniques.len() == actual.uniques.len()
        && model.checks.len() == actual.checks.len()
        && model.foreign_keys.len() == actual.foreign_keys.len()
        && model.indexes.len() == actual.indexes.len();
    if !alike {
        return None;
    }
    let columns = model.columns.iter().map(|model| {
        let actual = actual.columns.iter().find(|actual| actual.name == model.name)?;
        column(model, actual)
    });
    let uniques = model.uniques.iter().map(|model| actual.uniques.iter().find(|actual| *actual == model).cloned());
    let checks = model.checks.iter().map(|model| {
        let actual = actual.checks.iter().find(|actual| actual.name == model.name)?;
        let expression = same(&model.expression, &actual.expression)?;
        Some(Check { expression, ..model.clone() })
    });
    let foreign_keys = model.foreign_keys.iter().map(|model| {
        let actual = actual.foreign_keys.iter().find(|actual| actual.name == model.name)?;
        let read = in_order(model);
        (ForeignKey { validated: read.validated, ..actual.clone() } == read).then_some(read)
    });
    let indexes = model.indexes.iter().map(|model| {
        let actual = actual.indexes.iter().find(|actual| actual.name == model.name)?;
        index(model, actual)
    });
    let mut read = Table {
        renamed_from: None,
        columns: columns.collect::<Option<_>>()?,
        uniques: uniques.collect::<Option<_>>()?,
        checks: checks.collect::<Option<_>>()?,
        foreign_keys: foreign_keys.collect::<Option<_>>()?,
        indexes: indexes.collect::<Option<_>>()?,
        ..model.clone()
    };
    // As the catalogues list them.
    read.uniques.sort_by(|one, other| one.name.cmp(&other.name));
    read.checks.sort_by(|one, other| one.name.cmp(&other.name));
    read.indexes.sort_by(|one, other| one.name.cmp(&other.name));
    Some(read)
}

fn column(model: &Column, actual: &Column) -> Option<Column> {
    let ty = match &model.ty {
        Type::Other(_) => type_from(type_name(&model.ty)),
        ty => ty.clone(),
    };
    let default = both(&model.default, &actual.default, |model, actual| {
        same(model, actual).or_else(|| (actual == literal_of(model, &ty)?).then(|| actual.to_owned()))
    })?;
    let generated = both(&model.generated, &actual.generated, same)?;
    let read = Column { ty, default, generated, renamed_from: None, ..model.clone() };
    (read == *actual).then_some(read)
}

fn index(model: &Index, actual: &Index) -> Option<Index> {
    if model.parts.len() != actual.parts.len() {
        return None;
    }
    let parts = model.parts.iter().zip(&actual.parts).map(|(model, actual)| {
        let key = match (&model.key, &actual.key) {
            (IndexKey::Column(model), IndexKey::Column(actual)) if model == actual => IndexKey::Column(actual.clone()),
            (IndexKey::Expression(model), IndexKey::Expression(actual)) => IndexKey::Expression(same(model, actual)?),
            _ => return None,
        };
        Some(IndexPart { key, ..model.clone() })
    });
    let condition = both(&model.condition, &actual.condition, same)?;
    let read = Index { parts: parts.collect::<Option<_>>()?, condition, ..model.clone() };
    (Index { valid: read.valid, ..actual.clone() } == read).then_some(read)
}

/// Neither, or what is found of the two.
fn both(
    model: &Option<String>,
    actual: &Option<String>,
    found: impl Fn(&str, &str) -> Option<String>,
) -> Option<Option<String>> {
    match (model, actual) {
        (None, None) => Some(None),
        (Some(model), Some(actual)) => Some(Some(found(model, actual)?)),
        _ => None,
    }
}

/// The database's expression, where it is the model's but for parentheses around the whole.
fn same(model: &str, actual: &str) -> Option<String> {
    (bare(model) == bare(actual)).then(|| actual.to_owned())
}

/// A text in quotes as the default of a column, as it is written back: it has the column's type.
fn literal_of(model: &str, ty: &Type) -> Option<String> {
    let text = bare(model);
    let inner = text.strip_prefix('\'')?.strip_suffix('\'')?;
    if inner.replace("''", "").contains(['\'', '\\']) {
        return None;
    }
    let name = type_name(ty);
    let name = match (name.split_once('('), name.split_once(')')) {
        (Some((before, _)), Some((_, after))) if !name.contains('"') => format!("{before}{after}"),
        _ => name,
    };
    Some(format!("{text}::{name}"))
}

/// An expression without the parentheses around the whole of it.
fn bare(expression: &str) -> &str {
    let mut bare = expression.trim();
    while let Some(inner) = bare.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).filter(|it| is_whole(it)) {
        bare = inner.trim();
    }
    bare
}

/// Whether the parentheses in it belong together. What is hard to read, such as a comment, is told to be none.
fn is_whole(inner: &str) -> bool {
    let (mut depth, mut quote) = (0_usize, None);
    for character in inner.chars() {
        match (quote, character) {
            (_, '\\' | '$') => return false,
            (Some(open), close) if open == close => quote = None,
            (Some(_), _) => {}
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') if depth == 0 => return false,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
    }
    depth == 0 && quote.is_none() && !inner.contains("--") && !inner.contains("/*")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crocus_orm::ColumnType;

    #[test]
    fn parentheses_around_the_whole_are_no_words() {
        for (expression, expected) in [
            (" (a > 0) ", "a > 0"),
            ("((a > 0))", "a > 0"),
            ("(a > 0) AND (b > 0)", "(a > 0) AND (b > 0)"),
            ("((a > 0) AND (b > 0))", "(a > 0) AND (b > 0)"),
            ("(a = ')') OR (b = '(')", "(a = ')') OR (b = '(')"),
            ("(a = ')')", "a = ')'"),
            ("(a = '''')", "a = ''''"),
            ("(\"(\" > 0)", "\"(\" > 0"),
            ("(a > 0 -- )", "(a > 0 -- )"),
            ("(a = $$)$$)", "(a = $$)$$)"),
            ("()", ""),
            ("(", "("),
        ] {
            assert_eq!(bare(expression), expected, "{expression}");
        }
    }

    #[test]
    fn a_text_has_the_type_of_its_column() {
        let text = |ty: &str, model: &str| literal_of(model, &Type::Other(ty.to_owned()));
        assert_eq!(text("varchar(20)", "'new'").as_deref(), Some("'new'::character varying"));
        assert_eq!(text("timestamptz(3)", "('2020-01-01')").as_deref(), Some("'2020-01-01'::timestamp with time zone"));
        assert_eq!(text("citext", "'it''s'").as_deref(), Some("'it''s'::citext"));
        assert_eq!(text("citext", "'a' || 'b'"), None);
        assert_eq!(text("citext", "E'a'"), None);
        assert_eq!(literal_of("'x'", &Type::Standard(ColumnType::Text)).as_deref(), Some("'x'::text"));
    }
}
