//! The history as a graph, and the places that words name in it.

use proptest::prelude::*;

use super::graph::Places;
use super::{Graph, Migration, Placement, Split};

/// `"b2: a1 @shop +c3 =d4"`: a revision, those it follows, its labels, what it depends on, and what it replaces. They are made in this order.
fn migration(at: usize, text: &str) -> Migration {
    fn leaked(names: Vec<&str>) -> &'static [&'static str] {
        let names = names.into_iter().map(|name| &*name.to_owned().leak()).collect::<Vec<_>>();
        names.leak()
    }
    let (revision, rest) = text.split_once(':').unwrap();
    let words: Vec<_> = rest.split_whitespace().collect();
    let marked = |mark: char| words.iter().filter_map(move |word| word.strip_prefix(mark)).collect::<Vec<_>>();
    Migration {
        revision: revision.to_owned().leak(),
        down_revisions: leaked(words.iter().copied().filter(|word| !word.starts_with(['@', '+', '='])).collect()),
        labels: leaked(marked('@')),
        depends_on: leaked(marked('+')),
        replaces: leaked(marked('=')),
        message: "m",
        created: format!("2026-11-22 {at:05} UTC").leak(),
        file: format!("{revision}.rs").leak(),
        upgrade: |_| (),
        downgrade: |_| (),
    }
}

pub(crate) fn list(text: &str) -> Vec<Migration> {
    text.split(',').filter(|text| !text.is_empty()).enumerate().map(|(at, text)| migration(at, text.trim())).collect()
}

fn graph(text: &str) -> Graph {
    Graph::new(&list(text), &Split::new()).unwrap()
}

pub(crate) fn names(migrations: &[&Migration]) -> String {
    migrations.iter().map(|migration| migration.revision).collect::<Vec<_>>().join(" ")
}

fn places(graph: &Graph, revisions: &str) -> Places {
    revisions.split_whitespace().map(|revision| graph.position(revision).unwrap()).collect()
}

/// What a word does to a database that has these revisions: the revisions in the order in which they are run, or the
/// error and its hint.
fn upgrade(graph: &Graph, word: &str, applied: &str) -> String {
    let applied = places(graph, applied);
    match graph.goal(word, &applied) {
        Ok(goal) => names(&graph.migrations(&goal.difference(&applied).copied().collect())),
        Err(error) => format!("{error}; {}", error.hint().unwrap()),
    }
}

fn downgrade(graph: &Graph, word: &str, applied: &str) -> String {
    match graph.beyond(word, &places(graph, applied)) {
        Ok(undone) => names(&graph.migrations(&undone).into_iter().rev().collect::<Vec<_>>()),
        Err(error) => format!("{error}; {}", error.hint().unwrap()),
    }
}

fn stamp(graph: &Graph, words: &[&str], applied: &str) -> String {
    names(&graph.migrations(&graph.stamped(words, &places(graph, applied)).unwrap()))
}

/// A line, a branch of it with a label, a base of its own with a label that depends on the line, and a merge.
const BRANCHED: &str = "a1:, a2: a1, b1: a1 @shop, b2: b1, c1: @mail +a2, c2: c1, a3: a2";

#[test]
fn a_line() {
    let graph = graph("abd: abc, abc:, fff: abd");
    assert_eq!(names(&graph.ordered().iter().collect::<Vec<_>>()), "abc abd fff");
    for (word, applied, run) in [
        ("head", "", "abc abd fff"),
        ("heads", "abc", "abd fff"),
        ("f", "abc", "abd fff"),
        ("abd", "abc", "abd"),
        ("+1", "", "abc"),
        ("+1", "abc", "abd"),
        ("+2", "abc", "abd fff"),
        ("abc+1", "", "abc abd"),
        ("current", "abc", ""),
        ("head-1", "", "abc abd"),
        ("ab", "", "several revisions begin with `ab`: abc, abd; write more of the one that is meant"),
        ("x", "", "no revision is or begins with `x`; `db history` lists them"),
        ("", "", "no revision is or begins with ``; `db history` lists them"),
        ("x+1", "", "no revision is or begins with `x`; it is part of `x+1`; `db history` lists them"),
        (
            "+3",
            "abc",
            "there is no revision at +3 from the current one; 1 of 3 revisions are applied; see `db history`",
        ),
        ("fff+1", "", "there is no revision at fff+1; `db history` lists them"),
        ("abc-2", "", "there is no revision at abc-2; `db history` lists them"),
        ("abc", "abc abd", "`abc` is behind the database's revision abd; `db downgrade` goes back"),
        ("-1", "abc abd", "`-1` is behind the database's revision abd; `db downgrade` goes back"),
        ("x@head", "", "no branch is labelled `x`; no revision has a label: name a revision of the branch instead"),
    ] {
        assert_eq!(upgrade(&graph, word, applied), run, "{word} from {applied:?}");
    }
    for (word, applied, run) in [
        ("-1", "abc abd fff", "fff"),
        ("-3", "abc abd fff", "fff abd abc"),
        ("base", "abc abd", "abd abc"),
        ("abc", "abc abd", "abd"),
        ("head-1", "abc abd fff", "fff"),
        ("current-1", "abc abd", "abd"),
        ("current", "abc", ""),
        ("base", "", ""),
        ("fff", "abc", "`fff` is ahead of the database; `db upgrade` goes forward"),
        ("+1", "abc", "`+1` is ahead of the database; `db upgrade` goes forward"),
        (
            "-2",
            "abc",
            "there is no revision at -2 from the current one; 1 of 3 revisions are applied; see `db history`",
        ),
    ] {
        assert_eq!(downgrade(&graph, word, applied), run, "{word} from {applied:?}");
    }
}

#[test]
fn branches() {
    let graph = graph(BRANCHED);
    assert_eq!(names(&graph.heads()), "b2 c2 a3");
    assert_eq!(names(&graph.bases()), "a1 c1");
    let points = graph.branch_points();
    let [(point, next)] = &points[..] else { panic!("one revision is followed by several") };
    assert_eq!((point.revision, names(next)), ("a1", "a2 b1".to_owned()));
    for (revision, labels) in [("a1", ""), ("b1", "shop"), ("b2", "shop"), ("c2", "mail"), ("a3", "")] {
        assert_eq!(graph.labels_of(revision).join(" "), labels, "{revision}");
    }
    for (word, applied, run) in [
        ("heads", "", "a1 a2 b1 b2 c1 c2 a3"),
        ("shop@head", "", "a1 b1 b2"),
        ("b1@heads", "a1", "b1 b2"),
        ("shop", "a1", "b1"),
        ("mail@head", "", "a1 a2 c1 c2"),
        ("mail@+1", "", "a1 a2 c1"),
        ("shop@+1", "a1", "b1"),
        ("a2@+1", "a1 b1", "a2"),
        ("shop@b", "", "several revisions begin with `b`: b1, b2; write more of the one that is meant"),
        (
            "shop@a3",
            "",
            "the revision a3 is not on the branch `shop`; `db branches` and `db history` show what is where",
        ),
        (
            "head",
            "",
            "`head` is ambiguous: there are several heads, b2 (m, on shop), c2 (m, on mail) and a3 (m); `heads` is all of \
             them, `shop@head` one; `db merge -m \"merge\"` joins them",
        ),
        (
            "+1",
            "a1",
            "`+1` is ambiguous: the next one could be a2 (m) and b1 (m, on shop); say which branch, as in `shop@+1`, or \
             name a revision",
        ),
        (
            "none@head",
            "",
            "no branch is labelled `none`; the labels are mail and shop; a revision of the branch does as well",
        ),
    ] {
        assert_eq!(upgrade(&graph, word, applied), run, "{word} from {applied:?}");
    }
    let all = "a1 a2 b1 b2 c1 c2 a3";
    for (word, applied, run) in [
        ("shop@-1", all, "b2"),
        ("mail@base", all, "c2 c1"),
        ("a1", all, "a3 c2 c1 b2 b1 a2"),
        ("a2", all, "a3"),
        ("b1", all, "b2"),
        ("base", all, "a3 c2 c1 b2 b1 a2 a1"),
        ("a3@-2", all, "a3 c2 c1 a2"),
        ("-1", "a1 a2 c1", "c1"),
        ("-2", "a1 a2 c1", "c1 a2"),
        (
            "-1",
            "a1 a2 b1",
            "`-1` is ambiguous: the database is at a2 (m) and b1 (m, on shop); say which branch, as in `shop@-1`, or name a \
             revision",
        ),
    ] {
        assert_eq!(downgrade(&graph, word, applied), run, "{word} from {applied:?}");
    }
    for (words, applied, stamped) in [
        (&["heads"][..], "", all),
        (&["base"], all, ""),
        (&["a2"], "a1 b1", "a1 a2 b1"),
        (&["a2"], all, "a1 a2 b1 b2 c1 c2"),
        (&["a1"], all, "a1"),
        (&["b2", "a2"], "a1", "a1 a2 b1 b2"),
        (&["mail@base"], all, "a1 a2 b1 b2 a3"),
    ] {
        // In the order of the history, whatever the names.
        let sorted = |text: &str| places(&graph, text);
        assert_eq!(sorted(&stamp(&graph, words, applied)), sorted(stamped), "{words:?} from {applied:?}");
    }
}

#[test]
fn a_merge() {
    let graph = graph("a1:, a2: a1, b2: a1, m: a2 b2, n: m");
    assert_eq!(names(&graph.heads()), "n");
    assert_eq!(upgrade(&graph, "head", "a1 a2"), "b2 m n");
    assert_eq!(downgrade(&graph, "-2", "a1 a2 b2 m n"), "n m");
    assert_eq!(downgrade(&graph, "a2", "a1 a2 b2 m n"), "n m");
    assert_eq!(
        downgrade(&graph, "-3", "a1 a2 b2 m n"),
        "`-3` is ambiguous: on the way it would be at a2 (m) and b2 (m); say which branch, as in `a2@-3`, or name a revision"
    );
}

#[test]
fn ranges() {
    let graph = graph("a1:, a2: a1, a3: a2, a4: a3");
    let none = super::Applied::default();
    for (range, listed) in [
        ("a2:a3", "a2 a3"),
        ("a2:", "a2 a3 a4"),
        (":a2", "a1 a2"),
        ("base:head", "a1 a2 a3 a4"),
        ("-2:head", "a2 a3 a4"),
        ("a1:+1", "a1 a2"),
        ("current:a1", "a1"),
    ] {
        assert_eq!(names(&graph.history(range, &none).unwrap()), listed, "{range}");
    }
    assert_eq!(names(&graph.upgrade_range("a1:a3", &none).unwrap()), "a2 a3");
    assert_eq!(names(&graph.upgrade_range("a2", &none).unwrap()), "a1 a2");
    assert_eq!(names(&graph.downgrade_range("a3:a1", &none).unwrap()), "a3 a2");
    assert_eq!(names(&graph.downgrade_range("a3:-1", &none).unwrap()), "a3");
    assert_eq!(names(&graph.downgrade_range(":base", &none).unwrap()), "a4 a3 a2 a1");
    for (error, said) in [
        (graph.history("a2", &none), "`a2` is no range"),
        (graph.history("a3:a1", &none), "the range `a3:a1` does not lead anywhere: its end does not come after a3"),
        (graph.downgrade_range("a1", &none), "`a1` does not say where from"),
        (graph.downgrade_range("a1:a3", &none), "`a3` is ahead of the database"),
    ] {
        assert_eq!(error.unwrap_err().to_string(), said);
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for (text, said, hint) in [
        (
            "a1:, b1: zz",
            "the migration `b1.rs` follows zz, which is missing",
            "put the file of zz back into the migrations folder; or, if it is gone for good, name the revision before it in \
             the third line of `b1.rs`",
        ),
        (
            "a1bc:, b1: a1",
            "the migration `b1.rs` follows a1, which is missing",
            "did you mean a1bc? write it in the third line of `b1.rs`",
        ),
        (
            "a1: +shop",
            "the migration `a1.rs` depends on shop, which is missing",
            "put the file of shop back into the migrations folder; or, if it is gone for good, name the revision before it \
             in the third line of `a1.rs`",
        ),
        (
            "a1: c1, b1: a1, c1: b1, d1: c1",
            "the migrations follow each other in a circle: a1 (`a1.rs`), which follows c1 (`c1.rs`), which follows b1 \
             (`b1.rs`)",
            "correct `follows` or `depends on` in the third line of one of them",
        ),
        (
            "a1: a1",
            "the migration a1 (`a1.rs`) follows itself",
            "correct `follows` or `depends on` in the third line of one of them",
        ),
        (
            "a1:, a1:",
            "`a1.rs` and `a1.rs` are both revision a1",
            "give one of them a revision of its own, in its head and in the heads of those that follow it",
        ),
        (
            "a1: @shop, b1: @shop",
            "the label `shop` of `b1.rs` is taken: `a1.rs` and `b1.rs` both have it",
            "change the label in its third line",
        ),
        (
            "a1: @head",
            "the label `head` of `a1.rs` is taken: `head` is a word for a place",
            "change the label in its third line",
        ),
        (
            "a1: @b1, b1: a1",
            "the label `b1` of `a1.rs` is taken: `b1` is a revision",
            "change the label in its third line",
        ),
        (
            "head:",
            "`head.rs` is revision `head`, which is a word for a place",
            "give it another revision in its third line",
        ),
    ] {
        let error = Graph::new(&list(text), &Split::new()).unwrap_err();
        assert_eq!((error.to_string().as_str(), error.hint()), (said, Some(hint)), "{text}");
    }
    assert!(Graph::new(&[], &Split::new()).unwrap().ordered().is_empty());
}

#[test]
fn heads_that_nobody_meant_are_noticed() {
    for (text, forked) in [
        ("a1:, a2: a1, b2: a1", "a2 b2"),
        ("a1:, b1:", "a1 b1"),
        ("a1:, a2: a1, b2: a1, m: a2 b2", ""),
        ("a1:, a2: a1, b2: a1 @shop", ""),
        ("a1:, a2: a1 @mail, b2: a1 @shop", ""),
        ("a1:, a2: a1, b2: a1 @shop, c2: a1", "a2 c2"),
        // One label for both tells neither apart.
        ("a1: @shop, a2: a1, b2: a1", "a2 b2"),
        (BRANCHED, ""),
    ] {
        let graph = graph(text);
        assert_eq!(names(&graph.forked()), forked, "{text}");
        assert_eq!(graph.check_forks().is_err(), !forked.is_empty(), "{text}");
    }
    let error = graph("a1:, a2: a1, b2: a1, c2: a1").check_forks().unwrap_err();
    assert_eq!(error.to_string(), "3 migrations follow a1: a2 (m, `a2.rs`), b2 (m, `b2.rs`) and c2 (m, `c2.rs`)");
}

#[test]
fn the_next_revision() {
    let line = graph("a1:, a2: a1");
    let branched = graph(BRANCHED);
    let none = super::Applied::default();
    let next = |graph: &Graph, placement: Placement<'_>| {
        let mut made =
            graph.next("m", &placement, &none).map_err(|error| format!("{error}; {}", error.hint().unwrap()))?;
        if placement.rev_id.is_none() {
            made.revision = "new".to_owned();
        }
        let third = made.render().lines().nth(2).unwrap().to_owned();
        Ok::<_, String>(third.trim_start_matches("//! Revision ").rsplit_once(", ").unwrap().0.to_owned())
    };
    let with = |head: &[&'static str]| Placement { head: head.to_vec(), ..Placement::default() };
    for (graph, placement, made) in [
        (&line, Placement::default(), "new, follows a2"),
        (&graph(""), Placement::default(), "new, follows <base>"),
        (
            &line,
            Placement { splice: true, branch_labels: vec!["shop"], ..with(&["a1"]) },
            "new, follows a1, labelled shop",
        ),
        (
            &line,
            Placement { branch_labels: vec!["shop"], rev_id: Some("x1"), ..with(&["base"]) },
            "x1, follows <base>, labelled shop",
        ),
        (
            &branched,
            Placement { depends_on: vec!["a2", "mail"], ..with(&["shop@head"]) },
            "new, follows b2, depends on a2 and mail",
        ),
        (&branched, with(&["heads"]), "new, follows b2 and c2 and a3"),
    ] {
        assert_eq!(next(graph, placement).as_deref(), Ok(made));
    }
    for (graph, placement, error) in [
        (&line, with(&["a1"]), "a1 (m) is no head: others follow it; `--splice` makes a new branch from it"),
        (
            &line,
            Placement { splice: true, ..with(&["a1"]) },
            "the new migration would be a head beside a2 (m), and nothing would tell them apart; give its branch a label: \
             `--branch-label NAME`",
        ),
        (
            &line,
            Placement { splice: true, ..with(&["a1", "a2"]) },
            "a2 (m) comes after a1 (m) already; leave the earlier one out",
        ),
        (
            &branched,
            Placement { branch_labels: vec!["shop"], ..with(&["a3"]) },
            "`shop` cannot be the label: a branch has this label; choose another name",
        ),
        (
            &line,
            Placement { rev_id: Some("a1"), ..Placement::default() },
            "`a1` cannot be the revision: a revision has this name; choose another name",
        ),
        (
            &line,
            Placement { rev_id: Some("A-1"), ..Placement::default() },
            "`A-1` cannot be the revision: it is made of lower-case letters, digits and `_`; choose another name",
        ),
        (
            &line,
            Placement { branch_labels: vec!["head"], ..Placement::default() },
            "`head` cannot be the label: the word names a place in the history; choose another name",
        ),
        (
            &graph("a1:, a2: a1, b2: a1"),
            Placement::default(),
            "two migrations follow a1: a2 (m, `a2.rs`) and b2 (m, `b2.rs`); `db merge -m \"merge\"` writes a migration that \
             follows both; or let one follow the other: change `follows` in the third line of `b2.rs`",
        ),
    ] {
        assert_eq!(next(graph, placement), Err(error.to_owned()));
    }
}

/// Any history: each revision follows and depends on some of those before it, and the files are in any order.
fn histories() -> impl Strategy<Value = Vec<Migration>> {
    let revision =
        (proptest::collection::vec(any::<prop::sample::Index>(), 0..3), any::<Option<prop::sample::Index>>());
    proptest::collection::vec(revision, 1..25)
        .prop_map(|revisions| {
            let texts = revisions.iter().enumerate().map(|(at, (parents, dependency))| {
                let mut parents: Vec<_> = parents.iter().filter(|_| at > 0).map(|index| index.index(at)).collect();
                parents.sort_unstable();
                parents.dedup();
                let parents = parents.iter().map(|parent| format!(" r{parent}")).collect::<String>();
                let dependency = dependency.filter(|_| at > 0 && at % 3 == 0);
                format!(
                    "r{at}:{parents}{}",
                    dependency.map_or(String::new(), |index| format!(" +r{}", index.index(at)))
                )
            });
            texts.enumerate().map(|(at, text)| migration(at * 7 % 13, &text)).collect::<Vec<_>>()
        })
        .prop_shuffle()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// There and back, by way of any revision: each is run once, after what it follows and depends on, and undone once,
    /// before that.
    #[test]
    fn each_revision_is_visited_once_and_in_order(list in histories(), stop in any::<prop::sample::Index>()) {
        let graph = Graph::new(&list, &Split::new()).unwrap();
        let mut shuffled = list.clone();
        shuffled.reverse();
        let again = Graph::new(&shuffled, &Split::new()).unwrap();
        prop_assert_eq!(names(&graph.ordered().iter().collect::<Vec<_>>()), names(&again.ordered().iter().collect::<Vec<_>>()));

        let stop = list[stop.index(list.len())].revision;
        let mut applied = Places::new();
        for target in [stop, "heads"] {
            if graph.position(stop).is_some_and(|at| applied.contains(&at)) && target == stop { continue; }
            for at in graph.goal(target, &applied).unwrap().difference(&applied.clone()) {
                prop_assert!(graph.before(*at).all(|before| applied.contains(&before)));
                prop_assert!(applied.insert(*at));
            }
        }
        prop_assert_eq!(applied.len(), list.len());
        for target in [stop, "base"] {
            for at in graph.beyond(target, &applied).unwrap().into_iter().rev() {
                prop_assert!(!applied.iter().any(|later| graph.before(*later).any(|before| before == at)));
                prop_assert!(applied.remove(&at));
            }
            let stop_at = graph.position(stop).unwrap();
            prop_assert!(target == "base" || applied.contains(&stop_at));
        }
        prop_assert!(applied.is_empty());
    }

    /// A stamp is a place that an upgrade could have come to.
    #[test]
    fn a_stamp_leaves_no_gap(list in histories(), words in proptest::collection::vec(any::<prop::sample::Index>(), 1..4)) {
        let graph = Graph::new(&list, &Split::new()).unwrap();
        let words: Vec<_> = words.iter().map(|word| list[word.index(list.len())].revision).collect();
        for applied in [Places::new(), graph.all()] {
            let stamped = graph.stamped(&words, &applied).unwrap();
            prop_assert!(stamped.iter().all(|at| graph.before(*at).all(|before| stamped.contains(&before))));
            prop_assert!(words.iter().all(|word| stamped.contains(&graph.position(word).unwrap())));
        }
    }
}
