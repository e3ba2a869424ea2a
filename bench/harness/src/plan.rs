//! What is compared, and how often: the options of the command line.

use crate::contender::{self, Contender};
use crate::failure::{Failure, Result};
use crate::http::Rounds;
use crate::orm::Work;
use crate::scale::Scale;
use crate::store::Database;
use crate::workload::Workload;

pub struct Plan {
    pub databases: Vec<Database>,
    pub workloads: Vec<Workload>,
    pub works: Vec<Work>,
    pub scales: Vec<Scale>,
    pub clients: Vec<u32>,
    /// Of the names only these programs, if there are any.
    programs: Option<Vec<String>>,
    /// Sizes of the table.
    pub rows: Vec<u32>,
    pub rounds: Rounds,
    /// The programs are measured as they were built before.
    pub built: bool,
}

impl Plan {
    pub fn read(mut arguments: impl Iterator<Item = String>) -> Result<Plan> {
        let mut plan = Plan {
            databases: Database::ALL.to_vec(),
            workloads: Workload::ALL.to_vec(),
            works: Work::ALL.to_vec(),
            scales: Scale::ALL.to_vec(),
            clients: vec![1, 8, 64, 256],
            programs: None,
            rows: vec![1_000, 10_000, 100_000, 1_000_000, 10_000_000],
            rounds: Rounds { rounds: 5, seconds: 3 },
            built: false,
        };
        while let Some(name) = arguments.next() {
            match name.as_str() {
                "--quick" => {
                    (plan.clients, plan.rounds) = (vec![1, 64], Rounds { rounds: 3, seconds: 1 });
                    plan.rows = vec![1_000, 10_000, 100_000];
                    continue;
                }
                "--built" => {
                    plan.built = true;
                    continue;
                }
                _ => {}
            }
            let value = arguments.next().ok_or_else(|| Failure::new(format!("`{name}` needs a value")))?;
            let words = || value.split(',').map(str::trim);
            let number = |text: &str| match text.parse::<u32>() {
                Ok(number) if number > 0 => Ok(number),
                _ => Err(Failure::new(format!("`{name} {text}`: this is no number above 0"))),
            };
            match name.as_str() {
                "--only" => plan.only(words().collect())?,
                "--database" => plan.databases = known("database", words(), &Database::ALL, |one| one.name())?,
                "--programs" => {
                    let names = crate::orm::names().into_iter().chain(contender::ALL.map(|one| one.name));
                    known("program", words(), &names.collect::<Vec<_>>(), |one| one)?;
                    plan.programs = Some(words().map(str::to_owned).collect());
                }
                "--clients" => plan.clients = words().map(number).collect::<Result<_>>()?,
                "--rows" => plan.rows = words().map(number).collect::<Result<_>>()?,
                "--rounds" => plan.rounds.rounds = number(&value)?,
                "--seconds" => plan.rounds.seconds = number(&value)?,
                _ => return Err(Failure::new(format!("there is no option `{name}`"))),
            }
        }
        Ok(plan)
    }

    fn only(&mut self, words: Vec<&str>) -> Result<()> {
        self.workloads.retain(|workload| words.contains(&workload.name()));
        self.works.retain(|work| words.contains(&work.name()));
        self.scales.retain(|scale| words.contains(&scale.name()));
        let all = Workload::ALL.map(Workload::name).into_iter();
        let all: Vec<_> = all.chain(Work::ALL.map(Work::name)).chain(Scale::ALL.map(Scale::name)).collect();
        known("workload", words.into_iter(), &all, |one| one).map(drop)
    }

    /// Whether a program is one of those that are compared.
    pub fn has(&self, program: &str) -> bool {
        self.programs.as_ref().is_none_or(|programs| programs.iter().any(|name| name == program))
    }

    /// The programs that answer requests from a database.
    pub fn contenders(&self, database: Database) -> impl Iterator<Item = Contender> {
        contender::ALL.into_iter().filter(move |one| one.database == database && self.has(one.name))
    }
}

fn known<'a, T: Copy>(
    what: &str,
    words: impl Iterator<Item = &'a str>,
    all: &[T],
    name: fn(T) -> &'static str,
) -> Result<Vec<T>> {
    words
        .map(|word| {
            all.iter().copied().find(|one| name(*one) == word).ok_or_else(|| {
                let mut names: Vec<_> = all.iter().map(|one| name(*one)).collect();
                let mut seen = Vec::new();
                names.retain(|name| {
                    !seen.contains(name) && {
                        seen.push(*name);
                        true
                    }
                });
                Failure::new(format!("there is no {what} `{word}`: there are {}", names.join(", ")))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Plan> {
        Plan::read(text.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for wrong in ["--only get", "--database mysql", "--programs django", "--clients 0", "--rounds", "--fast 1"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn only_what_is_named_is_measured() {
        let plan = read("--only get-one,flush --programs crocus --database sqlite").unwrap();
        assert_eq!(plan.workloads, [Workload::GetOne]);
        assert_eq!(plan.works, [Work::Flush]);
        assert!(plan.scales.is_empty());
        let names: Vec<_> = plan.contenders(Database::Sqlite).map(|one| one.name).collect();
        assert_eq!(names, ["crocus"]);
    }
}
