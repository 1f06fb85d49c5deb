//! Tables of text: the first column to the left, numbers to the right.

use std::fmt::Write as _;

/// A table with a title.
#[derive(Debug)]
pub(crate) struct Table {
    title: &'static str,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// Without rows.
    pub(crate) fn new(title: &'static str, head: &[&str]) -> Self {
        Self { title, rows: vec![head.iter().map(|cell| (*cell).to_owned()).collect()] }
    }

    /// Adds a row.
    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// As text, with an empty line before it; nothing if there are no rows.
    pub(crate) fn render(&self) -> String {
        if self.rows.len() < 2 {
            return String::new();
        }
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = format!("\n{}\n", self.title);
        for row in &self.rows {
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                if column == 0 {
                    write!(line, "  {cell:<width$}")
                } else {
                    write!(line, "  {cell:>width$}")
                }
                .expect("writing to a String cannot fail");
            }
            text += line.trim_end();
            text.push('\n');
        }
        text
    }
}

/// A number with so many digits after the point.
pub(crate) fn number(value: f64, digits: usize) -> String {
    format!("{value:.digits$}")
}

/// A number, or a dash.
pub(crate) fn or_none(value: Option<f64>, digits: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| number(value, digits))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned() {
        let mut table = Table::new("Title", &["", "ms"]);
        table.row(vec!["serf".to_owned(), number(480.25, 1)]);
        table.row(vec!["b".to_owned(), or_none(None, 1)]);
        assert_eq!(table.render(), "\nTitle\n           ms\n  serf  480.2\n  b         -\n");
        assert_eq!(Table::new("Title", &["", "ms"]).render(), "");
    }
}
