//! Constraints, indexes and foreign keys as `#[model(...)]` says them: of a field where it can be, else of the struct.

use std::collections::BTreeSet;

use crocus_orm::table::ReferentialAction;

use super::columns::{Field, reads_none};
use super::{Model, bare, names};
use crate::schema::{
    Check, Column, Deferrable, ForeignKey, Index, IndexKey, IndexPart, Nulls, Table, TableName, Unique,
};

/// What is said of a table's constraints.
#[derive(Default)]
pub(super) struct Said {
    pub(super) of_struct: Vec<String>,
    /// With the position of the field.
    pub(super) of_fields: Vec<(usize, String)>,
    pub(super) not_said: Vec<String>,
    /// The names so far, in lower case: a model has no two that differ only in case.
    taken: BTreeSet<String>,
}

/// What is said of a model's constraints, where these models are beside it.
pub(super) fn of(model: &Model<'_>, models: &[Model<'_>]) -> Said {
    let table = model.table.name.name.to_lowercase();
    let mut said = Said { taken: BTreeSet::from([format!("{table}_pkey"), table]), ..Said::default() };
    let mut relations: BTreeSet<String> = model.fields.iter().map(|field| field.bare_name().to_owned()).collect();
    for key in &model.table.foreign_keys {
        if let Err(why) = said.foreign_key(model, models, key, &mut relations) {
            let (columns, target) = (key.columns.join(", "), &key.target);
            said.not_said.push(format!("foreign key {} ({columns}) to {target}: {why}", key.name));
        }
    }
    for unique in &model.table.uniques {
        if let Err(why) = said.unique(model, unique) {
            said.not_said.push(format!("unique constraint {} ({}): {why}", unique.name, unique.columns.join(", ")));
        }
    }
    for index in &model.table.indexes {
        if let Err(why) = said.index(model, index) {
            said.not_said.push(format!("index {}: {why}", index.name));
        }
    }
    for check in &model.table.checks {
        if let Err(why) = said.check(model, check) {
            said.not_said.push(format!("check {}: {why}", check.name));
        }
    }
    said
}

/// What `#[model(...)]` says, or why it cannot.
type Saying = Result<(), &'static str>;

impl Said {
    fn unique(&mut self, model: &Model<'_>, unique: &Unique) -> Saying {
        let fields = fields_of(model, &unique.columns).ok_or(NO_FIELD)?;
        self.take(&unique.name)?;
        let is_usual = unique.name == usual(model.table, &unique.columns, "key");
        let mut options = deferrable_word(unique.deferrable);
        options.extend(unique.nulls_not_distinct.then(|| "nulls_not_distinct".to_owned()));
        match fields.as_slice() {
            [field] if options.is_empty() && !self.has(*field, "unique") => {
                let said = if is_usual { "unique".to_owned() } else { format!("unique = {:?}", unique.name) };
                self.of_fields.push((*field, said));
            }
            several => {
                let fields = several.iter().map(|field| apart(&model.fields[*field].name, &UNIQUE_WORDS));
                self.of_struct.push(list("unique", fields.chain(options), (!is_usual).then_some(&unique.name)));
            }
        }
        Ok(())
    }

    fn index(&mut self, model: &Model<'_>, index: &Index) -> Saying {
        if !index.valid {
            return Err("it is not complete, since making it has failed");
        }
        let parts: Option<Vec<_>> = index.parts.iter().map(|part| part_of(model, part)).collect();
        let (mut words, include) = (parts.ok_or(NO_FIELD)?, fields_of(model, &index.include).ok_or(NO_FIELD)?);
        if index.condition.as_ref().is_some_and(|sql| reads_none(&model.fields, sql)) {
            return Err(NO_FIELD);
        }
        self.take(&index.name)?;
        let columns: Option<Vec<_>> = index.parts.iter().map(column_of).collect();
        let is_usual = columns.as_ref().is_some_and(|columns| {
            let columns: Vec<_> = columns.iter().chain(&index.include).cloned().collect();
            index.name == usual(model.table, &columns, "idx")
        });
        if index.is_plain()
            && let Some(fields) = columns.as_ref().and_then(|columns| fields_of(model, columns))
            && let [field] = fields.as_slice()
            && !self.has(*field, "index")
        {
            let said = if is_usual { "index".to_owned() } else { format!("index = {:?}", index.name) };
            self.of_fields.push((*field, said));
            return Ok(());
        }
        words.extend(index.condition.as_ref().map(|sql| format!("where = {:?}", bare(sql))));
        words.extend(index.unique.then(|| "unique".to_owned()));
        words.extend(index.nulls_not_distinct.then(|| "nulls_not_distinct".to_owned()));
        words.extend(index.method.as_ref().map(|method| format!("using = {method:?}")));
        if !include.is_empty() {
            words.push(list("include", include.iter().map(|field| model.fields[*field].name.clone()), None));
        }
        self.of_struct.push(list("index", words.into_iter(), (!is_usual).then_some(&index.name)));
        Ok(())
    }

    fn check(&mut self, model: &Model<'_>, check: &Check) -> Saying {
        if !check.validated {
            return Err("it is not validated");
        }
        if reads_none(&model.fields, &check.expression) {
            return Err(NO_FIELD);
        }
        self.take(&check.name)?;
        let usual_of = |field: &Field<'_>| usual(model.table, std::slice::from_ref(&field.column.name), "check");
        let field = model.fields.iter().position(|field| field.ty.is_some() && usual_of(field) == check.name);
        let expression = bare(&check.expression);
        match field.filter(|field| !self.has(*field, "check")) {
            Some(field) => self.of_fields.push((field, format!("check = {expression:?}"))),
            None => self.of_struct.push(format!("check(name = {:?}, {expression:?})", check.name)),
        }
        Ok(())
    }

    fn foreign_key(
        &mut self,
        model: &Model<'_>,
        models: &[Model<'_>],
        key: &ForeignKey,
        relations: &mut BTreeSet<String>,
    ) -> Saying {
        let (fields, target) = refers(model, models, key)?;
        self.take(&key.name)?;
        let mut options = Vec::new();
        for (name, action) in [("on_delete", key.on_delete), ("on_update", key.on_update)] {
            options.extend(action_word(action).map(|action| format!("{name} = {action}")));
        }
        options.extend(deferrable_word(key.deferrable));
        if key.name != usual(model.table, &key.columns, "fkey") {
            options.push(format!("foreign_key = {:?}", key.name));
        }
        let implied = match fields.as_slice() {
            [field] => names::relation(model.fields[*field].bare_name()),
            _ => None,
        };
        let is_free = |name: &&str| !relations.contains(*name);
        if let [field] = fields.as_slice()
            && !key.match_full
            && key.on_delete_columns.is_empty()
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
            self.of_fields.push((*field, said));
            return Ok(());
        }
        let names = |fields: &[usize]| fields.iter().map(|field| model.fields[*field].name.clone()).collect::<Vec<_>>();
        if key.match_full {
            options.push("match_full".to_owned());
        }
        if let Some(set) = fields_of(model, &key.on_delete_columns).filter(|set| !set.is_empty()) {
            options.push(list("on_delete_columns", names(&set).into_iter(), None));
        }
        let name = free(relations, &target.name, None);
        relations.insert(name.clone());
        let options: String = options.iter().map(|option| format!(", {option}")).collect();
        let fields = names(&fields).join(", ");
        self.of_struct.push(format!("belongs_to({name} = {}, key({fields}){options})", target.name));
        Ok(())
    }

    /// Takes a name, or says why a model cannot have it.
    fn take(&mut self, name: &str) -> Saying {
        if let Some(why) = names::fault(name) {
            return Err(why);
        }
        if self.taken.insert(name.to_lowercase()) { Ok(()) } else { Err("its name is another's, but for the case") }
    }

    /// Whether something is said of a field already.
    pub(super) fn has(&self, field: usize, word: &str) -> bool {
        let begins =
            |said: &str| said.strip_prefix(word).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(']));
        self.of_fields.iter().any(|(of, said)| *of == field && begins(said))
    }
}

/// Why something is not said of columns.
const NO_FIELD: &str = "a column of it has no field";

/// The words of lists beside which a field of such a name is written `r#unique`.
const UNIQUE_WORDS: [&str; 3] = ["deferrable", "initially_deferred", "nulls_not_distinct"];
const INDEX_WORDS: [&str; 2] = ["unique", "nulls_not_distinct"];

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
    let fields = fields_of(model, &key.columns).ok_or(NO_FIELD)?;
    let is_same = |(field, column): (&usize, &String)| {
        let of_target = target.fields.iter().find(|other| other.column.name == *column);
        of_target.is_some_and(|other| other.inner() == model.fields[*field].inner())
    };
    if !fields.iter().zip(&key.target_columns).all(is_same) {
        return Err("the columns are of other types");
    }
    if !key.validated {
        return Err("it is not validated");
    }
    let set = fields_of(model, &key.on_delete_columns).filter(|set| !set.is_empty());
    for (action, set) in [(key.on_delete, set.as_ref().unwrap_or(&fields)), (key.on_update, &fields)] {
        let mut columns = set.iter().map(|field| model.fields[*field].column);
        let can_be_null = |column: &Column| column.nullable;
        match action {
            ReferentialAction::SetNull if !columns.all(can_be_null) => {
                return Err("it sets to NULL what cannot be NULL");
            }
            ReferentialAction::SetDefault if !columns.all(|it| can_be_null(it) || it.default.is_some()) => {
                return Err("it sets to a default what has none");
            }
            _ => {}
        }
    }
    let sets_a_part = set.is_some_and(|set| set.len() < fields.len());
    if key.match_full && sets_a_part && key.on_delete == ReferentialAction::SetNull {
        return Err("it sets a part to NULL, and takes all or nothing");
    }
    if fields.iter().any(|field| model.fields[*field].column.generated.is_some()) {
        return Err("a column of it is computed");
    }
    Ok((fields, target))
}

/// The positions of the fields that hold columns; `None` where one has no field.
fn fields_of(model: &Model<'_>, columns: &[String]) -> Option<Vec<usize>> {
    let field =
        |column: &String| model.fields.iter().position(|field| field.column.name == *column && field.ty.is_some());
    columns.iter().map(field).collect()
}

/// A part of an index as `index(...)` has it; `None` where it cannot.
fn part_of(model: &Model<'_>, part: &IndexPart) -> Option<String> {
    let mut words = match &part.key {
        IndexKey::Column(column) => {
            let field = fields_of(model, std::slice::from_ref(column))?[0];
            apart(&model.fields[field].name, &INDEX_WORDS)
        }
        IndexKey::Expression(sql) if reads_none(&model.fields, sql) => return None,
        IndexKey::Expression(sql) => format!("expr = {:?}", bare(sql)),
    };
    if let Some(collation) = &part.collation {
        words.push_str(&format!(" collate({collation:?})"));
    }
    if let Some(class) = &part.operator_class {
        words.push_str(&format!(" operator_class({class:?})"));
    }
    if part.descending {
        words.push_str(" desc");
    }
    words.push_str(match part.nulls {
        Some(Nulls::First) => " nulls_first",
        Some(Nulls::Last) => " nulls_last",
        None => "",
    });
    Some(words)
}

/// A field's name, apart from the words that could stand in its place.
fn apart(name: &str, words: &[&str]) -> String {
    if words.contains(&name) { format!("r#{name}") } else { name.to_owned() }
}

fn deferrable_word(deferrable: Deferrable) -> Vec<String> {
    match deferrable {
        Deferrable::No => Vec::new(),
        Deferrable::Immediate => vec!["deferrable".to_owned()],
        Deferrable::Deferred => vec!["initially_deferred".to_owned()],
    }
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
