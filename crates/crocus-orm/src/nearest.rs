//! Which word was meant where another was written.

/// The word that a misspelt one may have meant: the nearest of them, if it is near.
pub fn nearest<'a>(word: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let far = (word.chars().count() / 3).max(1);
    let near = words.into_iter().map(|known| (distance(word, known), known)).filter(|(distance, _)| *distance <= far);
    // Who misspells a word knows how it begins.
    near.min_by_key(|(distance, known)| (*distance, known.chars().next() != word.chars().next()))
        .map(|(_, known)| known)
}

/// How many characters have to be put in, taken out or changed (Levenshtein), without looking at the case.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<_> = other.chars().flat_map(char::to_lowercase).collect();
    let mut row: Vec<_> = (0..=other.len()).collect();
    for (at, character) in one.chars().flat_map(char::to_lowercase).enumerate() {
        let (mut diagonal, mut left) = (row[0], at + 1);
        row[0] = left;
        for (column, expected) in other.iter().enumerate() {
            let changed = diagonal + usize::from(*expected != character);
            diagonal = row[column + 1];
            left = changed.min(diagonal + 1).min(left + 1);
            row[column + 1] = left;
        }
    }
    row[other.len()]
}
