//! What was measured, as a table for people and as JSON.

use serde_json::{Value, json};

/// One round of one program.
#[derive(Debug, Clone, Copy)]
pub struct Round {
    /// Requests a second.
    pub rate: f64,
    /// In microseconds.
    pub p50: f64,
    pub p99: f64,
    /// CPU time a request in the program and in the database, in microseconds.
    pub program: f64,
    pub database: f64,
}

/// One workload of one program with so many clients.
#[derive(Debug)]
pub struct Cell {
    pub name: &'static str,
    pub title: &'static str,
    pub rounds: Vec<Round>,
    /// Memory at most so far, in KiB.
    pub peak: u64,
    /// Why there are no rounds.
    pub failure: Option<String>,
}

/// Median, least and most.
fn spread(values: impl Iterator<Item = f64>) -> (f64, f64, f64) {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let at = |index: usize| values.get(index).copied().unwrap_or(f64::NAN);
    let middle = values.len() / 2;
    let median =
        if values.len().is_multiple_of(2) { (at(middle.wrapping_sub(1)) + at(middle)) / 2.0 } else { at(middle) };
    (median, at(0), at(values.len().saturating_sub(1)))
}

/// The ratio of each round to the same round of what is measured by: what the machine does meanwhile cancels out.
fn ratios<'a>(cell: &'a Cell, by: &'a Cell, of: fn(&Round) -> f64) -> impl Iterator<Item = f64> + 'a {
    cell.rounds.iter().zip(&by.rounds).map(move |(round, by)| of(round) / of(by))
}

/// Prints the programs of a workload; the first is what they are measured by.
pub fn print(title: &str, clients: u32, cells: &[Cell]) {
    println!("\n{title}, {clients} client{}", if clients == 1 { "" } else { "s" });
    println!(
        "  {:34} {:>6}  {:11} {:>9} {:>8} {:>8}  {:>8} {:>8} {:>8}",
        "", "ratio", "(range)", "req/s", "p50 us", "p99 us", "cpu us", "db us", "peak MiB"
    );
    for cell in cells {
        if let Some(failure) = &cell.failure {
            println!("  {:34} skipped: {failure}", cell.title);
            continue;
        }
        let (ratio, least, most) = spread(ratios(cell, &cells[0], |round| round.rate));
        let median = |of: fn(&Round) -> f64| spread(cell.rounds.iter().map(of)).0;
        println!(
            "  {:34} {ratio:>6.2}  {:11} {:>9.0} {:>8.0} {:>8.0}  {:>8.1} {:>8.1} {:>8.1}",
            cell.title,
            format!("({least:.2}-{most:.2})"),
            median(|round| round.rate),
            median(|round| round.p50),
            median(|round| round.p99),
            median(|round| round.program),
            median(|round| round.database),
            cell.peak as f64 / 1024.0,
        );
    }
}

pub fn json(workload: &str, clients: u32, cells: &[Cell]) -> Value {
    let one = |cell: &Cell| {
        let of = |of: fn(&Round) -> f64| {
            let (median, least, most) = spread(cell.rounds.iter().map(of));
            json!({"median": median, "min": least, "max": most})
        };
        let (ratio, least, most) = spread(ratios(cell, &cells[0], |round| round.rate));
        match &cell.failure {
            Some(failure) => json!({"program": cell.name, "skipped": failure}),
            None => json!({
                "program": cell.name, "rounds": cell.rounds.len(),
                "ratio": {"median": ratio, "min": least, "max": most},
                "requests_per_second": of(|round| round.rate),
                "p50_us": of(|round| round.p50), "p99_us": of(|round| round.p99),
                "program_cpu_us": of(|round| round.program), "database_cpu_us": of(|round| round.database),
                "peak_kib": cell.peak,
            }),
        }
    };
    json!({"workload": workload, "clients": clients, "programs": cells.iter().map(one).collect::<Vec<_>>()})
}
