//! What a suite tells while it runs, and what its checks came to.

use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints a line on standard output. A reader that has gone is no reason to stop.
pub(crate) fn say(line: &str) {
    let mut stdout = io::stdout().lock();
    drop(writeln!(stdout, "{line}").and_then(|()| stdout.flush()));
}

/// The narration of a suite and its tally.
#[derive(Debug)]
pub(crate) struct Report {
    say: fn(&str),
    steps: u32,
    passed: u32,
    failed: u32,
}

impl Report {
    /// Tells everything line by line to `say`.
    pub(crate) const fn new(say: fn(&str)) -> Self {
        Self { say, steps: 0, passed: 0, failed: 0 }
    }

    /// Begins the next step.
    pub(crate) fn step(&mut self, title: &str) {
        self.steps += 1;
        (self.say)(&format!("\n[{}] {title}", self.steps));
    }

    /// Tells something that is no check.
    pub(crate) fn tell(&self, text: &str) {
        for line in text.lines() {
            (self.say)(&format!("      {line}"));
        }
    }

    /// Tells what was observed, in columns.
    pub(crate) fn table(&self, rows: &[Vec<String>]) {
        self.tell(&columns(rows));
    }

    /// Counts a check: what is claimed, and whether it holds.
    pub(crate) fn check(&mut self, holds: bool, claim: &str) {
        if holds {
            self.passed += 1;
            (self.say)(&format!("  ok    {claim}"));
        } else {
            self.failed += 1;
            (self.say)(&format!("  FAIL  {claim}"));
        }
    }

    /// Whether some check has failed.
    pub(crate) const fn has_failures(&self) -> bool {
        self.failed > 0
    }

    /// Prints the closing line; true if nothing failed and something was checked.
    pub(crate) fn close(&self) -> bool {
        (self.say)(&format!("\n{} passed, {} failed", self.passed, self.failed));
        self.failed == 0 && self.passed > 0
    }
}

/// Rows with their columns under one another, two spaces apart.
fn columns(rows: &[Vec<String>]) -> String {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..count).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            write!(line, "{cell:<width$}  ").expect("writing to a String cannot fail");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_by_letters() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let text = columns(&[row(["a", "bcd", "e"]), row(["féé", "", ""]), row(["g", "h", "i"])]);
        assert_eq!(text, "a    bcd  e\nféé\ng    h    i\n");
    }

    #[test]
    fn nothing_checked_is_no_success() {
        let mut report = Report::new(|_| {});
        assert!(!report.close());
        report.check(true, "one is one");
        assert!(report.close());
        report.check(false, "one is two");
        assert!(!report.close());
        assert!(report.has_failures());
    }
}
