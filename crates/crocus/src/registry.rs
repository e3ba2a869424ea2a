//! What a program declares: its models, and the databases that they are on. Whether they fit together is checked once,
//! at the start.

use std::panic::Location;

use crocus_migrate::Migrations;
use crocus_orm::{Model, RelationDef, TableDef};

use crate::error::{Error, Result};

/// A model that was registered.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Registered {
    pub(crate) table: &'static TableDef,
    relations: &'static [RelationDef],
    /// Where the program says it.
    place: &'static Location<'static>,
}

/// A database of the program beside the default one.
#[derive(Debug)]
pub(crate) struct Bind {
    pub(crate) key: &'static str,
    /// Where it is unless a setting says otherwise.
    pub(crate) url: &'static str,
    pub(crate) migrations: Option<Migrations>,
}

impl Registered {
    pub(crate) fn new<M: Model>(place: &'static Location<'static>) -> Registered {
        Registered { table: M::TABLE, relations: M::RELATIONS, place }
    }
}

/// Refuses models that do not fit together: on a bind that is not declared, or with a relationship to a model that is
/// not registered or on another bind.
pub(crate) fn check(models: &[Registered], binds: &[Bind]) -> Result<()> {
    for model in models {
        let Registered { table, relations, place } = model;
        if let Some(key) = table.bind
            && !binds.iter().any(|bind| bind.key == key)
        {
            let text = format!("the model `{}` is on the bind `{key}`, which is not declared ({place})", table.model);
            return Err(Error::new(text).with_hint(format!("add `.bind(\"{key}\", \"sqlite:instance/{key}.db\")`")));
        }
        for relation in *relations {
            let target = (relation.target)();
            let name = format!("{}.{}", table.model, relation.name);
            if !models.iter().any(|other| other.table == target) {
                let text =
                    format!("the relationship `{name}` leads to `{}`, which is not registered ({place})", target.model);
                return Err(Error::new(text).with_hint(format!("add `.model::<{}>()`", target.model)));
            }
            if table.bind != target.bind {
                let bind =
                    |bind: Option<&str>| bind.map_or("the default bind".to_owned(), |key| format!("the bind `{key}`"));
                let text = format!(
                    "the relationship `{name}` leads from {} to {}, and no database can follow it ({place})",
                    bind(table.bind),
                    bind(target.bind)
                );
                return Err(Error::new(text)
                    .with_hint("keep the other's key in a plain column, and read its row with a query of its own"));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crocus_macros::Model;

    use super::*;

    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm", table = "makers")]
    struct Maker {
        #[model(primary_key)]
        id: i32,
    }

    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm", table = "cars")]
    struct Car {
        #[model(primary_key)]
        id: i32,
        #[model(belongs_to = Maker)]
        maker_id: i32,
    }

    #[derive(Debug, Clone, Model)]
    #[model(crate = "crocus_orm", table = "entries", bind = "audit")]
    struct Entry {
        #[model(primary_key)]
        id: i32,
        #[model(belongs_to = Maker)]
        maker_id: i32,
    }

    fn of<M: Model>() -> Registered {
        Registered::new::<M>(Location::caller())
    }

    /// The error's lines without the place, which stands in parentheses.
    fn refusal(models: &[Registered], binds: &[Bind]) -> String {
        let text = check(models, binds).map_or_else(|error| error.render(), |()| String::new());
        let place = text.find(" (crates").zip(text.find(")\n"));
        place.map_or(text.clone(), |(start, end)| format!("{}{}", &text[..start], &text[end + 1..]))
    }

    #[test]
    fn models_that_do_not_fit_together_are_refused() {
        let audit = [Bind { key: "audit", url: "sqlite::memory:", migrations: None }];
        assert_eq!(refusal(&[of::<Maker>(), of::<Car>()], &[]), "");
        assert_eq!(refusal(&[of::<Car>(), of::<Maker>()], &audit), "");
        assert_eq!(
            refusal(&[of::<Car>()], &[]),
            "error: the relationship `Car.maker` leads to `Maker`, which is not registered\nhint: add `.model::<Maker>()`\n"
        );
        assert_eq!(
            refusal(&[of::<Maker>(), of::<Entry>()], &[]),
            "error: the model `Entry` is on the bind `audit`, which is not declared\n\
             hint: add `.bind(\"audit\", \"sqlite:instance/audit.db\")`\n"
        );
        assert_eq!(
            refusal(&[of::<Maker>(), of::<Entry>()], &audit),
            "error: the relationship `Entry.maker` leads from the bind `audit` to the default bind, and no database can \
             follow it\nhint: keep the other's key in a plain column, and read its row with a query of its own\n"
        );
    }
}
