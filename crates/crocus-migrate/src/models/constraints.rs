//! Constraints, indexes and foreign keys as `#[model(...)]` says them: of a field where it can be, else of the struct.

use std::collections::BTreeSet;

use crocus_orm::table::ReferentialAction;

use super::columns::Field;
use super::{Model, bare, names};
use crate::schema::{Check, ForeignKey, Index, IndexKey, IndexPart, Table, TableName, Unique};

/// What is said of a table's constraints.
#[derive(Default)]
pub(super) struct Said {
    pub(super) of_struct: Vec<String>,
    /// With the position of the field.
    pub(super) of_fields: Vec<(usize, String)>,
    pub(super) not_said: Vec<String>,
}

/// What is said of a model's constraints, where these models are beside it.
pub(super) fn of(model: &Model<'_>, models: &[Model<'_>]) -> Said {
    let mut said = Said::default();
    let mut relations: BTreeSet<String> = model.fields.iter().map(|field| field.bare_name().to_owned()).collect();
    for key in &model.table.foreign_keys {
        said.foreign_key(model, models, key, &mut relations);
    }
    for unique in &model.table.uniques {
        said.unique(model, unique);
    }
    for index in &model.table.indexes {
        said.index(model, index);
    }
    for check in &model.table.checks {
        said.check(model, check);
    }
    said
}

impl Said {
    fn unique(&mut self, model: &Model<'_>, unique: &Unique) {
        let what = || format!("unique constraint {} ({})", unique.name, unique.columns.join(", "));
        let Some(fields) = fields_of(model, &unique.columns) else { return self.not_said.push(what()) };
        if *unique != Unique::new(unique.name.clone(), unique.columns.clone()) {
            return self.not_said.push(format!("{}, which has options", what()));
        }
        let is_usual = unique.name == usual(model.table, &unique.columns, "key");
        match fields.as_slice() {
            [field] if !self.has(*field, "unique") => {
                let said = if is_usual { "unique".to_owned() } else { format!("unique = {:?}", unique.name) };
                self.of_fields.push((*field, said));
            }
            several => self.of_struct.push(list(
                "unique",
                several.iter().map(|field| model.fields[*field].name.clone()),
                (!is_usual).then_some(&unique.name),
            )),
        }
    }

    fn index(&mut self, model: &Model<'_>, index: &Index) {
        let words: Option<Vec<_>> = index.parts.iter().map(|part| part_of(model, part)).collect();
        let plain = Index { unique: false, condition: None, ..index.clone() };
        let has_options = plain != Index::new(index.name.clone(), index.parts.clone());
        let (Some(mut words), false) = (words, has_options) else {
            return self.not_said.push(format!("index {}, which has options", index.name));
        };
        let columns: Option<Vec<_>> = index.parts.iter().map(column_of).collect();
        let is_usual = columns.as_ref().is_some_and(|columns| index.name == usual(model.table, columns, "idx"));
        if index.is_plain()
            && let Some(fields) = columns.as_ref().and_then(|columns| fields_of(model, columns))
            && let [field] = fields.as_slice()
            && !self.has(*field, "index")
        {
            let said = if is_usual { "index".to_owned() } else { format!("index = {:?}", index.name) };
            return self.of_fields.push((*field, said));
        }
        words.extend(index.condition.as_ref().map(|sql| format!("where = {:?}", bare(sql))));
        words.extend(index.unique.then(|| "unique".to_owned()));
        self.of_struct.push(list("index", words.into_iter(), (!is_usual).then_some(&index.name)));
    }

    fn check(&mut self, model: &Model<'_>, check: &Check) {
        if !check.validated {
            return self.not_said.push(format!("check {}, which is not validated", check.name));
        }
        let usual_of = |field: &Field<'_>| usual(model.table, std::slice::from_ref(&field.column.name), "check");
        let field = model.fields.iter().position(|field| field.ty.is_some() && usual_of(field) == check.name);
        let expression = bare(&check.expression);
        match field.filter(|field| !self.has(*field, "check")) {
            Some(field) => self.of_fields.push((field, format!("check = {expression:?}"))),
            None => self.of_struct.push(format!("check(name = {:?}, {expression:?})", check.name)),
        }
    }

    fn foreign_key(
        &mut self,
        model: &Model<'_>,
        models: &[Model<'_>],
        key: &ForeignKey,
        relations: &mut BTreeSet<String>,
    ) {
        let (fields, target) = match refers(model, models, key) {
            Ok(found) => found,
            Err(why) => {
                let (columns, target) = (key.columns.join(", "), &key.target);
                return self.not_said.push(format!("foreign key {} ({columns}) to {target}: {why}", key.name));
            }
        };
        let mut options = Vec::new();
        for (name, action) in [("on_delete", key.on_delete), ("on_update", key.on_update)] {
            options.extend(action_word(action).map(|action| format!("{name} = {action}")));
        }
        if key.name != usual(model.table, &key.columns, "fkey") {
            options.push(format!("foreign_key = {:?}", key.name));
        }
        let implied = match fields.as_slice() {
            [field] => names::relation(model.fields[*field].bare_name()),
            _ => None,
        };
        let is_free = |name: &&str| !relations.contains(*name);
        if let [field] = fields.as_slice()
            && !self.has(*field, "belongs_to")
        {
            let name = match implied.filter(is_free) {
                Some(name) => name.to_owned(),
                None => {
                    let name = free(relations, &target.name, Some(model.fields[*field].bare_name()));
                    options.insert(0, format!("name = {name}"));
                    name
                }
            };
            relations.insert(name);
            let said = match options.as_slice() {
                [] => format!("belongs_to = {}", target.name),
                several => format!("belongs_to({}, {})", target.name, several.join(", ")),
            };
            return self.of_fields.push((*field, said));
        }
        let name = free(relations, &target.name, None);
        relations.insert(name.clone());
        let fields: Vec<_> = fields.iter().map(|field| model.fields[*field].name.as_str()).collect();
        let options: String = options.iter().map(|option| format!(", {option}")).collect();
        self.of_struct.push(format!("belongs_to({name} = {}, key({}){options})", target.name, fields.join(", ")));
    }

    /// Whether something is said of a field already.
    fn has(&self, field: usize, word: &str) -> bool {
        let begins =
            |said: &str| said.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(']));
        self.of_fields.iter().any(|(of, said)| *of == field && begins(said))
    }
}

/// The fields of a foreign key and the model that it refers to, or why no model can say it.
fn refers<'a, 'b>(
    model: &Model<'_>,
    models: &'b [Model<'a>],
    key: &ForeignKey,
) -> Result<(Vec<usize>, &'b Model<'a>), &'static str> {
    let is_target = |name: &TableName| *name == key.target;
    let target = models.iter().find(|other| is_target(&other.table.name)).ok_or("there is no model of that table")?;
    if target.table.primary_key != key.target_columns {
        return Err("it does not refer to the primary key");
    }
    let fields = fields_of(model, &key.columns).ok_or("a column of it has no field")?;
    let types = |(field, column): (&usize, &String)| {
        target.table.column(column).is_some_and(|column| column.ty == model.fields[*field].column.ty)
    };
    if !fields.iter().zip(&key.target_columns).all(types) {
        return Err("the columns are of other types");
    }
    let plain = ForeignKey { on_delete: key.on_delete, on_update: key.on_update, ..plain_key(key) };
    if plain != *key {
        return Err("it has options");
    }
    let actions = [key.on_delete, key.on_update];
    let columns = || fields.iter().map(|field| model.fields[*field].column);
    if actions.contains(&ReferentialAction::SetNull) && columns().any(|column| !column.nullable) {
        return Err("it sets to NULL what cannot be NULL");
    }
    let has_default = |column: &crate::schema::Column| column.nullable || column.default.is_some();
    if actions.contains(&ReferentialAction::SetDefault) && !columns().all(has_default) {
        return Err("it sets to a default what has none");
    }
    if columns().any(|column| column.generated.is_some()) {
        return Err("a column of it is computed");
    }
    Ok((fields, target))
}

fn plain_key(key: &ForeignKey) -> ForeignKey {
    ForeignKey::new(key.name.clone(), key.columns.clone(), key.target.clone(), key.target_columns.clone())
}

/// The positions of the fields that hold columns; `None` where one has no field.
fn fields_of(model: &Model<'_>, columns: &[String]) -> Option<Vec<usize>> {
    let field =
        |column: &String| model.fields.iter().position(|field| field.column.name == *column && field.ty.is_some());
    columns.iter().map(field).collect()
}

/// A part of an index as `index(...)` has it; `None` where it cannot.
fn part_of(model: &Model<'_>, part: &IndexPart) -> Option<String> {
    if *part != (IndexPart { descending: part.descending, ..IndexPart::new(part.key.clone()) }) {
        return None;
    }
    let word = match &part.key {
        IndexKey::Column(column) => {
            let field = fields_of(model, std::slice::from_ref(column))?[0];
            let name = &model.fields[field].name;
            // `unique` alone would be said of the index.
            if name == "unique" { "r#unique".to_owned() } else { name.clone() }
        }
        IndexKey::Expression(sql) => format!("expr = {:?}", bare(sql)),
    };
    Some(if part.descending { format!("{word} desc") } else { word })
}

fn column_of(part: &IndexPart) -> Option<String> {
    match &part.key {
        IndexKey::Column(column) => Some(column.clone()),
        IndexKey::Expression(_) => None,
    }
}

/// The name that PostgreSQL would give it.
fn usual(table: &Table, columns: &[String], end: &str) -> String {
    format!("{}_{}_{end}", table.name.name, columns.join("_"))
}

fn list(word: &str, parts: impl Iterator<Item = String>, name: Option<&String>) -> String {
    let parts: Vec<_> = parts.chain(name.map(|name| format!("name = {name:?}"))).collect();
    format!("{word}({})", parts.join(", "))
}

/// A name for a relationship: the other model's, or with the field's before it.
fn free(taken: &BTreeSet<String>, target: &str, field: Option<&str>) -> String {
    let wanted = names::snake_case(target);
    let longer = field.map(|field| format!("{}_{wanted}", names::relation(field).unwrap_or(field)));
    let others = (2..).map(|number| format!("{wanted}_{number}"));
    let mut candidates = std::iter::once(wanted.clone()).chain(longer).chain(others);
    candidates.find(|name| !taken.contains(name) && !names::is_keyword(name)).unwrap_or_default()
}

fn action_word(action: ReferentialAction) -> Option<&'static str> {
    match action {
        ReferentialAction::NoAction => None,
        ReferentialAction::Restrict => Some("restrict"),
        ReferentialAction::Cascade => Some("cascade"),
        ReferentialAction::SetNull => Some("set_null"),
        ReferentialAction::SetDefault => Some("set_default"),
    }
}
