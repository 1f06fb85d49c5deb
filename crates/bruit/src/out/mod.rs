//! What goes to the terminal.

mod clean;
mod color;
mod human;
mod json;
mod table;

pub(crate) use clean::clean;
pub(crate) use human::{bytes, duration, millis, time_of_day};
pub(crate) use table::{Cell, Table};

use crate::args::{Format, Output};
use crate::exit::Failure;
use serde::Serialize;
use std::io::{self, IsTerminal as _, Write as _};

/// Standard output, as the caller wants it.
#[derive(Debug)]
pub(crate) struct Out {
    format: Format,
    is_colored: bool,
    /// Columns of the terminal; `None` where there is none, and nothing is cut.
    width: Option<usize>,
}

impl Out {
    /// Looks at the flags, the environment and the terminal.
    pub(crate) fn new(output: &Output) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let width = is_terminal.then(terminal_size::terminal_size).flatten();
        Self {
            format: output.format(),
            is_colored: color::is_wanted(
                output.color,
                |name| std::env::var(name).ok(),
                is_terminal,
            ),
            width: width.map(|(width, _)| usize::from(width.0)),
        }
    }

    /// Whether JSON is wanted.
    pub(crate) fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// Writes one line; foreign text in it is made harmless.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        writeln!(io::stdout(), "{}", clean(text))?;
        Ok(())
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        writeln!(io::stdout(), "{}", json::text(value))?;
        Ok(())
    }

    /// Writes a table.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        for line in table.lines(self.width, self.is_colored) {
            writeln!(stdout, "{line}")?;
        }
        Ok(())
    }
}

/// Writes a line to standard error, if anybody reads it.
pub(crate) fn tell(text: &str) {
    drop(writeln!(io::stderr(), "{text}"));
}
