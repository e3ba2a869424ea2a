//! Names: changing their case, the limits that databases set, and guessing which one was meant.

/// PostgreSQL cuts longer names silently ("Identifiers and Key Words": `NAMEDATALEN` - 1).
pub(crate) const LONGEST: usize = 63;

/// Columns that every PostgreSQL table has already ("System Columns").
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Why no database object can have this name; `None` when one can.
pub(crate) fn fault(name: &str) -> Option<String> {
    if name.is_empty() {
        Some("the name is empty".to_owned())
    } else if name.contains('\0') {
        Some("no database takes the character U+0000 in a name".to_owned())
    } else if name.len() > LONGEST {
        Some(format!("the name `{name}` has {} bytes, and PostgreSQL keeps only {LONGEST}", name.len()))
    } else {
        None
    }
}

/// Why no table can have this name; `None` when one can.
pub(crate) fn table_fault(name: &str) -> Option<String> {
    let reserved = name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("sqlite_"));
    fault(name).or_else(|| reserved.then(|| "SQLite keeps names that begin with `sqlite_` to itself".to_owned()))
}

/// Why no schema can have this name; `None` when one can.
pub(crate) fn schema_fault(name: &str) -> Option<String> {
    let reserved = name.starts_with("pg_");
    fault(name).or_else(|| reserved.then(|| "PostgreSQL keeps names that begin with `pg_` to itself".to_owned()))
}

/// Why no bind can have this name; `None` when one can.
pub(crate) fn bind_fault(name: &str) -> Option<String> {
    name.is_empty().then(|| "the name is empty".to_owned())
}

/// Why no column's name can begin so; `None` when one can, as with nothing.
pub(crate) fn prefix_fault(prefix: &str) -> Option<String> {
    if prefix.is_empty() { None } else { fault(prefix) }
}

/// Why no column can have this name; `None` when one can.
pub(crate) fn column_fault(name: &str) -> Option<String> {
    let system = SYSTEM_COLUMNS.contains(&name);
    fault(name).or_else(|| system.then(|| format!("every PostgreSQL table has a system column `{name}` already")))
}

/// Why this is no comment; `None` when it is one.
pub(crate) fn comment_fault(text: &str) -> Option<String> {
    if text.trim().is_empty() {
        return Some("the comment is empty".to_owned());
    }
    text.contains('\0').then(|| "PostgreSQL's texts cannot hold the character U+0000".to_owned())
}

/// `CarPart` becomes `car_part`, `HTTPServer` becomes `http_server`.
pub(crate) fn snake_case(name: &str) -> String {
    words(name).to_lowercase()
}

/// `door_count` and `doorCount` become `DOOR_COUNT`.
pub(crate) fn screaming_case(name: &str) -> String {
    words(name).to_uppercase()
}

/// Puts `_` where a new word starts with a capital.
fn words(name: &str) -> String {
    let characters: Vec<char> = name.chars().collect();
    let mut words = String::new();
    for (index, &character) in characters.iter().enumerate() {
        if character.is_uppercase() && index > 0 {
            let before = characters[index - 1];
            let ends_capitals =
                before.is_uppercase() && characters.get(index + 1).is_some_and(|next| next.is_lowercase());
            if before.is_lowercase() || before.is_numeric() || ends_capitals {
                words.push('_');
            }
        }
        words.push(character);
    }
    words
}

/// The known word that was most likely meant.
pub(crate) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    let extends = |candidate: &str| word.len() > 1 && (word.starts_with(candidate) || candidate.starts_with(&word));
    known
        .iter()
        .map(|candidate| (if extends(candidate) { 1 } else { distance(&word, candidate) }, *candidate))
        .filter(|(distance, candidate)| *distance <= candidate.len().div_ceil(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// How many letters to insert, drop or replace to make one word of the other (Levenshtein's distance).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases() {
        for (name, snake, screaming) in [
            ("Car", "car", "CAR"),
            ("CarPart", "car_part", "CAR_PART"),
            ("HTTPServer", "http_server", "HTTP_SERVER"),
            ("Route66Sign", "route66_sign", "ROUTE66_SIGN"),
            ("door_count", "door_count", "DOOR_COUNT"),
            ("_hidden", "_hidden", "_HIDDEN"),
            ("Übung", "übung", "ÜBUNG"),
        ] {
            assert_eq!(snake_case(name), snake);
            assert_eq!(screaming_case(name), screaming);
        }
    }

    #[test]
    fn names_are_measured_in_bytes() {
        assert_eq!(fault(&"a".repeat(63)), None);
        assert!(fault(&"a".repeat(64)).is_some());
        assert!(fault(&"ä".repeat(32)).is_some());
        assert!(fault("").is_some());
    }

    #[test]
    fn guesses() {
        let known = ["primary_key", "column", "unique", "index"];
        for (word, guess) in [
            ("primary", Some("primary_key")),
            ("primery_key", Some("primary_key")),
            ("primaryKey", Some("primary_key")),
            ("column_name", Some("column")),
            ("uniqe", Some("unique")),
            ("indx", Some("index")),
            ("rename", None),
            ("x", None),
        ] {
            assert_eq!(nearest(word, &known), guess, "{word}");
        }
    }
}
