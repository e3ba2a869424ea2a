//! The head of a migration's file: the doc comment that says what the migration is and what it follows.
//!
//! ```text
//! //! create cars
//! //!
//! //! Revision 3f9a1c27b6d0, follows <base>, 2026-11-22 14:03 UTC
//! ```
//!
//! The third line may go on: `Revision 3f9a1c27b6d0, follows a1 and b2, labelled payments, depends on c3, 2026-11-22 14:03
//! UTC`. A migration that stands for others has a fourth one, `Replaces: a1, b2`, which goes on in the next line after a
//! comma. crocus-migrate writes the head; anything may follow it.

/// What a migration that follows none says in place of a revision.
const BASE: &str = "<base>";

/// A migration's head.
#[derive(Debug, PartialEq)]
pub(crate) struct Head {
    /// What the migration does, in the words of its author. Its lines are joined with `\n`.
    pub(crate) message: String,
    pub(crate) revision: String,
    /// The revisions that it follows.
    pub(crate) down_revisions: Vec<String>,
    /// The labels of its branch.
    pub(crate) labels: Vec<String>,
    /// Revisions, or labels, that must be there before it.
    pub(crate) depends_on: Vec<String>,
    /// The revisions that it stands for, in their order.
    pub(crate) replaces: Vec<String>,
    /// When it was made, as it is written.
    pub(crate) created: String,
}

/// Where a head departs from its form, and what belongs there.
#[derive(Debug, PartialEq)]
pub(crate) struct Fault {
    /// Counted from 1.
    pub(crate) line: usize,
    pub(crate) expected: &'static str,
}

/// Reads the head of a file.
pub(crate) fn parse(file: &str) -> Result<Head, Fault> {
    let mut lines = file.trim_start_matches('\u{feff}').lines().map(comment).zip(1..);
    let mut message = Vec::new();
    let mut last = 0;
    for (text, line) in lines.by_ref() {
        last = line;
        match text {
            Some("") if !message.is_empty() => break,
            Some(text) if !text.is_empty() => message.push(text),
            _ if message.is_empty() => return Err(Fault { line, expected: "`//! ` and the migration's message" }),
            _ => return Err(Fault { line, expected: "a line of `//!` alone, after the message" }),
        }
    }
    let expected =
        "`//! Revision <revision>, follows <revision or <base>>, <time>`, after the message and a line of `//!` alone";
    let (text, line) = lines.next().unwrap_or((None, last + 1));
    let fault = |expected| Fault { line, expected };
    let text = text.and_then(|text| text.strip_prefix("Revision ")).ok_or_else(|| fault(expected))?;
    let (revision, text) = text.split_once(',').ok_or_else(|| fault(expected))?;
    let mut rest = text.trim_start();
    let mut part = |name: &str| {
        let (names, after) = rest.strip_prefix(name)?.split_once(',')?;
        rest = after.trim_start();
        Some(names.split(" and ").map(|name| name.trim().to_owned()).collect::<Vec<_>>())
    };
    let mut follows = part("follows ").ok_or_else(|| fault(expected))?;
    let labels = part("labelled ").unwrap_or_default();
    let depends_on = part("depends on ").unwrap_or_default();
    let created = rest.trim_end();
    if follows == [BASE] {
        follows.clear();
    }
    let revision = revision.trim();
    if !named(revision) || !follows.iter().chain(&labels).chain(&depends_on).all(|name| named(name)) {
        return Err(fault(
            "revisions and labels of lower-case letters, digits and `_`, joined by `and`, or `<base>` for no earlier one",
        ));
    }
    if created.is_empty() {
        return Err(fault("the time when the migration was made, such as `2026-11-22 14:03 UTC`"));
    }
    Ok(Head {
        message: message.join("\n"),
        revision: revision.to_owned(),
        down_revisions: follows,
        labels,
        depends_on,
        replaces: replaces(lines)?,
        created: created.to_owned(),
    })
}

/// The revisions of `Replaces: a1, b2`, where that is what stands there. A comma at the end of a line goes on in the next.
fn replaces<'a>(lines: impl Iterator<Item = (Option<&'a str>, usize)>) -> Result<Vec<String>, Fault> {
    let mut replaces = Vec::new();
    for (text, line) in lines {
        let names =
            match text.and_then(|text| if replaces.is_empty() { text.strip_prefix("Replaces:") } else { Some(text) }) {
                Some(names) => names.trim(),
                None if replaces.is_empty() => break,
                None => "",
            };
        let goes_on = names.strip_suffix(',');
        replaces.extend(goes_on.unwrap_or(names).split(',').map(|name| name.trim().to_owned()));
        if !replaces.iter().all(|name| named(name)) {
            return Err(Fault { line, expected: "`Replaces: ` and revisions, joined by commas" });
        }
        if goes_on.is_none() {
            break;
        }
    }
    Ok(replaces)
}

fn named(revision: &str) -> bool {
    let fits = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_');
    !revision.is_empty() && revision.chars().all(fits)
}

/// The text of a line of the doc comment.
fn comment(line: &str) -> Option<&str> {
    line.strip_prefix("//!").map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE_HEAD: &str = "//! create cars\n//!\n//! Revision 3f9a1c27b6d0, follows <base>, 2026-11-22 14:03 UTC\n";

    #[test]
    fn the_first_migration() {
        let head = Head {
            message: "create cars".to_owned(),
            revision: "3f9a1c27b6d0".to_owned(),
            down_revisions: Vec::new(),
            labels: Vec::new(),
            depends_on: Vec::new(),
            replaces: Vec::new(),
            created: "2026-11-22 14:03 UTC".to_owned(),
        };
        assert_eq!(parse(BASE_HEAD).as_ref(), Ok(&head));
        assert_eq!(parse(&format!("\u{feff}{}", BASE_HEAD.replace('\n', "\r\n"))), Ok(head));
    }

    #[test]
    fn a_later_migration_with_a_long_message_and_notes() {
        let file =
            "//! split names,\n//! first then last\n//!\n//! Revision b_2, follows a_1, today\n//!\n//! Notes.\n";
        let head = Head {
            message: "split names,\nfirst then last".to_owned(),
            revision: "b_2".to_owned(),
            down_revisions: vec!["a_1".to_owned()],
            labels: Vec::new(),
            depends_on: Vec::new(),
            replaces: Vec::new(),
            created: "today".to_owned(),
        };
        assert_eq!(parse(file), Ok(head));
    }

    #[test]
    fn a_merge_with_labels_and_dependencies() {
        let line = |text: &str| parse(&format!("//! merge\n//!\n//! Revision c3, {text}\n"));
        let head = |follows: &[&str], labels: &[&str], depends_on: &[&str]| {
            let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
            Ok(Head {
                message: "merge".to_owned(),
                revision: "c3".to_owned(),
                down_revisions: owned(follows),
                labels: owned(labels),
                depends_on: owned(depends_on),
                replaces: Vec::new(),
                created: "2026-11-22 14:03 UTC".to_owned(),
            })
        };
        for (text, expected) in [
            ("follows a1 and b2, 2026-11-22 14:03 UTC", head(&["a1", "b2"], &[], &[])),
            (
                "follows <base>, labelled payments and shop, depends on d4, 2026-11-22 14:03 UTC",
                head(&[], &["payments", "shop"], &["d4"]),
            ),
            ("follows a1, depends on d4 and e5, 2026-11-22 14:03 UTC", head(&["a1"], &[], &["d4", "e5"])),
        ] {
            assert_eq!(line(text), expected, "{text}");
        }
    }

    #[test]
    fn a_migration_that_stands_for_others() {
        let replaces = |text: &str| parse(&format!("//! first year\n//!\n//! Revision s, follows <base>, now\n{text}"));
        for (text, expected) in [
            ("//! Replaces: a1\n", &["a1"][..]),
            ("//! Replaces: a1, b2,\n//! c3\n//! Notes.\n", &["a1", "b2", "c3"]),
            ("//!\n//! Replaces: a1\n", &[]),
            ("use x;\n", &[]),
        ] {
            assert_eq!(replaces(text).unwrap().replaces, expected, "{text:?}");
        }
        for (text, line) in [
            ("//! Replaces:\n", 4),
            ("//! Replaces: A1\n", 4),
            ("//! Replaces: a1 b2\n", 4),
            ("//! Replaces: a1,\n\n", 5),
            ("//! Replaces: a1,\n//! the first\n", 5),
        ] {
            assert_eq!(replaces(text).map_err(|fault| fault.line), Err(line), "{text:?}");
        }
    }

    #[test]
    fn faults_name_the_line_and_what_belongs_there() {
        for (file, line, expected) in [
            ("", 1, "`//! Revision"),
            ("use x;\n", 1, "`//! ` and the migration's message"),
            ("//!\n//! late\n", 1, "`//! ` and the migration's message"),
            ("//! create cars\nuse x;\n", 2, "a line of `//!` alone"),
            ("//! create cars\n", 2, "`//! Revision"),
            ("//! create cars\n//!\n", 3, "`//! Revision"),
            ("//! create cars\n//!\n//! revision a, follows <base>, now\n", 3, "`//! Revision"),
            ("//! create cars\n//!\n//! Revision a, <base>, now\n", 3, "`//! Revision"),
            ("//! create cars\n//!\n//! Revision a, follows <base>\n", 3, "`//! Revision"),
            ("//! create cars\n//!\n//! Revision a, follows <base>,\n", 3, "the time"),
            ("//! create cars\n//!\n//! Revision A, follows <base>, now\n", 3, "revisions and labels of lower-case"),
            (
                "//! create cars\n//!\n//! Revision a, follows b and <base>, now\n",
                3,
                "revisions and labels of lower-case",
            ),
            ("//! create cars\n//!\n//! Revision a, follows b c, now\n", 3, "revisions and labels of lower-case"),
            (
                "//! create cars\n//!\n//! Revision a, follows b, labelled C, now\n",
                3,
                "revisions and labels of lower-case",
            ),
            ("//! create cars\n//!\n//! Revision a, follows b, depends on c,\n", 3, "the time"),
            ("//! create cars\n//!\n//! Revision a, follows none!, now\n", 3, "revisions and labels of lower-case"),
        ] {
            let fault = parse(file).unwrap_err();
            assert_eq!(fault.line, line, "{file:?}");
            assert!(fault.expected.starts_with(expected), "{file:?}: {}", fault.expected);
        }
    }
}
