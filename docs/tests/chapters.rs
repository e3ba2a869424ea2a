//! Every chapter of the guide is a program, and runs on SQLite and on PostgreSQL with the tables of its models.
//! `build.rs` writes the programs.

// Below the compiler's own 128: programs that are larger than the guide's have to compile too, and in release it goes deeper.
#![recursion_limit = "96"]

use std::sync::OnceLock;
use std::thread;

use crocus::prelude::*;

include!(concat!(env!("OUT_DIR"), "/chapters.rs"));

/// A chapter is one function. Without optimisation its frame is larger than a thread's usual stack.
const STACK: usize = 64 << 20;

fn run<F>(app: App, server: Option<&'static str>, program: fn(Db) -> F)
where
    F: Future<Output = Result<()>> + 'static,
{
    let work = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
        runtime.block_on(async {
            let app = app.test_on(server).await;
            if let Err(problem) = Box::pin(program(app.db().clone())).await {
                panic!("{problem:?}");
            }
        });
    };
    let thread = thread::Builder::new().stack_size(STACK).spawn(work).unwrap_or_else(|error| panic!("{error}"));
    if let Err(panic) = thread.join() {
        std::panic::resume_unwind(panic);
    }
}

fn server() -> &'static str {
    static URL: OnceLock<String> = OnceLock::new();
    URL.get_or_init(|| crocus_testing::postgres().url("postgres"))
}
