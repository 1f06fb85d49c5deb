//! Tables without borders: columns as wide as their widest cell.

use super::clean;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

const GAP: &str = "   ";

/// How a cell is coloured, where colour is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Tone {
    /// Not at all.
    #[default]
    Plain,
    /// As it should be.
    Good,
    /// Worth a look.
    Doubtful,
    /// Not as it should be.
    Bad,
}

impl Tone {
    /// The tone of a member's state.
    pub(crate) fn of_state(state: &str) -> Self {
        match state {
            "alive" | "active" | "delivered" | "yes" => Self::Good,
            "suspect" | "paused" | "missing" | "queued" | "in_flight" => Self::Doubtful,
            "failed" => Self::Bad,
            _ => Self::Plain,
        }
    }

    const fn code(self) -> Option<&'static str> {
        match self {
            Self::Plain => None,
            Self::Good => Some("\x1b[32m"),
            Self::Doubtful => Some("\x1b[33m"),
            Self::Bad => Some("\x1b[31m"),
        }
    }
}

/// One cell. Its text is harmless.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cell {
    text: String,
    tone: Tone,
}

impl Cell {
    /// One that stays empty.
    pub(crate) fn blank() -> Self {
        Self::from(" ")
    }

    /// A state's word in its colour.
    pub(crate) fn state(word: &str) -> Self {
        Self { tone: Tone::of_state(word), ..Self::from(word) }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self { text: clean(text).into_owned(), tone: Tone::Plain }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::from(text.as_str())
    }
}

/// Head and rows. An empty cell is shown as `-`, but in the last column.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// A table with its head.
    pub(crate) fn new(head: &[&str]) -> Self {
        Self { rows: vec![head.iter().map(|text| Cell::from(*text)).collect()] }
    }

    /// Adds a row of as many cells as the head has.
    pub(crate) fn row(&mut self, cells: impl Into<Vec<Cell>>) {
        let mut cells = cells.into();
        debug_assert_eq!(cells.len(), self.rows[0].len(), "a row fits the head");
        let last = cells.len().saturating_sub(1);
        for cell in cells.iter_mut().take(last).filter(|cell| cell.text.is_empty()) {
            cell.text.push('-');
        }
        self.rows.push(cells);
    }

    /// The lines. With a `width`, what does not fit is cut at the end, and `…` says so.
    pub(crate) fn lines(&self, width: Option<usize>, is_colored: bool) -> Vec<String> {
        let columns = self.rows[0].len();
        let widest = |column: usize| {
            self.rows.iter().map(|row| row[column].text.width()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(widest).collect();
        self.rows.iter().map(|row| line(row, &widths, width, is_colored)).collect()
    }
}

fn line(row: &[Cell], widths: &[usize], width: Option<usize>, is_colored: bool) -> String {
    let (mut full, mut at) = (0, 0);
    for (cell, column) in row.iter().zip(widths) {
        full = if cell.text.is_empty() { full } else { at + cell.text.width() };
        at += column + GAP.len();
    }
    let cut_at = width.filter(|width| full > *width);
    let mut line = String::new();
    // One column is for the sign that something is missing.
    let mut left = cut_at.map_or(usize::MAX, |width| width.saturating_sub(1));
    let mut blank = 0;
    for (cell, &column) in row.iter().zip(widths) {
        if cell.text.is_empty() {
            blank += column + GAP.len();
            continue;
        }
        if blank >= left {
            break;
        }
        line.extend(std::iter::repeat_n(' ', blank));
        left -= blank;
        let text = beginning(&cell.text, left);
        let used = text.width();
        match cell.tone.code().filter(|_| is_colored) {
            Some(code) => line.extend([code, text, "\x1b[0m"]),
            None => line += text,
        }
        left -= used;
        blank = column - used.min(column) + GAP.len();
    }
    line.truncate(line.trim_end().len());
    if cut_at.is_some_and(|width| width > 0) {
        line.push('…');
    }
    line
}

/// As much of `text` as fits `width` columns.
fn beginning(text: &str, width: usize) -> &str {
    let mut used = 0;
    let end = text.char_indices().find(|(_, letter)| {
        used += letter.width().unwrap_or_default();
        used > width
    });
    end.map_or(text, |(at, _)| &text[..at])
}

/// At most `width` columns of `text`; `…` says that something is missing.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = beginning(text, width.saturating_sub(1)).to_owned();
    if width > 0 {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(&["NODE", "STATE", "WHY"]);
        table.row(["字-1".into(), Cell::state("alive"), "".into()]);
        table.row(["b\x1b".into(), "".into(), "no answer".into()]);
        table
    }

    #[test]
    fn columns_are_aligned_and_nothing_trails() {
        let lines = table().lines(None, false);
        assert_eq!(
            lines,
            ["NODE   STATE   WHY", "字-1   alive", "b\u{fffd}     -       no answer"]
        );
    }

    #[test]
    fn colour_does_not_move_columns() {
        let mut table = table();
        table.rows[1][2] = "x".into();
        assert_eq!(table.lines(None, true)[1], "字-1   \x1b[32malive\x1b[0m   x");
    }

    #[test]
    fn a_narrow_terminal_cuts_the_end() {
        assert_eq!(table().lines(Some(18), false)[2], "b\u{fffd}     -       no…");
        for width in 0..30 {
            let whole = table().lines(None, false);
            for (line, whole) in table().lines(Some(width), false).iter().zip(whole) {
                assert!(line.width() <= width, "{width}: {line:?}");
                let is_cut = whole.width() > width && width > 0;
                assert_eq!(line.ends_with('…'), is_cut, "{width}: {line:?}");
            }
        }
        assert_eq!(cut("añ字b", 4), "añ…");
        assert_eq!(cut("añ字b", 5), "añ字b");
    }
}
