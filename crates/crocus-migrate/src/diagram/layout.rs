//! Where tables stand: in layers from left to right, each right of those that it refers to.

use crate::schema::{Schema, Table};

/// Sizes in pixels. The letters are those of a monospaced font of this size.
pub(super) const LETTER: usize = 8;
pub(super) const ROW: usize = 20;
const PADDING: usize = 12;
const BETWEEN_LAYERS: usize = 90;
const BETWEEN_BOXES: usize = 30;
const MARGIN: usize = 20;

/// How high a column of boxes gets before the next one is begun.
const HIGHEST: usize = 1100;

/// The widest texts; a longer one is cut.
const LONGEST: usize = 40;

/// A table's box.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) x: usize,
    pub(super) y: usize,
    pub(super) width: usize,
    pub(super) height: usize,
    /// Where the types begin, from the left edge.
    pub(super) types: usize,
}

/// A place for each table, and the size of the whole.
pub(super) fn layout(schema: &Schema) -> (Vec<Place>, usize, usize) {
    let tables = &schema.tables;
    let layers = layers(schema);
    let mut places: Vec<Place> = tables.iter().map(size).collect();
    let last = layers.iter().copied().max().unwrap_or(0);
    let (mut x, mut whole) = (MARGIN, 0);
    let mut centres: Vec<Option<usize>> = vec![None; tables.len()];
    for layer in 0..=last {
        let mut members: Vec<usize> = (0..tables.len()).filter(|at| layers[*at] == layer).collect();
        // Beside what they refer to, lines are short.
        members.sort_by_key(|at| {
            let targets = targets(schema, *at).filter_map(|target| centres[target]);
            let (count, sum) = targets.fold((0, 0), |(count, sum), centre| (count + 1, sum + centre));
            (sum.checked_div(count).unwrap_or(usize::MAX), *at)
        });
        let (mut y, mut widest) = (MARGIN, 0);
        for at in members {
            if y > MARGIN && y + places[at].height > HIGHEST {
                x += widest + BETWEEN_LAYERS;
                (y, widest) = (MARGIN, 0);
            }
            (places[at].x, places[at].y) = (x, y);
            centres[at] = Some(y + places[at].height / 2);
            y += places[at].height + BETWEEN_BOXES;
            widest = widest.max(places[at].width);
            whole = whole.max(y - BETWEEN_BOXES);
        }
        x += if widest == 0 { 0 } else { widest + BETWEEN_LAYERS };
    }
    // What goes back to the left or to the same layer does so on the right.
    (places, x.max(MARGIN + BETWEEN_LAYERS), whole + MARGIN)
}

/// A text that is not wider than a box.
pub(super) fn cut(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let start: String = text.chars().take(LONGEST - 1).collect();
    format!("{start}…")
}

fn size(table: &Table) -> Place {
    let width = |text: &str| cut(text).chars().count() * LETTER;
    let names = table.columns.iter().map(|column| width(&column.name)).max().unwrap_or(0);
    let types = table.columns.iter().map(|column| width(&column.ty.to_string())).max().unwrap_or(0);
    // Before the names stands `PK` or `FK`.
    let before = PADDING + 3 * LETTER;
    let at_types = before + names + 2 * LETTER;
    let title = width(&table.name.to_string()) + 2 * PADDING;
    Place {
        x: 0,
        y: 0,
        width: (at_types + types + PADDING).max(title),
        height: ROW * (table.columns.len() + 1) + PADDING / 2,
        types: at_types,
    }
}

/// The positions of the tables that a table refers to, without itself.
fn targets(schema: &Schema, at: usize) -> impl Iterator<Item = usize> {
    let keys = schema.tables[at].foreign_keys.iter();
    keys.filter_map(|key| schema.tables.iter().position(|table| table.name == key.target)).filter(move |to| *to != at)
}

/// A layer for each table: one more than the last of those that it refers to, as far as there is no circle. A table that
/// nothing connects to others stands behind them all.
fn layers(schema: &Schema) -> Vec<usize> {
    fn layer(schema: &Schema, at: usize, known: &mut [Option<usize>], open: &mut Vec<usize>) -> usize {
        if let Some(known) = known[at] {
            return known;
        }
        open.push(at);
        let mut found = 0;
        for target in targets(schema, at).collect::<Vec<_>>() {
            if !open.contains(&target) {
                found = found.max(1 + layer(schema, target, known, open));
            }
        }
        open.pop();
        known[at] = Some(found);
        found
    }

    let mut known = vec![None; schema.tables.len()];
    let mut found: Vec<_> = (0..schema.tables.len()).map(|at| layer(schema, at, &mut known, &mut Vec::new())).collect();
    let is_alone = |at: usize| {
        targets(schema, at).next().is_none()
            && !(0..schema.tables.len()).any(|other| targets(schema, other).any(|target| target == at))
    };
    let last = found.iter().copied().max().unwrap_or(0);
    let alone: Vec<usize> = (0..schema.tables.len()).filter(|at| is_alone(*at)).collect();
    if alone.len() < found.len() {
        alone.into_iter().for_each(|at| found[at] = last + 1);
    }
    found
}
