//! `migrations!` takes nothing or a folder.

fn main() {
    crocus_macros::migrations!(migrations);
    crocus_macros::migrations!("migrations", "more");
}
