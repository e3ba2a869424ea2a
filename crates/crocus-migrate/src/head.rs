//! The head of a migration file: what it does, its revision, the one it follows, and when it was made.
//!
//! `crocus::migrations!` reads the same lines when the program is compiled.

/// The word for what comes before the first revision.
pub const BASE: &str = "<base>";

/// The head of a migration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What the migration does, in a few words.
    pub message: String,
    /// Its revision: 12 hexadecimal digits where it was generated.
    pub revision: String,
    /// The revisions that it follows: none for a first one, several for one that merges branches.
    pub down_revisions: Vec<String>,
    /// The labels that it gives its branch.
    pub labels: Vec<String>,
    /// Revisions of other branches, or their labels, that must be there before it.
    pub depends_on: Vec<String>,
    /// The revisions that it stands for, in their order: those of a range that was squashed.
    pub replaces: Vec<String>,
    /// When it was made, to the minute: `2026-11-22 14:03 UTC`.
    pub created: String,
}

impl Head {
    /// A head with a new revision, made now.
    pub fn new(message: &str, down_revisions: &[&str]) -> Head {
        Head {
            message: message.split_whitespace().collect::<Vec<_>>().join(" "),
            revision: new_revision(),
            down_revisions: down_revisions.iter().map(|&revision| revision.to_owned()).collect(),
            labels: Vec::new(),
            depends_on: Vec::new(),
            replaces: Vec::new(),
            created: now(),
        }
    }

    /// The name of the file: the revision and the message's words.
    pub fn file_name(&self) -> String {
        let mut slug = String::new();
        for character in self.message.chars() {
            if character.is_ascii_alphanumeric() {
                slug.push(character.to_ascii_lowercase());
            } else if !slug.is_empty() && !slug.ends_with('_') {
                slug.push('_');
            }
        }
        // Alembic's own limit for the words in a file's name.
        slug.truncate(40);
        let slug = slug.trim_end_matches('_');
        if slug.is_empty() { format!("{}.rs", self.revision) } else { format!("{}_{slug}.rs", self.revision) }
    }

    /// The three lines, and what it replaces.
    pub fn render(&self) -> String {
        let list = |names: &[String]| names.join(" and ");
        let follows = if self.down_revisions.is_empty() { BASE.to_owned() } else { list(&self.down_revisions) };
        let mut line = format!("Revision {}, follows {follows}", self.revision);
        if !self.labels.is_empty() {
            line.push_str(&format!(", labelled {}", list(&self.labels)));
        }
        if !self.depends_on.is_empty() {
            line.push_str(&format!(", depends on {}", list(&self.depends_on)));
        }
        format!("//! {}\n//!\n//! {line}, {}\n{}", self.message, self.created, self.replaced())
    }

    /// `//! Replaces: a1, b2`, in lines that are not too long.
    fn replaced(&self) -> String {
        let mut text = String::new();
        let mut line = "//! Replaces:".to_owned();
        for (index, name) in self.replaces.iter().enumerate() {
            let comma = if index + 1 < self.replaces.len() { "," } else { "" };
            if line.len() + name.len() + 2 > 120 {
                text.push_str(&format!("{line}\n"));
                line = "//!".to_owned();
            }
            line.push_str(&format!(" {name}{comma}"));
        }
        if self.replaces.is_empty() { text } else { format!("{text}{line}\n") }
    }

    /// Whether a text can be a revision or a label: lower-case letters, digits and `_`.
    pub fn is_name(text: &str) -> bool {
        !text.is_empty() && text.chars().all(|character| matches!(character, 'a'..='z' | '0'..='9' | '_'))
    }
}

/// 48 random bits, as Alembic's revisions have.
fn new_revision() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    let random = RandomState::new().build_hasher().finish();
    format!("{:012x}", random >> 16)
}

fn now() -> String {
    let now = humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string();
    format!("{} {} UTC", &now[..10], &now[11..16])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_names_are_plain() {
        let mut head = Head::new("  Create cars,\n ÄND more!  ", &[]);
        assert_eq!(head.message, "Create cars, ÄND more!");
        assert_eq!(head.file_name(), format!("{}_create_cars_nd_more.rs", head.revision));
        assert_eq!(head.revision.len(), 12);
        head.message = "…".to_owned();
        assert_eq!(head.file_name(), format!("{}.rs", head.revision));
    }
    #[test]
    fn the_third_line_says_what_it_follows() {
        let mut head = Head::new("merge", &["a1", "b2"]);
        head.created = "2026-11-22 14:03 UTC".to_owned();
        head.revision = "c3".to_owned();
        let third = |head: &Head| head.render().lines().nth(2).unwrap().to_owned();
        assert_eq!(third(&head), "//! Revision c3, follows a1 and b2, 2026-11-22 14:03 UTC");
        head.down_revisions.clear();
        head.labels = vec!["payments".to_owned(), "shop".to_owned()];
        head.depends_on = vec!["d4".to_owned()];
        let said = "//! Revision c3, follows <base>, labelled payments and shop, depends on d4, 2026-11-22 14:03 UTC";
        assert_eq!(third(&head), said);
    }
    #[test]
    fn what_it_replaces_is_in_lines_that_fit() {
        let mut head = Head::new("first year", &[]);
        head.replaces = (0..20).map(|number| format!("3f9a1c27b6{number:02}")).collect();
        let lines: Vec<_> = head.render().lines().skip(3).map(str::to_owned).collect();
        assert_eq!(lines.len(), 3);
        assert!(lines[0].starts_with("//! Replaces: 3f9a1c27b600, 3f9a1c27b601, ") && lines[0].ends_with(','));
        assert!(lines[2].starts_with("//! 3f9a1c27b6") && lines[2].ends_with("3f9a1c27b619"));
        assert!(lines.iter().all(|line| line.len() <= 120));
    }
    /// `crocus::migrations!` has a reader of its own, which depends on nothing here: its tests read these very files.
    #[test]
    fn the_macro_reads_what_is_written() {
        let mut head = Head::new("merge", &["3f9a1c27b6d0", "91d0e4"]);
        head.revision = "a0".to_owned();
        head.created = "2026-11-24 09:00 UTC".to_owned();
        head.labels = vec!["payments".to_owned()];
        head.depends_on = vec!["91d0e4".to_owned()];
        let read = include_str!("../../crocus-macros/tests/folders/good/a0_merge.rs");
        assert!(read.starts_with(&head.render()), "{}", head.render());
        let head = Head {
            message: "first year".to_owned(),
            revision: "b0".to_owned(),
            down_revisions: Vec::new(),
            labels: Vec::new(),
            depends_on: Vec::new(),
            replaces: vec!["3f9a1c27b6d0".to_owned(), "91d0e4".to_owned()],
            created: "2026-11-24 10:00 UTC".to_owned(),
        };
        let read = include_str!("../../crocus-macros/tests/folders/good/b0_first_year.rs");
        assert!(read.starts_with(&head.render()), "{}", head.render());
    }
}
