//! What goes to the terminal.

mod clean;
mod color;
mod human;
mod json;
mod object;
mod table;

pub(crate) use clean::{clean, is_harmful};
pub(crate) use color::{choose as choose_color, is_wanted_on_stderr as is_stderr_colored};
pub(crate) use human::{bytes, duration, millis, signed_millis, time_of_day};
pub(crate) use json::text as json_text;
pub(crate) use object::object;
pub(crate) use table::{Cell, Table, cut};

use crate::args::{Format, Output};
use crate::exit::Failure;
use serde::Serialize;
use serde_json::Value;
use std::cell::RefCell;
use std::io::{self, IsTerminal as _, Write as _};

/// Standard output, as the caller wants it.
#[derive(Debug)]
pub(crate) struct Out {
    format: Format,
    is_terminal: bool,
    is_colored: bool,
    /// What is collected of a frame, to be written at once.
    frame: RefCell<Option<Vec<String>>>,
}

impl Out {
    /// Looks at the flags, the environment and the terminal.
    pub(crate) fn new(output: &Output) -> Self {
        let is_terminal = io::stdout().is_terminal();
        let is_colored = color::is_wanted_on(is_terminal);
        Self { format: output.format(), is_terminal, is_colored, frame: RefCell::new(None) }
    }

    /// Whether JSON is wanted, in either form.
    pub(crate) fn is_json(&self) -> bool {
        self.format != Format::Table
    }

    /// The format.
    pub(crate) const fn format(&self) -> Format {
        self.format
    }

    /// Whether it is a terminal.
    pub(crate) const fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// Columns of the terminal; `None` where there is none, and nothing is cut.
    fn width(&self) -> Option<usize> {
        size(self.is_terminal).map(|(width, _)| width)
    }

    /// Writes one line; foreign text in it is made harmless.
    pub(crate) fn line(&self, text: &str) -> Result<(), Failure> {
        self.put(&clean(text))
    }

    /// Writes a value as one line of JSON.
    pub(crate) fn json(&self, value: &impl Serialize) -> Result<(), Failure> {
        self.put(&json::text(value))
    }

    /// Writes a value as JSON; with `jsonl`, each element of a list on a line of its own.
    pub(crate) fn value(&self, value: &Value) -> Result<(), Failure> {
        match (self.format, value) {
            (Format::Jsonl, Value::Array(rows)) => rows.iter().try_for_each(|row| self.json(row)),
            _ => self.json(value),
        }
    }

    /// As [`Out::value`]; the rows are the list in the value's field `rows`.
    pub(crate) fn value_with(&self, value: &Value, rows: &str) -> Result<(), Failure> {
        let list = value.get(rows).filter(|_| self.format == Format::Jsonl);
        self.value(list.unwrap_or(value))
    }

    /// Writes a table.
    pub(crate) fn table(&self, table: &Table) -> Result<(), Failure> {
        table.lines(self.width(), self.is_colored).iter().try_for_each(|line| self.put(line))
    }

    /// Says something about the output: on standard error, or below it in a frame.
    pub(crate) fn note(&self, text: &str) -> Result<(), Failure> {
        if self.frame.borrow().is_some() && self.is_terminal {
            return self.line(text);
        }
        tell(text);
        Ok(())
    }

    fn put(&self, line: &str) -> Result<(), Failure> {
        if let Some(lines) = self.frame.borrow_mut().as_mut() {
            lines.push(line.to_owned());
            return Ok(());
        }
        writeln!(io::stdout(), "{line}")?;
        Ok(())
    }

    /// Collects what is written until [`Out::take_frame`].
    pub(crate) fn begin_frame(&self) {
        self.frame.replace(Some(Vec::new()));
    }

    /// What has been collected.
    pub(crate) fn take_frame(&self) -> Vec<String> {
        self.frame.take().unwrap_or_default()
    }
}

/// Columns and rows of the terminal; `COLUMNS` and `LINES` override what it says of itself.
pub(crate) fn size(is_terminal: bool) -> Option<(usize, usize)> {
    if !is_terminal {
        return None;
    }
    let (width, height) = terminal_size::terminal_size().map_or((None, None), |(width, height)| {
        (Some(usize::from(width.0)), Some(usize::from(height.0)))
    });
    let given = |name| std::env::var(name).ok().and_then(|text| text.parse::<usize>().ok());
    let width = given("COLUMNS").or(width).filter(|width| *width > 0)?;
    Some((width, given("LINES").or(height).filter(|height| *height > 0).unwrap_or(24)))
}

/// Writes one line to standard error, if anybody reads it; foreign text in it is made harmless.
pub(crate) fn tell(text: &str) {
    drop(writeln!(io::stderr(), "{}", clean(text)));
}
