//! `db migrate --rename`, and what it says where nobody can be asked.

use std::fs;
use std::path::Path;

use crocus_testing::TempDir;

use crate::child::places;

/// The package whose migrations are those of the program `renaming`.
fn package() -> TempDir {
    let package = TempDir::new().unwrap();
    fs::write(package.path().join("Cargo.toml"), "").unwrap();
    fs::create_dir(package.path().join("migrations")).unwrap();
    fs::write(package.path().join("migrations/a1_create_cars.rs"), "").unwrap();
    package
}

/// The one migration that was written, which is taken away.
fn written(folder: &Path) -> String {
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let file = files.into_iter().find(|path| !path.ends_with("a1_create_cars.rs")).unwrap();
    let text = fs::read_to_string(&file).unwrap();
    fs::remove_file(file).unwrap();
    text
}

pub(crate) fn another_name_is_said_or_hinted_at() {
    for place in places() {
        let package = package();
        let folder = package.path().join("migrations");
        place.run("renaming", &["db", "upgrade"]).success();
        let migrate = |more: &[&str]| {
            let always = ["db", "migrate", "-m", "x", "--directory", folder.to_str().unwrap()];
            place.run("renaming", &[&always, more].concat())
        };

        let printed = migrate(&[]).success();
        let detected = "Detected: drop column cars.model\nDetected: add column cars.title\nWrote ";
        assert!(printed.starts_with(detected), "{printed}");
        let hint = "hint: if cars.title was cars.model: program db migrate --rename cars.model=cars.title\n";
        assert!(printed.contains(hint), "{printed}");
        assert!(written(&folder).contains("op.drop_column(\"cars\", \"model\");"));

        let printed = migrate(&["--rename", "cars.model=cars.title"]).success();
        assert!(printed.starts_with("Detected: rename column cars.model to title\nWrote "), "{printed}");
        assert!(!printed.contains("hint:"), "{printed}");
        let file = written(&folder);
        assert!(file.contains("op.rename_column(\"cars\", \"model\", \"title\");"), "{file}");
        assert!(file.contains("op.rename_column(\"cars\", \"title\", \"model\");"), "{file}");

        let ended = migrate(&["--rename", "cars.models=cars.title"]);
        assert_eq!(
            ended.error(),
            "error: `cars.models=cars.title` renames nothing: the table `cars` has no column `models` that its model has \
             not\n\
             hint: its columns that no model has are: `model`\n"
        );
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
