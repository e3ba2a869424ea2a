//! What the database calls otherwise than the models: said with `--rename`, or asked on a terminal.

use std::io::{BufRead, IsTerminal, Write};

use crocus_migrate::compare::Rename;
use crocus_migrate::schema::Schema;

/// Takes over what `--rename` says. A column may be named in a table that another one renames.
pub(super) fn take_over(renames: &[String], models: &mut Schema, actual: &Schema) -> crocus_migrate::Result<()> {
    let mut waiting: Vec<&String> = renames.iter().collect();
    while let Some(first) = waiting.first() {
        let place = waiting.iter().position(|text| Rename::parse(text, models, actual).is_ok()).unwrap_or_default();
        let text = waiting.get(place).unwrap_or(first);
        models.rename(&Rename::parse(text, models, actual)?);
        waiting.remove(place);
    }
    Ok(())
}

/// Whether there is somebody to ask.
pub(super) fn can_ask() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// Asks of each whether it is so. What was something else already is not asked of again.
pub(super) fn ask(
    candidates: &[Rename],
    mut input: impl BufRead,
    mut output: impl Write,
) -> std::io::Result<Vec<Rename>> {
    let mut agreed: Vec<Rename> = Vec::new();
    for candidate in candidates {
        let (old, new) = candidate.names();
        let is_known = |rename: &Rename| rename.names().0 == old || rename.names().1 == new;
        if agreed.iter().any(is_known) {
            continue;
        }
        write!(output, "was {new} {old}? [y/N] ")?;
        output.flush()?;
        let mut answer = String::new();
        input.read_line(&mut answer)?;
        if matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
            agreed.push(candidate.clone());
        }
    }
    Ok(agreed)
}

/// What a person could have said, where nobody could be asked.
pub(super) fn hints(candidates: &[Rename], program: &str) -> String {
    let hint = |candidate: &Rename| {
        let (old, new) = candidate.names();
        format!("hint: if {new} was {old}: {program} db migrate --rename {candidate}\n")
    };
    candidates.iter().map(hint).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_asked_until_it_is_known() {
        let column = |name: &str, new_name: &str| Rename::Column {
            table: "cars".into(),
            name: name.to_owned(),
            new_name: new_name.to_owned(),
        };
        let candidates = [column("name", "title"), column("name", "model"), column("a", "b"), column("c", "d")];
        let mut asked = Vec::new();
        let agreed = ask(&candidates, &b"Y\n\nno\n"[..], &mut asked).unwrap();
        assert_eq!(agreed, [column("name", "title")]);
        let asked = String::from_utf8(asked).unwrap();
        assert_eq!(asked, "was cars.title cars.name? [y/N] was cars.b cars.a? [y/N] was cars.d cars.c? [y/N] ");
        assert_eq!(
            hints(&candidates[..1], "cars"),
            "hint: if cars.title was cars.name: cars db migrate --rename cars.name=cars.title\n"
        );
    }
}
