//! The migrations are those of the models, on both databases.

use std::process::Command;

use crocus_testing::{TempDir, TestDatabase};

/// What a command of the built program prints.
#[track_caller]
fn run(folder: &TempDir, databases: [&TestDatabase; 2], arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_dealership"))
        .args(arguments)
        .current_dir(folder.path())
        .env("DATABASE_URL", databases[0].url())
        .env("DATABASE_URL_AUDIT", databases[1].url())
        .output()
        .unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn they_leave_nothing_to_migrate_and_can_be_taken_back() {
    for (cars, audit) in TestDatabase::each().into_iter().zip(TestDatabase::each()) {
        let folder = TempDir::new().unwrap();
        let databases = [&cars, &audit];
        run(&folder, databases, &["db", "create"]);
        for _ in 0..2 {
            run(&folder, databases, &["db", "upgrade"]);
            let printed = run(&folder, databases, &["db", "migrate", "-m", "again"]);
            assert_eq!(printed, "[default]\nNo changes detected.\n[audit]\nNo changes detected.\n");
            run(&folder, databases, &["db", "downgrade", "base"]);
            run(&folder, databases, &["db", "--bind", "audit", "downgrade", "base"]);
        }
    }
}
