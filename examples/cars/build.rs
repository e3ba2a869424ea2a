//! Makes cargo notice new files in `migrations/`, which `crocus::migrations!` compiles in.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
}
