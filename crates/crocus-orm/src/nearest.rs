//! Which word was meant where another was written.

/// The word that a misspelt one may have meant: the nearest of them, if it is near.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = (word.chars().count() / 3).max(1);
    let near = words.into_iter().map(|known| (distance(word, known), known)).filter(|(distance, _)| *distance <= far);
    // Who misspells a word knows how it begins.
    near.min_by_key(|(distance, known)| (*distance, known.chars().next() != word.chars().next()))
        .map(|(_, known)| known)
}

/// How many characters have to be put in, taken out, changed or swapped with the next one, without looking at the case
/// (Damerau's distance, where no character is touched twice).
fn distance(one: &str, other: &str) -> usize {
    let [one, other] = [one, other].map(|text| text.chars().flat_map(char::to_lowercase).collect::<Vec<_>>());
    let mut row: Vec<_> = (0..=other.len()).collect();
    let mut before = row.clone();
    for (at, character) in one.iter().enumerate() {
        let mut next = vec![at + 1];
        for (column, expected) in other.iter().enumerate() {
            let changed = row[column] + usize::from(expected != character);
            let mut least = changed.min(row[column + 1] + 1).min(next[column] + 1);
            if at > 0 && column > 0 && one[at - 1] == *expected && other[column - 1] == *character {
                least = least.min(before[column - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn the_nearest_word_is_meant() {
        let words = ["year", "name", "yard", "owner_id"];
        for (word, meant) in [
            ("yaer", Some("year")),
            ("Yaer", Some("year")),
            ("nmae", Some("name")),
            ("eyar", Some("year")),
            ("owenr_di", Some("owner_id")),
            ("naem", Some("name")),
            ("raye", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, words), meant, "{word}");
        }
        for (one, other, far) in
            [("", "", 0), ("", "ab", 2), ("ab", "ba", 1), ("abc", "ca", 3), ("abcd", "badc", 2), ("Ä", "ä", 0)]
        {
            assert_eq!((distance(one, other), distance(other, one)), (far, far), "{one} {other}");
        }
    }
}
