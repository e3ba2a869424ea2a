//! Which revisions can be squashed: a line of the history that nothing leaves or enters but at its ends.

use crate::history::Applied;
use crate::revision::{Graph, Places, and};
use crate::{Error, ErrorKind, Result};

impl Graph {
    /// The revisions of a range, each of which follows the one before it alone, and is followed by the next one alone.
    pub(super) fn line(&self, range: &str, applied: &Applied) -> Result<Vec<usize>> {
        let (from, to) = self.range(range, applied)?;
        let mut line = self.way_back(range, self.only(range, &from)?, self.only(range, &to)?)?;
        line.reverse();
        let names = |places: &Places| and(&places.iter().map(|at| self.described_at(*at)).collect::<Vec<_>>());
        if let [] | [_] = line.as_slice() {
            let what = names(&line.iter().copied().collect());
            return Err(refused(format!("there is nothing to squash: the range `{range}` is {what} alone"))
                .with_hint("write it as `FROM:TO`, both included"));
        }
        for at in &line {
            let migration = &self.ordered()[*at];
            // In the middle of it, it is the last of the others that stands for it.
            let mut stands = self.stands().iter().filter(|(_, stand)| stand.at == *at).map(|(name, _)| *name);
            let squashed = match migration.replaces {
                [] => stands.next(),
                _ => Some(migration.revision),
            };
            if let Some(squashed) = squashed {
                let text = format!("{} was squashed before", self.described_at(*at));
                return Err(refused(text).with_hint(format!(
                    "once every database has {squashed}, delete the files that it replaces, name it in the third line of what \
                     follows them, and delete its line `Replaces:`; then it can be squashed again"
                )));
            }
        }
        for pair in line.windows(2) {
            let others: Places = self.children(pair[0]).iter().copied().filter(|child| *child != pair[1]).collect();
            if !others.is_empty() {
                let (other, at) = (names(&others), self.ordered()[pair[0]].revision);
                return Err(refused(format!("the range `{range}` is no line: {other} leaves it at {at}"))
                    .with_hint(format!("squash up to {at}, and from {} on", self.ordered()[pair[1]].revision)));
            }
        }
        let inside: Places = line.iter().copied().collect();
        let needed: Places = line.iter().flat_map(|at| self.before(*at)).filter(|at| !inside.contains(at)).collect();
        if let Some(between) = needed.iter().find(|at| !self.with_ancestors(&Places::from([**at])).is_disjoint(&inside))
        {
            let text = format!(
                "the range `{range}` is not in one piece: it depends on {}, which comes after a part of it",
                self.described_at(*between)
            );
            return Err(refused(text).with_hint("squash what comes before that revision, and what comes after it"));
        }
        Ok(line)
    }

    /// From the last one back to the first one, or to the one that follows none.
    fn way_back(&self, range: &str, from: Option<usize>, to: Option<usize>) -> Result<Vec<usize>> {
        let mut line: Vec<_> = to.into_iter().collect();
        while let Some(at) = line.last().copied().filter(|at| Some(*at) != from) {
            let parents = self.parents(at);
            match (parents.first(), parents.len()) {
                (Some(parent), 1) => line.push(*parent),
                (None, _) if from.is_none() => break,
                (None, _) => {
                    let from = from.map(|from| self.described_at(from)).unwrap_or_default();
                    let text =
                        format!("the range `{range}` does not lead anywhere: its end does not come after {from}");
                    return Err(refused(text).with_hint("`db history` shows what follows what"));
                }
                _ => {
                    let text = format!("the range `{range}` is no line: {} joins branches", self.described_at(at));
                    return Err(refused(text).with_hint(format!("squash from {} on", self.ordered()[at].revision)));
                }
            }
        }
        Ok(line)
    }

    fn only(&self, range: &str, places: &Places) -> Result<Option<usize>> {
        if places.len() > 1 {
            let names: Vec<_> = places.iter().map(|at| self.described_at(*at)).collect();
            let text = format!("the range `{range}` is no line: one end of it is {}", and(&names));
            return Err(refused(text).with_hint("name one of them"));
        }
        Ok(places.first().copied())
    }
}

fn refused(text: String) -> Error {
    Error::new(ErrorKind::Revision, text)
}
