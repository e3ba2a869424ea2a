//! The program: `cargo run --package dealership` serves it on embedded SQLite files.

use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    dealership::app().main().await
}
