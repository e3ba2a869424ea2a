//! What the texts of queries ask of a resource. A text that came before is neither read nor planned again.

use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use crocus_orm::dynamic::{self, JsonRow, RowByKey, Rows};
use crocus_orm::{Dialect, Select};
use foldhash::HashMap;
use percent_encoding::percent_decode_str;

use super::definition::Definition;
use super::plan::{Plan, Planner, Scopes, reached};
use super::{Served, key, problems};
use crate::grammar::Parameters;
use crate::{Problem, Result};

/// Texts that are remembered of a resource: this bounds what clients can make of the grammar.
const TEXTS: usize = 128;

/// The longest text that is remembered, in bytes.
const LONGEST: usize = 256;

/// The texts of a resource that came before.
pub(super) type Texts = RwLock<HashMap<Box<str>, Arc<Asked>>>;

/// What the text of a query asks.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) parameters: Parameters,
    /// The resources whose rows it reads.
    pub(super) reached: Vec<Arc<Definition>>,
    /// Whether a request may not see all of them.
    pub(super) is_scoped: bool,
    /// Its plan for the dialect that it was asked in first, where no scope adds to it.
    planned: OnceLock<(Dialect, Arc<Planned>)>,
}

/// A plan, with its queries.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) rows: Rows,
    /// What a row's members are called.
    pub(super) names: Vec<String>,
    /// Whether rows are made of several, so that they are none of the table's.
    pub(super) aggregated: bool,
    /// The rows, without the bounds of a page.
    pub(super) list: Select<JsonRow>,
    /// The rows, each with the columns that tell its state.
    one: OnceLock<RowByKey<(JsonRow, Vec<u8>)>>,
}

impl Asked {
    /// What a query asks, as it stands in a URL.
    ///
    /// # Errors
    /// All mistakes of the text.
    pub(super) fn of(served: &Served, text: &str) -> Result<Arc<Asked>> {
        if let Some(asked) = served.texts.read().unwrap_or_else(PoisonError::into_inner).get(text) {
            return Ok(asked.clone());
        }
        let definition = &served.definition;
        let parameters = parameters(definition, text)?;
        let mut definitions = vec![definition.clone()];
        if let Some(select) = &parameters.select {
            reached(&served.resources, definition, &select.0, &mut definitions);
        }
        let is_scoped = definitions.iter().any(|definition| definition.scope.is_some());
        let asked = Arc::new(Asked { parameters, reached: definitions, is_scoped, planned: OnceLock::new() });
        if text.len() <= LONGEST {
            let mut texts = served.texts.write().unwrap_or_else(PoisonError::into_inner);
            if texts.len() >= TEXTS {
                texts.clear();
            }
            texts.insert(text.into(), asked.clone());
        }
        Ok(asked)
    }

    /// The plan for it.
    ///
    /// # Errors
    /// All mistakes of what it asks.
    pub(super) fn plan(&self, served: &Served, scopes: &Scopes, dialect: Dialect) -> Result<Arc<Planned>> {
        if let Some((known, planned)) = self.planned.get()
            && *known == dialect
        {
            return Ok(planned.clone());
        }
        let planner = Planner::new(&served.resources, &served.definition, scopes, dialect);
        let plan = planner.plan(&served.definition, &self.parameters).map_err(problems::mistakes)?;
        let planned = Arc::new(Planned::new(plan));
        if !self.is_scoped {
            // Another request may have planned it meanwhile.
            drop(self.planned.set((dialect, planned.clone())));
        }
        Ok(planned)
    }
}

impl Planned {
    fn new(plan: Plan) -> Planned {
        let Plan { rows, names, aggregated } = plan;
        let list = dynamic::select(Rows { limit: None, offset: None, ..rows.clone() });
        Planned { rows, names, aggregated, list, one: OnceLock::new() }
    }

    /// The rows of the resource, each with the columns that tell its state, for one at a time.
    pub(super) fn one(&self, definition: &Definition) -> &RowByKey<(JsonRow, Vec<u8>)> {
        let select = || dynamic::select_beside_text(self.rows.clone(), key::state_columns(definition));
        self.one.get_or_init(|| RowByKey::new(definition.table, select()))
    }
}

/// The parameters of a query as forms write them: `%20` and `+` are spaces.
fn parameters(definition: &Definition, query: &str) -> Result<Parameters, Problem> {
    let limit = definition.limits.query;
    if query.len() > limit {
        let text = format!("the query has {} bytes; at most {limit} are read", query.len());
        return Err(problems::invalid_query(text));
    }
    let decode = |text: &str| {
        let spaced = text.replace('+', " ");
        let text = percent_decode_str(&spaced).decode_utf8().map(|text| text.into_owned());
        text.ok().filter(|text| !text.contains('\0'))
    };
    let mut pairs = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(name), Some(value)) = (decode(name), decode(value)) else {
            let shown: String = pair.chars().take(40).collect();
            return Err(problems::invalid_query(format!("`{shown}` is no text in UTF-8, or has a U+0000 in it")));
        };
        pairs.push((name, value));
    }
    Parameters::parse(pairs).map_err(problems::mistakes)
}
