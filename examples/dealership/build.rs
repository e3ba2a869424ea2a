//! Makes cargo notice new migrations, which `crocus::migrations!` compiles in.

fn main() {
    println!("cargo::rerun-if-changed=migrations");
    println!("cargo::rerun-if-changed=audit_migrations");
}
