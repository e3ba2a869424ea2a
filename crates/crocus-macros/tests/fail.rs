//! What `derive(Model)` and `migrations!` say of mistakes, and that what they write trips no lint of the user's.
//!
//! The expected texts hold what the macros say themselves, since the compiler's own words change with it. (`alias`
//! holds two of those, "evaluation panicked"; and `queries` is what the compiler makes of mistakes in a query's types.)
//! To write them anew:
//! `TRYBUILD=overwrite cargo test -p crocus-macros --test fail`.

#[test]
fn mistakes_are_reported_at_the_users_tokens() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/fail/*.rs");
    cases.pass("tests/pass/*.rs");
}
