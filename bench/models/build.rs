//! Writes models beside the cars, of which the program takes as many as it is told.

use std::fmt::Write;
use std::path::Path;

const MODELS: usize = 499;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let (mut models, mut register) = (String::new(), String::new());
    for number in 0..MODELS {
        let _ = write!(
            models,
            "#[derive(Debug, Clone, Model)]
             #[model(table = \"m{number:03}\")]
             struct M{number:03} {{
                 #[model(primary_key)]
                 id: i32,
                 name: String,
                 #[model(check = \"amount >= 0\")]
                 amount: i64,
                 open: bool,
             }}\n"
        );
        let _ =
            writeln!(register, "if wanted > {number} {{ app = app.resource::<M{number:03}>(\"/api/m{number:03}\"); }}");
    }
    let text = format!(
        "{models}
         /// Registers so many of them, each as a resource.
         fn register(mut app: App, wanted: usize) -> App {{ {register} app }}\n"
    );
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("models.rs"), text).expect("OUT_DIR can be written");
}
