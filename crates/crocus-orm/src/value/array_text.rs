//! Arrays as text: PostgreSQL's own (`{a,"b c",NULL}`, "Array Value Input"), of one dimension.

use crate::json::Rule;

/// The items of an array, each as text, and none for NULL.
///
/// # Errors
/// The rule that the text breaks.
pub(crate) fn items(text: &str) -> Result<Vec<Option<String>>, Rule> {
    let inside = text.trim().strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    let mut rest = inside.ok_or("must be an array, such as {a,b} or [\"a\",\"b\"]")?.trim_start();
    let mut items = Vec::new();
    if rest.is_empty() {
        return Ok(items);
    }
    loop {
        let item;
        (item, rest) = if let Some(quoted) = rest.strip_prefix('"') { self::quoted(quoted)? } else { plain(rest)? };
        items.push(item);
        match rest.strip_prefix(',') {
            Some(more) => rest = more.trim_start(),
            None if rest.is_empty() => return Ok(items),
            None => return Err("must be an array with a comma between its items".into()),
        }
    }
}

type Item<'a> = (Option<String>, &'a str);

/// An item after its opening quote, and what comes after its closing one.
fn quoted(text: &str) -> Result<Item<'_>, Rule> {
    let mut item = String::new();
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            '"' => return Ok((Some(item), text[index + 1..].trim_start())),
            '\\' => item.extend(characters.next().map(|(_, character)| character)),
            character => item.push(character),
        }
    }
    Err("must be an array that closes its quotes".into())
}

/// An item without quotes, and what comes after it.
fn plain(text: &str) -> Result<Item<'_>, Rule> {
    let mut item = String::new();
    let mut end = text.len();
    // Up to where a space counts, since a backslash stands before it.
    let mut kept = 0;
    let mut characters = text.char_indices();
    while let Some((index, character)) = characters.next() {
        match character {
            ',' => {
                end = index;
                break;
            }
            '{' | '}' => return Err("must be an array of one dimension".into()),
            '"' => return Err("must be an array whose items are in quotes as a whole".into()),
            '\\' => {
                item.extend(characters.next().map(|(_, character)| character));
                kept = item.len();
            }
            character => item.push(character),
        }
    }
    let trimmed = item.trim_end().len();
    item.truncate(trimmed.max(kept));
    if item.is_empty() {
        return Err("must be an array without empty items: an empty text is \"\"".into());
    }
    let is_null = kept == 0 && item.eq_ignore_ascii_case("null");
    Ok(((!is_null).then_some(item), &text[end..]))
}
