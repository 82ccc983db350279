//! The table: what was claimed, what was measured, what there was before.

use std::cell::RefCell;
use std::path::Path;

use crate::samples::Samples;

/// What a figure must be.
#[derive(Clone, Copy, Debug)]
pub enum Target {
    /// Not less than this would be a miss.
    Below(f64),
    /// Not more than this would be a miss.
    Above(f64),
    /// This and nothing else.
    Exactly(f64),
}

impl Target {
    /// Whether a figure is what it must be.
    pub fn is_met(self, ours: f64) -> bool {
        match self {
            Target::Below(limit) => ours < limit,
            Target::Above(limit) => ours > limit,
            Target::Exactly(wanted) => ours == wanted,
        }
    }

    /// `< 4`.
    pub fn words(self) -> String {
        match self {
            Target::Below(limit) => format!("< {}", digits(limit)),
            Target::Above(limit) => format!("> {}", digits(limit)),
            Target::Exactly(wanted) => digits(wanted),
        }
    }
}

/// The rows of one bench. Those with a target or a prototype are written into
/// README's table, in place of the bench's rows there, when the bench ends and
/// `UPDATE_DOCS=1` is set.
pub struct Table {
    bench: &'static str,
    for_readme: RefCell<String>,
}

/// A line of the table. What is `None` does not apply.
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    /// What was measured, and under which circumstances.
    pub what: &'a str,
    /// How it is counted: `ms`, `x`, `msg/s`.
    pub unit: &'a str,
    /// How many measurements the median is of.
    pub count: usize,
    /// The median, or the only figure.
    pub ours: f64,
    /// What 99 in 100 do not exceed.
    pub p99: Option<f64>,
    /// What the prototype had, in the same unit.
    pub prototype: Option<f64>,
    /// What it must be.
    pub target: Option<Target>,
}

impl<'a> Row<'a> {
    /// A row of one figure, without anything to compare it with.
    pub fn one(what: &'a str, unit: &'a str, ours: f64) -> Row<'a> {
        Row { what, unit, count: 1, ours, p99: None, prototype: None, target: None }
    }

    /// A row of the median.
    pub fn median(what: &'a str, unit: &'a str, samples: &Samples) -> Row<'a> {
        Row { count: samples.count(), ..Row::one(what, unit, samples.median()) }
    }

    /// A row of median and 99th percentile.
    pub fn with_p99(what: &'a str, unit: &'a str, samples: &Samples) -> Row<'a> {
        Row { p99: Some(samples.quantile(0.99)), ..Row::median(what, unit, samples) }
    }

    /// Beside what the prototype had.
    pub fn prototype(self, figure: f64) -> Row<'a> {
        Row { prototype: Some(figure), ..self }
    }

    /// Against what it must be.
    pub fn target(self, target: Target) -> Row<'a> {
        Row { target: Some(target), ..self }
    }

    /// Whether it is what it must be, where it must be anything.
    pub fn is_met(&self) -> Option<bool> {
        self.target.map(|target| target.is_met(self.ours))
    }

    /// How many times better than the prototype.
    fn gain(&self) -> Option<f64> {
        let prototype = self.prototype.filter(|&figure| figure != 0.0)?;
        let is_more_better = matches!(self.target, Some(Target::Above(_)));
        Some(if is_more_better { self.ours / prototype } else { prototype / self.ours })
    }
}

impl Table {
    /// Begins the rows of a bench, with their header.
    pub fn begin(bench: &'static str) -> Table {
        line([bench, "measured", "samples", "median", "p99", "prototype", "better", "target", ""]);
        Table { bench, for_readme: RefCell::default() }
    }

    /// Prints one row.
    pub fn row(&self, row: &Row) {
        let figure = |value: f64| format!("{} {}", digits(value), row.unit);
        let maybe = |value: Option<f64>| value.map_or(String::new(), figure);
        let target = row.target.map_or(String::new(), Target::words);
        line([
            self.bench,
            row.what,
            &row.count.to_string(),
            &figure(row.ours),
            &maybe(row.p99),
            &maybe(row.prototype),
            &row.gain().map_or(String::new(), |gain| format!("x {}", digits(gain))),
            &target,
            row.is_met().map_or("", |is_met| if is_met { "met" } else { "MISSED" }),
        ]);
        if row.prototype.or(row.target.map(|_| 0.0)).is_some() {
            let missed = if row.is_met() == Some(false) { ", missed" } else { "" };
            let cells = [row.what, &figure(row.ours), &maybe(row.prototype), &target];
            let cells = cells.map(str::trim).join(" | ");
            *self.for_readme.borrow_mut() += &format!("| `{}` | {cells}{missed} |\n", self.bench);
        }
    }

    /// Prints what is to be known of the rows.
    pub fn note(&self, text: &str) {
        line([self.bench, text, "", "", "", "", "", "", ""]);
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let is_wanted = std::env::var_os("UPDATE_DOCS").is_some_and(|value| value == "1");
        if !is_wanted || crate::is_quick() || std::thread::panicking() {
            return;
        }
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
        let page = std::fs::read_to_string(&path).expect("README.md");
        let page = with_rows(&page, self.bench, &self.for_readme.borrow());
        std::fs::write(&path, page).expect("README.md can be written");
    }
}

/// The page with these rows in place of the bench's own. A bench that has none
/// there gets none.
fn with_rows(page: &str, bench: &str, rows: &str) -> String {
    let mark = format!("| `{bench}` |");
    let is_own = |line: &&str| line.starts_with(&mark);
    let Some(first) = page.lines().position(|line| is_own(&line)) else { return page.to_owned() };
    let others = page.lines().filter(|line| !is_own(line)).map(|line| format!("{line}\n"));
    let mut lines: Vec<String> = others.collect();
    lines.insert(first, rows.to_owned());
    lines.concat()
}

#[expect(clippy::print_stdout, reason = "this is what a bench is for")]
fn line([bench, what, count, ours, p99, prototype, gain, target, verdict]: [&str; 9]) {
    let text = format!(
        "{bench:<21} {what:<66} {count:>8} {ours:>15} {p99:>13} {prototype:>13} {gain:>9} \
         {target:>9} {verdict}"
    );
    println!("{}", text.trim_end());
}

/// Three digits, and more only before the point.
pub fn digits(value: f64) -> String {
    let size = value.abs();
    let places = match size {
        0.0 => 0,
        _ => (2 - size.log10().floor() as i32).clamp(0, 5),
    };
    let text = format!("{value:.*}", places as usize);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bench_replaces_its_own_rows_and_no_others() {
        let page = "a\n| `one` | x |\n| `two` | y |\n| `one` | z |\nb\n";
        let new = with_rows(page, "one", "| `one` | new |\n");
        assert_eq!(new, "a\n| `one` | new |\n| `two` | y |\nb\n");
        assert_eq!(with_rows(page, "three", "| `three` | new |\n"), page);
    }
}
