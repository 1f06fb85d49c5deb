//! What runs came to, as one page or one picture that needs nothing else: no script, no font, no
//! other file. Readable in light and dark, as the reader's system has it.

mod coverage;
mod frame;
mod histogram;
mod page;
mod scale;
#[cfg(test)]
mod tests;
mod theory;

pub use page::{html, svg};
pub use theory::{Theory, theory};

use crate::measure::Outcome;
use crate::scenario::Scale;

/// What a report is made of.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The headline.
    pub title: &'a str,
    /// The command that makes it again.
    pub command: &'a str,
    /// The runs, one for each seed.
    pub outcomes: &'a [Outcome],
    /// What theory says of the same settings, where it says something.
    pub theory: Option<&'a Theory>,
}

impl Report<'_> {
    /// Whether it is about runs at engine scale.
    fn is_of_engines(&self) -> bool {
        self.outcomes.iter().any(|outcome| outcome.scale == Scale::Engine)
    }

    /// The seeds, as a range.
    fn seeds(&self) -> String {
        match self.outcomes {
            [] => "no seed".to_owned(),
            [one] => format!("seed {}", one.seed),
            [first, .., last] => format!("seeds {} to {}", first.seed, last.seed),
        }
    }
}
