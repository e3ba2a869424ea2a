//! Writes the two hundred models. `compare.py` makes the same ones for SQLAlchemy.

use std::fmt::Write;
use std::path::Path;

const TABLES: usize = 200;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let (mut models, mut register, mut tables) = (String::new(), String::new(), String::new());
    for number in 0..TABLES {
        let (name, target) = (format!("t{number:03}"), format!("T{:03}", number.saturating_sub(1)));
        let _ = write!(
            models,
            "#[derive(Debug, Clone, Model)]
             #[model(table = \"{name}\")]
             struct T{number:03} {{
                 #[model(primary_key)]
                 id: i32,
                 #[model(unique)]
                 name: String,
                 #[model(index, check = \"amount >= 0\")]
                 amount: i64,
                 #[model(default = true)]
                 open: bool,
                 #[model(belongs_to = {target})]
                 before_id: Option<i32>,
             }}\n"
        );
        let _ = write!(register, ".model::<T{number:03}>()");
        let before = format!("t{:03}", number.saturating_sub(1));
        let _ = write!(
            tables,
            "op.create_table(\"{name}\", |t| {{
                 t.column(\"id\", integer().identity().primary_key());
                 t.column(\"name\", text().not_null());
                 t.column(\"amount\", big_integer().not_null());
                 t.column(\"open\", boolean().not_null().default(\"true\"));
                 t.column(\"before_id\", integer());
                 t.unique(\"{name}_name_key\", [\"name\"]);
                 t.check(\"{name}_amount_check\", \"amount >= 0\");
                 t.foreign_key(\"{name}_before_id_fkey\", [\"before_id\"], \"{before}\", [\"id\"]);
             }});
             op.create_index(\"{name}_amount_idx\", \"{name}\", [\"amount\"]);\n"
        );
    }
    let text = format!(
        "{models}
         fn register(app: App) -> App {{ app{register} }}
         fn create(op: &mut crocus::migrate::Operations) {{
             use crocus::migrate::prelude::*;
             {tables}
         }}\n"
    );
    let out = std::env::var_os("OUT_DIR").expect("cargo sets it");
    std::fs::write(Path::new(&out).join("tables.rs"), text).expect("OUT_DIR can be written");
}
