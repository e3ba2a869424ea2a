//! What a revision's operations were, in a few digits: an applied migration that was edited is told by them. Pure.
//!
//! Assumption: the digits of an operation stay the same whatever Crocus learns to say later. So nothing here follows from
//! how types are declared or files are rendered: each property is written by hand, by a word of its own, and only where it
//! is not what one gets without asking. A new property is a new word here (the compiler asks for it).

use sha2::{Digest, Sha256};

use crate::operation::{Constraint, Operation};
use crate::operations::{Operations, function_name};
use crate::revision::Migration;
use crate::schema::{
    Check, Column, Deferrable, Enum, ForeignKey, Index, IndexKey, IndexPart, Nulls, Table, TableName, Type, Unique,
};
use crocus_orm::Dialect;
use crocus_orm::table::ReferentialAction;

/// How the digits are made. Those of another scheme are not compared.
const SCHEME: &str = "1:";

/// Which directions of an applied revision are not what they were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Changed {
    /// Whether its `upgrade` differs.
    pub upgrade: bool,
    /// Whether its `downgrade` differs.
    pub downgrade: bool,
}

impl Migration {
    /// What its operations are, both ways: `1:` for how it is made, then 32 hexadecimal digits a direction.
    pub fn checksum(&self) -> String {
        format!("{SCHEME}{}.{}", digits(self.upgrade), digits(self.downgrade))
    }

    /// What of its operations differs from those that a checksum is of: nothing where that was made in another way.
    pub(crate) fn changed_since(&self, checksum: &str) -> Changed {
        let of_scheme = |checksum: &str| {
            let (upgrade, downgrade) = checksum.strip_prefix(SCHEME)?.split_once('.')?;
            Some((upgrade.to_owned(), downgrade.to_owned()))
        };
        match (of_scheme(checksum), of_scheme(&self.checksum())) {
            (Some(was), Some(is)) => Changed { upgrade: was.0 != is.0, downgrade: was.1 != is.1 },
            _ => Changed { upgrade: false, downgrade: false },
        }
    }
}

fn digits(direction: fn(&mut Operations)) -> String {
    let mut operations = Operations::default();
    direction(&mut operations);
    let mut words = Words::default();
    for operation in &operations.list {
        words.operation(operation);
    }
    // The reason is for people.
    words.flag("irreversible", operations.irreversible.is_some());
    words.digits(16)
}

/// What some operations of one direction are, in eight digits.
pub(crate) fn digits_of(operations: &[Operation]) -> String {
    let mut words = Words::default();
    operations.iter().for_each(|operation| words.operation(operation));
    words.digits(4)
}

/// Words, and texts with their lengths, so that no two lists read alike.
#[derive(Default)]
struct Words(String);

impl Words {
    fn digits(&self, bytes: usize) -> String {
        Sha256::digest(self.0.as_bytes())[..bytes].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn word(&mut self, word: &str) {
        self.0.push_str(word);
        self.0.push('\n');
    }

    fn text(&mut self, word: &str, text: &str) {
        self.word(&format!("{word} {}:{text}", text.len()));
    }

    fn maybe(&mut self, word: &str, text: Option<&String>) {
        text.into_iter().for_each(|text| self.text(word, text));
    }

    fn flag(&mut self, word: &str, said: bool) {
        if said {
            self.word(word);
        }
    }

    fn texts(&mut self, word: &str, texts: &[String]) {
        texts.iter().for_each(|text| self.text(word, text));
    }

    fn name(&mut self, word: &str, TableName { schema, name }: &TableName) {
        self.maybe("schema", schema.as_ref());
        self.text(word, name);
    }

    /// What an operation does to a table, and the name of what it does it to.
    fn of_table(&mut self, word: &str, table: &TableName, name: &str) {
        self.word(word);
        self.name("of", table);
        self.text("name", name);
    }

    /// What was there before is known where an operation was generated, and not what it does. Nor is it how the lock is
    /// taken that an index is made under.
    fn operation(&mut self, operation: &Operation) {
        match operation {
            Operation::CreateTable(table) => self.table(table),
            Operation::DropTable { name, was: _ } => self.name("drop table", name),
            Operation::RenameTable { name, new_name } => {
                self.name("rename table", name);
                self.text("to", new_name);
            }
            Operation::AddColumn { table, column } => {
                self.name("add column", table);
                self.column(column);
            }
            Operation::DropColumn { table, name, was: _ } => self.of_table("drop column", table, name),
            Operation::AlterColumn { table, column, using, was: _ } => {
                self.name("alter column", table);
                self.column(column);
                self.maybe("using", using.as_ref());
            }
            Operation::RenameColumn { table, name, new_name } => {
                self.of_table("rename column", table, name);
                self.text("to", new_name);
            }
            Operation::CreatePrimaryKey { table, columns } => {
                self.name("create primary key", table);
                self.texts("column", columns);
            }
            Operation::DropPrimaryKey { table, was: _ } => self.name("drop primary key", table),
            Operation::CreateIndex { table, index, concurrently: _ } => {
                self.name("create index", table);
                self.index(index);
            }
            Operation::DropIndex { table, name, concurrently: _, was: _ } => self.of_table("drop index", table, name),
            Operation::RenameIndex { table, name, new_name } => {
                self.of_table("rename index", table, name);
                self.text("to", new_name);
            }
            Operation::CreateUnique { table, unique } => {
                self.name("create unique", table);
                self.unique(unique);
            }
            Operation::CreateCheck { table, check } => {
                self.name("create check", table);
                self.check(check);
            }
            Operation::CreateForeignKey { table, foreign_key } => {
                self.name("create foreign key", table);
                self.foreign_key(foreign_key);
            }
            Operation::DropConstraint { table, name, was } => {
                self.of_table("drop constraint", table, name);
                match was {
                    None | Some(Constraint::Unique(_) | Constraint::Check(_) | Constraint::ForeignKey(_)) => {}
                }
            }
            Operation::RenameConstraint { table, name, new_name } => {
                self.of_table("rename constraint", table, name);
                self.text("to", new_name);
            }
            Operation::CreateTableComment { table, comment, was: _ } => {
                self.name("create comment", table);
                self.text("comment", comment);
            }
            Operation::DropTableComment { table, was: _ } => self.name("drop comment", table),
            Operation::CreateSchema { name } => self.text("create schema", name),
            Operation::DropSchema { name } => self.text("drop schema", name),
            Operation::CreateEnum(values) => {
                self.word("create enum");
                self.values(values);
            }
            Operation::AlterEnum { values, was: _ } => {
                self.word("alter enum");
                self.values(values);
            }
            Operation::RenameEnumValue { name, value, new_value, lists } => {
                self.text("rename enum value", name);
                self.text("value", value);
                self.text("to", new_value);
                for (table, column) in lists {
                    self.name("in lists of", table);
                    self.text("column", column);
                }
            }
            Operation::DropEnum { name, was: _ } => self.text("drop enum", name),
            // What it does cannot be compared: it is known by its name.
            Operation::Run(step) => self.text("run", &step.name),
            Operation::Execute { sql, dialect } => {
                self.text("execute", sql);
                match dialect {
                    None => {}
                    Some(Dialect::Postgres) => self.word("on postgresql"),
                    Some(Dialect::Sqlite) => self.word("on sqlite"),
                    Some(other) => self.text("on", &other.to_string()),
                }
            }
        }
    }

    fn table(&mut self, table: &Table) {
        // Where a model had its name from is of no interest to the database.
        let Table { name, renamed_from: _, comment, columns, primary_key, uniques, checks, foreign_keys, indexes } =
            table;
        self.name("create table", name);
        self.maybe("comment", comment.as_ref());
        columns.iter().for_each(|column| self.column(column));
        self.texts("primary key", primary_key);
        uniques.iter().for_each(|unique| self.unique(unique));
        checks.iter().for_each(|check| self.check(check));
        foreign_keys.iter().for_each(|foreign_key| self.foreign_key(foreign_key));
        indexes.iter().for_each(|index| self.index(index));
    }

    fn column(&mut self, column: &Column) {
        let Column { name, ty, nullable, identity, default, generated, collation, comment, renamed_from: _ } = column;
        self.text("column", name);
        self.ty(ty);
        self.flag("not null", !nullable);
        self.flag("identity", *identity);
        self.maybe("default", default.as_ref());
        self.maybe("generated", generated.as_ref());
        self.maybe("collation", collation.as_ref());
        self.maybe("comment", comment.as_ref());
    }

    fn ty(&mut self, ty: &Type) {
        match ty {
            Type::Standard(ty) => self.text("type", function_name(*ty)),
            Type::Enum(values) => self.values(values),
            Type::Array(of) => {
                self.word("array");
                self.ty(of);
            }
            Type::Other(ty) => self.text("custom", ty),
        }
    }

    fn values(&mut self, Enum { name, values }: &Enum) {
        self.text("enum", name);
        self.texts("value", values);
    }

    fn unique(&mut self, Unique { name, columns, deferrable, nulls_not_distinct }: &Unique) {
        self.text("unique", name);
        self.texts("column", columns);
        self.deferrable(*deferrable);
        self.flag("nulls not distinct", *nulls_not_distinct);
    }

    fn check(&mut self, Check { name, expression, validated }: &Check) {
        self.text("check", name);
        self.text("expression", expression);
        self.flag("not valid", !validated);
    }

    fn foreign_key(&mut self, foreign_key: &ForeignKey) {
        let ForeignKey {
            name,
            columns,
            target,
            target_columns,
            on_delete,
            on_update,
            on_delete_columns,
            match_full,
            deferrable,
            validated,
        } = foreign_key;
        self.text("foreign key", name);
        self.texts("column", columns);
        self.name("target", target);
        self.texts("target column", target_columns);
        self.action("on delete", *on_delete);
        self.texts("on delete column", on_delete_columns);
        self.action("on update", *on_update);
        self.flag("match full", *match_full);
        self.deferrable(*deferrable);
        self.flag("not valid", !validated);
    }

    fn action(&mut self, word: &str, action: ReferentialAction) {
        let action = match action {
            ReferentialAction::NoAction => return,
            ReferentialAction::Restrict => "restrict",
            ReferentialAction::Cascade => "cascade",
            ReferentialAction::SetNull => "set null",
            ReferentialAction::SetDefault => "set default",
        };
        self.text(word, action);
    }

    fn deferrable(&mut self, deferrable: Deferrable) {
        match deferrable {
            Deferrable::No => {}
            Deferrable::Immediate => self.word("deferrable immediate"),
            Deferrable::Deferred => self.word("deferrable deferred"),
        }
    }

    fn index(&mut self, index: &Index) {
        // Whether it is valid is the database's to say, not the file's.
        let Index { name, parts, unique, condition, method, include, nulls_not_distinct, valid: _ } = index;
        self.text("index", name);
        for IndexPart { key, descending, nulls, collation, operator_class } in parts {
            match key {
                IndexKey::Column(column) => self.text("column", column),
                IndexKey::Expression(expression) => self.text("expression", expression),
            }
            self.flag("descending", *descending);
            match nulls {
                None => {}
                Some(Nulls::First) => self.word("nulls first"),
                Some(Nulls::Last) => self.word("nulls last"),
            }
            self.maybe("collation", collation.as_ref());
            self.maybe("operator class", operator_class.as_ref());
        }
        self.flag("unique", *unique);
        self.maybe("condition", condition.as_ref());
        self.maybe("method", method.as_ref());
        self.texts("include", include);
        self.flag("nulls not distinct", *nulls_not_distinct);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prelude::*;

    fn migration(upgrade: fn(&mut Operations), downgrade: fn(&mut Operations)) -> Migration {
        Migration {
            revision: "a1",
            down_revisions: &[],
            labels: &[],
            depends_on: &[],
            replaces: &[],
            message: "m",
            created: "",
            file: "a1.rs",
            upgrade,
            downgrade,
        }
    }

    /// If this fails, every database would say that its migrations were edited: mend the code, or give it a new scheme.
    #[test]
    fn the_digits_are_for_ever() {
        fn upgrade(op: &mut Operations) {
            op.create_table("cars", |t| {
                t.column("id", integer().identity().primary_key());
                t.column("name", text().not_null().default("'x'"));
                t.check("cars_check", "id > 0");
            });
            op.create_index("cars_name_idx", "cars", ["name"]).unique();
            op.execute("UPDATE cars SET name = 'y'");
        }
        assert_eq!(
            migration(upgrade, |op| op.drop_table("cars")).checksum(),
            "1:cc2bc3d1163a090d5637fc4b7501f08e.e91db7e8d65a153b2300d4601deb0ccb"
        );
    }

    #[test]
    fn what_changes_the_digits() {
        let base: fn(&mut Operations) = |op| op.add_column("cars", "doors", integer().not_null());
        let was = migration(base, |op| op.drop_column("cars", "doors")).checksum();
        for (upgrade, downgrade, changed) in [
            (base, (|op| op.drop_column("cars", "doors")) as fn(&mut Operations), (false, false)),
            (|op| op.add_column("cars", "doors", integer()), |op| op.drop_column("cars", "doors"), (true, false)),
            (
                |op| op.add_column("cars", "door", integer().not_null()),
                |op| op.drop_column("cars", "doors"),
                (true, false),
            ),
            (
                |op| op.add_column("cars", "doors", text().not_null()),
                |op| op.drop_column("cars", "doors"),
                (true, false),
            ),
            (base, |op| op.drop_column("cars", "door"), (false, true)),
            (base, |op| op.irreversible("no"), (false, true)),
            (|_| (), |_| (), (true, true)),
        ] {
            let Changed { upgrade, downgrade } = migration(upgrade, downgrade).changed_since(&was);
            assert_eq!((upgrade, downgrade), changed);
        }
        // Another scheme's.
        let Changed { upgrade, downgrade } = migration(|_| (), |_| ()).changed_since("2:abc");
        assert_eq!((upgrade, downgrade), (false, false));
    }

    #[test]
    fn no_two_lists_read_alike() {
        let two: fn(&mut Operations) = |op| {
            op.execute("a");
            op.execute("b");
        };
        let one: fn(&mut Operations) = |op| op.execute("a\nexecute 1:b");
        assert_ne!(digits(two), digits(one));
    }
}
