//! The head of a migration's file: the doc comment that says what the migration is and what it follows.
//!
//! ```text
//! //! create cars
//! //!
//! //! Revision 3f9a1c27b6d0, follows <base>, 2026-11-22 14:03 UTC
//! ```
//!
//! crocus-migrate writes it; anything may follow it.

/// What a migration that follows none says in place of a revision.
const BASE: &str = "<base>";

/// A migration's head.
#[derive(Debug, PartialEq)]
pub(crate) struct Head {
    /// What the migration does, in the words of its author. Its lines are joined with `\n`.
    pub(crate) message: String,
    pub(crate) revision: String,
    /// The revision that it follows, if any.
    pub(crate) down_revision: Option<String>,
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
    let mut parts = text.splitn(3, ',').map(str::trim);
    let (Some(revision), Some(follows), Some(created)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(fault(expected));
    };
    let follows = follows.strip_prefix("follows ").map(str::trim_start).ok_or_else(|| fault(expected))?;
    let named = |revision: &str| {
        let fits = |character: char| matches!(character, 'a'..='z' | '0'..='9' | '_');
        !revision.is_empty() && revision.chars().all(fits)
    };
    if !named(revision) || !(follows == BASE || named(follows)) {
        return Err(fault("revisions of lower-case letters, digits and `_`, or `<base>` for no earlier one"));
    }
    if created.is_empty() {
        return Err(fault("the time when the migration was made, such as `2026-11-22 14:03 UTC`"));
    }
    Ok(Head {
        message: message.join("\n"),
        revision: revision.to_owned(),
        down_revision: (follows != BASE).then(|| follows.to_owned()),
        created: created.to_owned(),
    })
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
            down_revision: None,
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
            down_revision: Some("a_1".to_owned()),
            created: "today".to_owned(),
        };
        assert_eq!(parse(file), Ok(head));
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
            ("//! create cars\n//!\n//! Revision A, follows <base>, now\n", 3, "revisions of lower-case"),
            ("//! create cars\n//!\n//! Revision a, follows none!, now\n", 3, "revisions of lower-case"),
        ] {
            let fault = parse(file).unwrap_err();
            assert_eq!(fault.line, line, "{file:?}");
            assert!(fault.expected.starts_with(expected), "{file:?}: {}", fault.expected);
        }
    }
}
