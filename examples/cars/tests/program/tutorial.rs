//! The tutorial's steps, from a copy of the example without its migrations: what a user types, with real builds.
//!
//! The copy lies in cargo's scratch folder for tests, always at the same place, so that its dependencies are built
//! only once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use crocus_testing::{TestDatabase, postgres};
use serde_json::json;

use crate::client::Request;
use crate::program::Program;

/// The example's own folder.
const EXAMPLE: &str = env!("CARGO_MANIFEST_DIR");

/// The copy: a workspace with the one package `cars`.
struct Copy {
    workspace: PathBuf,
    target: PathBuf,
    /// Held while the copy is in use: another run of the tests has the same place.
    _lock: File,
}

impl Copy {
    fn make() -> Copy {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join("tutorial");
        fs::create_dir_all(&place).unwrap();
        let lock = File::create(place.join("lock")).unwrap();
        lock.lock().unwrap();
        let copy = Copy { workspace: place.join("workspace"), target: place.join("target"), _lock: lock };
        if copy.workspace.exists() {
            fs::remove_dir_all(&copy.workspace).unwrap();
        }
        copy_folder(Path::new(EXAMPLE), &copy.source(), &["migrations", "tests"]);

        // The package is a copy to the letter; what it inherits from its workspace is the original's too.
        let root = Path::new(EXAMPLE).ancestors().nth(2).unwrap();
        let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
        let lines = manifest.lines().map(|line| match line.split_once(" = ") {
            Some(("members" | "default-members", _)) => line.split_once(" = ").unwrap().0.to_owned() + " = [\"cars\"]",
            _ => line.replace("path = \"crates/", &format!("path = \"{}/crates/", root.display())),
        });
        fs::write(copy.workspace.join("Cargo.toml"), lines.collect::<Vec<_>>().join("\n")).unwrap();
        fs::copy(root.join("Cargo.lock"), copy.workspace.join("Cargo.lock")).unwrap();
        copy
    }

    /// The package's folder.
    fn source(&self) -> PathBuf {
        self.workspace.join("cars")
    }

    fn migrations(&self) -> PathBuf {
        self.source().join("migrations")
    }

    /// `cargo build`
    fn build(&self) {
        let output = Command::new(env!("CARGO"))
            .args(["build", "--offline", "--quiet"])
            .current_dir(self.source())
            .env("CARGO_TARGET_DIR", &self.target)
            // Smaller and sooner built.
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "false")
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    fn program(&self, url: &str) -> Program {
        Program::at(self.target.join("debug/cars")).database(url)
    }

    /// The migration files.
    fn files(&self) -> Vec<PathBuf> {
        let files = fs::read_dir(self.migrations()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path| path.extension().is_some_and(|extension| extension == "rs")).collect()
    }
}

fn copy_folder(from: &Path, to: &Path, except: &[&str]) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if except.iter().any(|except| name == *except) {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &to.join(name), &[]);
        } else {
            fs::copy(entry.path(), to.join(name)).unwrap();
        }
    }
}

/// The text of a migration below its head.
fn below_the_head(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.lines().skip_while(|line| line.starts_with("//!")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_tutorials_steps() {
    for database in [TestDatabase::postgres_missing(), TestDatabase::sqlite()] {
        let copy = Copy::make();
        if database.dialect() == "sqlite" {
            // Without this, the next build would not notice a new migration.
            fs::remove_file(copy.source().join("build.rs")).unwrap();
        }
        copy.build();
        let program = copy.program(database.url());
        assert_eq!(program.done(&["db", "history"]), "There are no migrations.\n");

        assert_eq!(program.done(&["db", "create"]), format!("Created the database `{}`.\n", database.name()));
        let made = format!("Made {}\n", copy.migrations().display());
        let script = format!("Made {}\n", copy.source().join("build.rs").display());
        let expected = if database.dialect() == "sqlite" { made + &script } else { made };
        assert_eq!(program.done(&["db", "init"]), expected);
        assert_eq!(program.done(&["db", "init"]), format!("{} exists already.\n", copy.migrations().display()));

        let printed = program.done(&["db", "migrate", "-m", "create cars"]);
        let [file] = &copy.files()[..] else { panic!("{:?}", copy.files()) };
        let detected = "Detected: create table cars\n";
        let wrote =
            format!("Wrote {}\nRead it, build the program again, then run `cars db upgrade`.\n", file.display());
        assert_eq!(printed, format!("{detected}{wrote}"));
        let name = file.file_name().unwrap().to_str().unwrap().to_owned();
        let revision = name.strip_suffix("_create_cars.rs").unwrap();
        // The example's own migration is what the program writes.
        let own = fs::read_dir(Path::new(EXAMPLE).join("migrations")).unwrap().map(|entry| entry.unwrap().path());
        let own = own.into_iter().find(|path| path.to_str().unwrap().ends_with("_create_cars.rs")).unwrap();
        assert_eq!(below_the_head(file), below_the_head(&own));

        // The program does not have it until it is built again.
        let error = format!("the migration `{name}` is not in this program");
        let hint = "build the program again, then run the command again";
        program.run(&["db", "upgrade"]).refused(&error, Some(hint));
        program.run(&["db", "migrate", "-m", "again"]).refused(&error, Some(hint));
        copy.build();

        let error = format!("the database is behind by 1 pending revision: {revision} (create cars)");
        let hint = "run `cars db upgrade`, or start with `cars run --upgrade`";
        program.run(&["run"]).refused(&error, Some(hint));
        assert_eq!(program.done(&["db", "upgrade"]), format!("Upgraded <base> -> {revision}, create cars\n"));
        assert_eq!(program.done(&["db", "current"]), format!("{revision} (head), create cars\n"));
        for _ in 0..2 {
            assert_eq!(program.done(&["db", "migrate", "-m", "again"]), "No changes detected.\n");
        }
        assert_eq!(copy.files().len(), 1);

        let server = program.serve(&[]);
        let car = json!({"name": "Model S", "model": "Tesla", "doors": 4});
        server.create("Model S", "Tesla", 4);
        assert_eq!(server.get("/cars").json(), json!({"count": 1, "cars": [car]}));
        assert_eq!(server.get("/cars/1").json(), json!({"message": "success", "car": car}));
        let put = Request::put("/cars/1").json(r#"{"name":"Model X","model":"Tesla","doors":5}"#);
        assert_eq!(server.ask(&put).json(), json!({"message": "car Model X successfully updated"}));
        let deleted = server.ask(&Request::delete("/cars/1")).json();
        assert_eq!(deleted, json!({"message": "Car Model X successfully deleted."}));
        server.stop();

        if database.dialect() == "postgresql" {
            assert_eq!(described(database.name()), DESCRIBED);
        }
        assert_eq!(program.done(&["db", "downgrade"]), format!("Downgraded {revision} -> <base>, create cars\n"));
        program.done(&["db", "drop", "--yes"]);
    }
}

/// What `psql` says of the table that the model describes, with single spaces.
const DESCRIBED: &str = r#"Table "public.cars"
Column | Type | Collation | Nullable | Default
--------+---------+-----------+----------+----------------------------------
id | integer | | not null | generated by default as identity
name | text | | not null |
model | text | | not null |
doors | integer | | not null |
Indexes:
"cars_pkey" PRIMARY KEY, btree (id)
Check constraints:
"cars_doors_check" CHECK (doors >= 0)"#;

fn described(database: &str) -> String {
    let output = postgres().psql_command(database).args(["--command", r"\d cars"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "));
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}
