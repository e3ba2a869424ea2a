//! The head of a migration file: what it does, its revision, the one it follows, and when it was made.
//!
//! `crocus::migrations!` reads the same three lines when the program is compiled.

/// The word for what comes before the first revision.
pub const BASE: &str = "<base>";

/// The head of a migration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// What the migration does, in a few words.
    pub message: String,
    /// Its revision: 12 hexadecimal digits where it was generated.
    pub revision: String,
    /// The revision that it follows; `None` for the first.
    pub down_revision: Option<String>,
    /// When it was made, to the minute: `2026-11-22 14:03 UTC`.
    pub created: String,
}

impl Head {
    /// A head with a new revision, made now.
    pub fn new(message: &str, down_revision: Option<&str>) -> Head {
        Head {
            message: message.split_whitespace().collect::<Vec<_>>().join(" "),
            revision: new_revision(),
            down_revision: down_revision.map(str::to_owned),
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

    /// The three lines.
    pub fn render(&self) -> String {
        let follows = self.down_revision.as_deref().unwrap_or(BASE);
        format!("//! {}\n//!\n//! Revision {}, follows {follows}, {}\n", self.message, self.revision, self.created)
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
        let mut head = Head::new("  Create cars,\n ÄND more!  ", None);
        assert_eq!(head.message, "Create cars, ÄND more!");
        assert_eq!(head.file_name(), format!("{}_create_cars_nd_more.rs", head.revision));
        assert_eq!(head.revision.len(), 12);
        head.message = "…".to_owned();
        assert_eq!(head.file_name(), format!("{}.rs", head.revision));
    }
}
