//! The codes of findings, and what each says to a person. `docs/reference/lint.md` is made from them.

use std::fmt;

use crocus_orm::Dialect;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Category {
    /// Rows or values are lost. `db upgrade` refuses such a step unless it is acknowledged.
    Destructive,
    /// Whether the step succeeds depends on the rows that are there.
    DataDependent,
    /// Others wait for the step longer than for a moment. On PostgreSQL alone: SQLite has one writer at a time.
    Locking,
    /// The program that runs while the migration does, built before it, fails after the step.
    Incompatible,
    /// The way back.
    Reversibility,
    /// What the linter cannot read.
    Unjudged,
    /// What acknowledges findings.
    Acknowledgement,
}

macro_rules! codes {
    ($($(#[$doc:meta])* $code:ident $name:literal $category:ident {
        what: $what:literal,
        why: $why:literal,
        recipe: $recipe:literal,
    })*) => {
        /// The kind of a finding.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Code {
            $(#[doc = $what] $code,)*
        }

        impl Code {
            /// Every code, in the order of the reference.
            pub const ALL: &[Code] = &[$(Code::$code,)*];

            /// The name by which a file acknowledges it: `drop-column`.
            pub fn name(self) -> &'static str {
                match self { $(Code::$code => $name,)* }
            }

            /// What it is about.
            pub fn category(self) -> Category {
                match self { $(Code::$code => Category::$category,)* }
            }

            /// What is found, in a sentence.
            pub fn what(self) -> &'static str {
                match self { $(Code::$code => $what,)* }
            }

            /// Why it matters.
            pub fn why(self) -> &'static str {
                match self { $(Code::$code => $why,)* }
            }

            /// What is safe instead, in a few lines.
            pub fn recipe(self) -> &'static str {
                match self { $(Code::$code => $recipe,)* }
            }
        }
    };
}

codes! {
    DropTable "drop-table" Destructive {
        what: "A table is dropped with its rows.",
        why: "The rows cannot be had back: the downgrade makes an empty table. A running program that still reads the \
              table fails.",
        recipe: "Deploy a program that does not use the table any more.\n\
                 Keep the rows elsewhere, if anybody may want them.\n\
                 Drop the table in a later deploy, acknowledged.",
    }
    DropColumn "drop-column" Destructive {
        what: "A column is dropped with its values, or becomes one that the database computes.",
        why: "The values cannot be had back: the downgrade makes an empty column. A running program that still names the \
              column fails.",
        recipe: "Deploy a program whose model does not have the column any more.\n\
                 Drop the column in a later deploy, acknowledged.\n\
                 A column that shall only have another name is renamed: `#[model(renamed_from = \"...\")]`.",
    }
    LossyType "lossy-type" Destructive {
        what: "A column gets a type that cannot hold all that its values say.",
        why: "Numbers are rounded, times of day are dropped: without an error, and the downgrade does not bring them \
              back.",
        recipe: "Look for values that do not fit, and decide about each of them.\n\
                 Add a column of the new type, fill it, and drop the old one in a later deploy.\n\
                 Or say how with `op.alter_column_using(...)`.",
    }
    DestructiveSql "destructive-sql" Destructive {
        what: "SQL of the file drops, truncates or deletes.",
        why: "What is lost cannot be had back.",
        recipe: "Use `op.drop_table` and `op.drop_column`, which can be reversed.\n\
                 Keep the rows elsewhere, if anybody may want them.",
    }
    NotNullWithoutDefault "not-null-without-default" DataDependent {
        what: "A NOT NULL column without a default is added to a table that is there.",
        why: "It fails where the table has rows: they would have no value. And the running program, which does not know \
              the column, cannot insert any more.",
        recipe: "Give the column a default, or let it be NULL.\n\
                 Fill it, deploy the program that writes it, and make it NOT NULL in a later deploy.",
    }
    SetNotNull "set-not-null" DataDependent {
        what: "A column becomes NOT NULL.",
        why: "It fails where a row has NULL, and the running program may go on to write it.",
        recipe: "Deploy a program that always writes a value.\n\
                 Fill in what is missing: `op.execute(\"UPDATE ... WHERE ... IS NULL\")`, in a step before.",
    }
    NarrowType "narrow-type" DataDependent {
        what: "A column gets a type with a smaller range.",
        why: "It fails where a value does not fit.",
        recipe: "Count the values that do not fit before the deploy.",
    }
    CastType "cast-type" DataDependent {
        what: "A column gets a type into which its values have to be converted.",
        why: "It fails where a value cannot be converted, or where there is no conversion at all. The running program \
              reads and writes the old type.",
        recipe: "Add a column of the new type, and let the program write both.\n\
                 Fill it from the old one.\n\
                 Drop the old one in a later deploy.",
    }
    NewUnique "new-unique" DataDependent {
        what: "Values of a table that is there have to be unique.",
        why: "It fails where two rows agree.",
        recipe: "Look for doubles before the deploy: `SELECT ... GROUP BY ... HAVING count(*) > 1`.",
    }
    NewPrimaryKey "new-primary-key" DataDependent {
        what: "A table that is there gets a primary key.",
        why: "It fails where two rows agree or one has NULL.",
        recipe: "Look for doubles and NULLs before the deploy.",
    }
    NewCheck "new-check" DataDependent {
        what: "Rows of a table that is there have to fulfil a check.",
        why: "It fails where a row does not.",
        recipe: "Count the rows that do not before the deploy: `SELECT count(*) FROM ... WHERE NOT (...)`.\n\
                 Mend them in a step before.",
    }
    NewForeignKey "new-foreign-key" DataDependent {
        what: "Rows of a table that is there have to refer to rows of another.",
        why: "It fails where one refers to nothing.",
        recipe: "Look for them before the deploy: `SELECT ... WHERE NOT EXISTS (...)`.\n\
                 Mend them in a step before.",
    }
    DropEnumValue "drop-enum-value" DataDependent {
        what: "An enum type loses a value.",
        why: "It fails where a row has the value, and the running program may go on to write it.",
        recipe: "Deploy a program that does not write the value any more.\n\
                 Give the rows that have it another one, in a step before.",
    }
    RewriteTable "rewrite-table" Locking {
        what: "PostgreSQL writes the whole table anew.",
        why: "Nobody reads or writes the table for as long as it takes, and it needs the space twice.",
        recipe: "Add a column instead, fill it in portions, and let the program go over to it.\n\
                 A default that is computed for each row is set after the column was added without one.",
    }
    IndexNotConcurrently "index-not-concurrently" Locking {
        what: "An index of a table that is there is made or dropped without CONCURRENTLY.",
        why: "Nobody writes the table while its index is built; nobody reads it while one is dropped.",
        recipe: "`op.create_index(...).concurrently()`, `op.drop_index_concurrently(...)`.",
    }
    RenameTable "rename-table" Incompatible {
        what: "A table gets another name.",
        why: "The running program goes on to use the old one, and fails until it is replaced.",
        recipe: "Stop the program for the deploy.\n\
                 Or keep the name: a model can be called otherwise than its table, `#[model(table = \"...\")]`.",
    }
    RenameColumn "rename-column" Incompatible {
        what: "A column gets another name.",
        why: "The running program goes on to use the old one, and fails until it is replaced.",
        recipe: "Stop the program for the deploy.\n\
                 Or add a column, let the program write both, fill it, and drop the old one in a later deploy.\n\
                 Or keep the name: a field can be called otherwise than its column, `#[model(column = \"...\")]`.",
    }
    RenameEnumValue "rename-enum-value" Incompatible {
        what: "A value of an enum type gets another name.",
        why: "The running program can neither read the new one nor write the old one.",
        recipe: "Stop the program for the deploy.\n\
                 Or keep the value's name, and call only the variant otherwise.",
    }
    WidenType "widen-type" Incompatible {
        what: "A column gets a type with a larger range.",
        why: "The running program reads and writes the old type, which PostgreSQL does not convert for it.",
        recipe: "Stop the program for the deploy, or let it fail on this table until it is replaced.",
    }
    DropDefault "drop-default" Incompatible {
        what: "A NOT NULL column loses its default.",
        why: "A running program that leaves the column to the database cannot insert any more.",
        recipe: "Deploy a program that always writes a value, and drop the default in a later deploy.",
    }
    Irreversible "irreversible" Reversibility {
        what: "The revision cannot be undone, or its downgrade does nothing.",
        why: "When the new program has to be taken back, the database cannot go with it.",
        recipe: "Write the `downgrade`, though it may lose what is new.",
    }
    DowngradeDiffers "downgrade-differs" Reversibility {
        what: "The downgrade does not lead back to what was before.",
        why: "The next `db migrate` after a downgrade finds differences that nobody made.",
        recipe: "Write the reverse of each step, in reverse order, as `db migrate` does.",
    }
    RawSql "raw-sql" Unjudged {
        what: "SQL of the file is run as it is written.",
        why: "What it does to rows, locks and running programs is not known.",
        recipe: "Read it with the other codes in mind.\n\
                 Use the operations where there is one: their SQL fits the dialect, and they know their reverse.",
    }
    UnknownCode "unknown-code" Acknowledgement {
        what: "A file acknowledges a code that does not exist.",
        why: "What was meant is not acknowledged.",
        recipe: "Write the code as the finding has it.",
    }
    UnusedAllow "unused-allow" Acknowledgement {
        what: "A file acknowledges what the next step does not do, or says no reason.",
        why: "A reader believes that something was considered.",
        recipe: "Put it right before the step that it is for, or take it away.",
    }
}

impl Code {
    /// The code with this name.
    pub fn named(name: &str) -> Option<Code> {
        Code::ALL.iter().copied().find(|code| code.name() == name)
    }

    /// Whether it can be found on a dialect.
    pub fn concerns(self, dialect: Dialect) -> bool {
        dialect == Dialect::Postgres || self.category() != Category::Locking
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Category {
    /// Every category, in the order of the reference.
    pub const ALL: &[Category] = &[
        Category::Destructive,
        Category::DataDependent,
        Category::Locking,
        Category::Incompatible,
        Category::Reversibility,
        Category::Unjudged,
        Category::Acknowledgement,
    ];

    /// Its name: `data-dependent`.
    pub fn name(self) -> &'static str {
        match self {
            Category::Destructive => "destructive",
            Category::DataDependent => "data-dependent",
            Category::Locking => "locking",
            Category::Incompatible => "incompatible",
            Category::Reversibility => "reversibility",
            Category::Unjudged => "unjudged",
            Category::Acknowledgement => "acknowledgement",
        }
    }

    /// What its codes have in common, in a sentence.
    pub fn what(self) -> &'static str {
        match self {
            Category::Destructive => {
                "Rows or values are lost. `db upgrade` refuses such a step unless it is acknowledged."
            }
            Category::DataDependent => "Whether the step succeeds depends on the rows that are there.",
            Category::Locking => {
                "Others wait for the step longer than for a moment. On PostgreSQL alone: SQLite has one writer at a time."
            }
            Category::Incompatible => {
                "The program that runs meanwhile, built before the migration, fails after the step."
            }
            Category::Reversibility => "The way back. It is acknowledged in `downgrade`.",
            Category::Unjudged => "What the linter cannot read.",
            Category::Acknowledgement => "What acknowledges findings. Nothing acknowledges these.",
        }
    }
}

/// The reference of all codes, in Markdown.
pub fn reference() -> String {
    use std::fmt::Write;

    let mut text = String::from(INTRODUCTION);
    for category in Category::ALL {
        let mut name = category.name().to_owned();
        name[..1].make_ascii_uppercase();
        let _ = write!(text, "\n## {name}\n\n{}\n", category.what());
        for code in Code::ALL.iter().filter(|code| code.category() == *category) {
            let _ = write!(text, "\n### {code}\n\n{} {}\n\n", code.what(), code.why());
            for line in code.recipe().lines() {
                let _ = writeln!(text, "- {line}");
            }
        }
    }
    text
}

const INTRODUCTION: &str = "<!-- Made from the codes in crates/crocus-migrate/src/lint/code.rs: a test compares. -->
# What `db lint` finds

`db lint` reads the migrations of a program, without a database, and says what can go wrong with each step: a code, the
reason and a safe recipe. It ends with 1 where a finding is not acknowledged. A file acknowledges a finding of the next
step, with a reason:

```rust,ignore
op.allow(\"drop-column\", \"nobody has read it since 2.3\");
op.drop_column(\"cars\", \"model\");
```

`db upgrade` refuses a destructive step that is not acknowledged, before anything runs; `--allow drop-column`
acknowledges it once.
";
