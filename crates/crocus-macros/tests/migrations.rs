//! What `migrations!` makes of a folder, with a stand-in for `crocus::migrate`.

extern crate self as crocus;

/// What the code that `migrations!` writes names.
pub mod migrate {
    /// Stands for a migration's operations.
    pub type Operations = Vec<&'static str>;

    /// Stands for the list of migrations.
    #[derive(Debug)]
    pub struct Migrations {
        pub(crate) folder: &'static str,
        pub(crate) list: Vec<Migration>,
    }

    /// Stands for a migration.
    #[derive(Debug)]
    pub struct Migration {
        pub(crate) revision: &'static str,
        pub(crate) down_revisions: &'static [&'static str],
        pub(crate) labels: &'static [&'static str],
        pub(crate) depends_on: &'static [&'static str],
        pub(crate) replaces: &'static [&'static str],
        pub(crate) message: &'static str,
        pub(crate) created: &'static str,
        pub(crate) file: &'static str,
        pub(crate) upgrade: fn(&mut Operations),
        pub(crate) downgrade: fn(&mut Operations),
    }

    impl Migrations {
        pub(crate) fn new(folder: &'static str, list: Vec<Migration>) -> Migrations {
            Migrations { folder, list }
        }
    }

    /// What a migration's file imports.
    pub mod prelude {
        pub use super::Operations;
    }
}

#[test]
fn migrations_are_listed_by_file() {
    let migrations = crocus_macros::migrations!("tests/folders/good");
    assert_eq!(migrations.folder, concat!(env!("CARGO_MANIFEST_DIR"), "/tests/folders/good"));
    let [cars, plates, merge, squashed] = &migrations.list[..] else { panic!("the folder has four migrations") };
    assert_eq!((cars.revision, cars.down_revisions), ("3f9a1c27b6d0", &[][..]));
    assert_eq!((cars.message, cars.created), ("create cars", "2026-11-22 14:03 UTC"));
    assert_eq!(cars.file, "3f9a1c27b6d0_create_cars.rs");
    assert_eq!((plates.revision, plates.down_revisions), ("91d0e4", &["3f9a1c27b6d0"][..]));
    assert_eq!(plates.message, "number plates\nand their countries");
    assert_eq!((merge.down_revisions, merge.labels), (&["3f9a1c27b6d0", "91d0e4"][..], &["payments"][..]));
    assert_eq!((merge.depends_on, merge.created), (&["91d0e4"][..], "2026-11-24 09:00 UTC"));
    assert_eq!((merge.replaces, squashed.replaces), (&[][..], &["3f9a1c27b6d0", "91d0e4"][..]));

    let mut operations = Vec::new();
    (cars.upgrade)(&mut operations);
    (plates.downgrade)(&mut operations);
    assert_eq!(operations, ["create cars", "drop plates"]);
}

#[test]
fn the_folder_is_migrations_unless_told_otherwise() {
    let migrations = crocus_macros::migrations!();
    assert_eq!(migrations.folder, concat!(env!("CARGO_MANIFEST_DIR"), "/migrations"));
    assert!(migrations.list.is_empty());
}
