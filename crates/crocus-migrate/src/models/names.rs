//! Names of tables, columns and values as Rust has them.

use std::collections::BTreeSet;

/// Names that the file uses, or that every Rust program does.
const TAKEN: [&str; 17] = [
    "Self",
    "Option",
    "Some",
    "None",
    "Result",
    "Ok",
    "Err",
    "Vec",
    "String",
    "Box",
    "Date",
    "DateTime",
    "Time",
    "Timestamp",
    "Decimal",
    "Uuid",
    "App",
];

/// The words that Rust keeps, but as `r#type` ("Keywords", strict and reserved).
const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn", "else", "enum",
    "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop", "macro", "match", "mod", "move",
    "mut", "override", "priv", "pub", "ref", "return", "static", "struct", "trait", "true", "try", "type", "typeof",
    "unsafe", "unsized", "use", "virtual", "where", "while", "yield", "union",
];

/// Words that no field can have, not even as `r#self`.
const NEVER: [&str; 5] = ["self", "super", "crate", "_", ""];

/// The columns that every table of PostgreSQL has already.
const SYSTEM_COLUMNS: [&str; 6] = ["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"];

/// Why nothing that a model declares can have this name; `None` when it can. SQLite has names of any length.
pub(super) fn fault(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("its name is empty")
    } else {
        (name.len() > 63).then_some("its name has more than 63 bytes")
    }
}

/// Why no field's column can have this name; `None` when it can.
pub(super) fn column_fault(name: &str) -> Option<&'static str> {
    fault(name).or_else(|| SYSTEM_COLUMNS.contains(&name).then_some("PostgreSQL keeps its name to itself"))
}

/// The names of a file's types.
pub(super) struct Names {
    taken: BTreeSet<String>,
}

impl Names {
    pub(super) fn new() -> Names {
        Names { taken: TAKEN.into_iter().map(str::to_owned).collect() }
    }

    /// `CarTag` for `car_tags`. `NewCarTag` and `CarTagPatch` are then names, too.
    pub(super) fn of_table(&mut self, table: &str) -> String {
        let mut words = words(table);
        if let Some(last) = words.last_mut() {
            *last = singular(last);
        }
        self.free(&pascal(&words, "Table"), |name| vec![name.to_owned(), format!("New{name}"), format!("{name}Patch")])
    }

    /// `CarState` for the enum type `car_state`.
    pub(super) fn of_type(&mut self, name: &str) -> String {
        self.free(&pascal(&words(name), "Enum"), |name| vec![name.to_owned()])
    }

    fn free(&mut self, wanted: &str, all: impl Fn(&str) -> Vec<String>) -> String {
        let others = (2..).map(|number| format!("{wanted}Row{number}"));
        let mut candidates = [wanted.to_owned(), format!("{wanted}Row")].into_iter().chain(others);
        let name = candidates.find(|name| all(name).iter().all(|name| !self.taken.contains(name)));
        let name = name.unwrap_or_default();
        self.taken.extend(all(&name));
        name
    }
}

/// A field for each column.
pub(super) fn fields<'a>(columns: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    let field = |column: &str| {
        let mut name = snake_case(&words(column).join("_"));
        if name.starts_with(|first: char| first.is_numeric()) {
            name.insert(0, '_');
        }
        if NEVER.contains(&name.as_str()) {
            name = if name.is_empty() || name == "_" { "column".to_owned() } else { format!("{name}_") };
        }
        let others = (2..).map({
            let name = name.clone();
            move |number| format!("{name}_{number}")
        });
        let free = std::iter::once(name).chain(others).find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(free.clone());
        if KEYWORDS.contains(&free.as_str()) { format!("r#{free}") } else { free }
    };
    columns.map(field).collect()
}

/// A variant for each value.
pub(super) fn variants(values: &[String]) -> Vec<String> {
    let mut taken = BTreeSet::from(["Self".to_owned()]);
    let variant = |value: &String| {
        let wanted = pascal(&words(value), "Empty");
        let others = (2..).map(|number| format!("{wanted}{number}"));
        let free = std::iter::once(wanted.clone()).chain(others).find(|name| !taken.contains(name)).unwrap_or_default();
        taken.insert(free.clone());
        free
    };
    values.iter().map(variant).collect()
}

/// The words of a name: what is between characters that no Rust name has.
fn words(name: &str) -> Vec<String> {
    let parts = name.split(|letter: char| !(letter.is_alphanumeric() && letter.is_ascii() || letter.is_alphabetic()));
    parts.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

fn pascal(words: &[String], instead: &str) -> String {
    let mut name = String::new();
    for word in words {
        let mut letters = word.chars();
        // A name that is all in capitals is shouted.
        let shouted = word.len() > 1 && !word.contains(char::is_lowercase);
        name.extend(letters.next().into_iter().flat_map(char::to_uppercase));
        let rest = letters.as_str();
        name.push_str(&if shouted { rest.to_lowercase() } else { rest.to_owned() });
    }
    if name.is_empty() {
        return instead.to_owned();
    }
    if name.starts_with(char::is_numeric) { format!("N{name}") } else { name }
}

/// One of several: `car` of `cars`, `category` of `categories`.
fn singular(word: &str) -> String {
    const ODD: [(&str, &str); 4] = [("people", "person"), ("children", "child"), ("men", "man"), ("women", "woman")];
    const SAME: [&str; 4] = ["series", "species", "news", "sms"];
    let lower = word.to_lowercase();
    if let Some((_, one)) = ODD.iter().find(|(several, _)| *several == lower) {
        return (*one).to_owned();
    }
    if SAME.contains(&lower.as_str()) || ["ss", "us", "is"].iter().any(|end| lower.ends_with(end)) {
        return word.to_owned();
    }
    let without = |count: usize| word[..word.len() - count].to_owned();
    if lower.len() > 4 && lower.ends_with("ies") {
        without(3) + "y"
    } else if ["sses", "shes", "ches", "xes"].iter().any(|end| lower.ends_with(end)) {
        without(2)
    } else if lower.len() > 1 && lower.ends_with('s') {
        without(1)
    } else {
        word.to_owned()
    }
}

/// Whether Rust keeps a word for itself.
pub(super) fn is_keyword(word: &str) -> bool {
    KEYWORDS.contains(&word) || NEVER.contains(&word)
}

/// The name of a relationship along a foreign key whose field is called so: what `derive(Model)` makes of it.
pub(super) fn relation(field: &str) -> Option<&str> {
    field.strip_suffix("_id").filter(|name| !name.is_empty())
}

/// `car_part` for `CarPart`, as `derive(Model)` and `derive(DbEnum)` have it.
pub(super) fn snake_case(name: &str) -> String {
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
    words.to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_one_of_several() {
        let mut names = Names::new();
        for (table, name) in [
            ("cars", "Car"),
            ("car_tags", "CarTag"),
            ("categories", "Category"),
            ("addresses", "Address"),
            ("branches", "Branch"),
            ("status", "Status"),
            ("people", "Person"),
            ("boxes", "BoxRow"),
            ("News", "News"),
            ("CARS", "CarRow"),
            ("OrderItems", "OrderItem"),
            ("2fa codes", "N2faCode"),
            ("options", "OptionRow"),
            ("car_patches", "CarPatchRow"),
            ("new_cars", "NewCarRow2"),
            ("naïve", "Naïve"),
            ("!", "Table"),
        ] {
            assert_eq!(names.of_table(table), name, "{table}");
        }
    }

    #[test]
    fn columns_are_fields() {
        let columns = ["id", "type", "self", "Name", "doorCount", "door_count", "two words", "2nd", "%", "a.b"];
        let names =
            ["id", "r#type", "self_", "name", "door_count", "door_count_2", "two_words", "_2nd", "column", "a_b"];
        assert_eq!(fields(columns.into_iter()), names);
    }

    #[test]
    fn values_are_variants() {
        let values = ["for_sale", "For Sale", "", "2", "SOLD", "it's"].map(str::to_owned);
        assert_eq!(variants(&values), ["ForSale", "ForSale2", "Empty", "N2", "Sold", "ItS"]);
    }
}
