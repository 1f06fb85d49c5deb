//! What the demo says, on standard output.

use crate::exit::Failure;
use crate::out::clean;
use std::io::{self, Write as _};
use std::time::Duration;

/// How many steps there are.
const STEPS: usize = 5;

/// Tells the story, step by step.
#[derive(Debug)]
pub(super) struct Narrator {
    pause: Duration,
}

impl Narrator {
    /// One that waits for `pause` between steps.
    pub(super) const fn new(pause: Duration) -> Self {
        Self { pause }
    }

    /// Says a line.
    pub(super) fn say(&self, text: &str) -> Result<(), Failure> {
        writeln!(io::stdout(), "{}", clean(text))?;
        Ok(())
    }

    /// Begins a step.
    pub(super) async fn step(&self, number: usize, text: &str) -> Result<(), Failure> {
        if number > 1 {
            tokio::time::sleep(self.pause).await;
        }
        self.say("")?;
        self.say(&format!("[{number}/{STEPS}] {text}"))
    }

    /// Says something that belongs to the step.
    pub(super) fn detail(&self, text: &str) -> Result<(), Failure> {
        text.lines().try_for_each(|line| self.say(&format!("      {line}")))
    }

    /// Says which command does the same.
    pub(super) fn command(&self, text: &str) -> Result<(), Failure> {
        self.detail(&format!("$ {text}"))
    }
}
