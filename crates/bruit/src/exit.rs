//! How a command ends.

use crate::out::clean;
use std::io;
use std::process::ExitCode;

/// The exit codes, for `--help`.
pub(crate) const HELP: &str = "\
Exit codes:
  0    it happened
  1    it failed
  2    the command line or the settings cannot be used
  3    no agent answers
  4    not all of it happened in time
  5    there is no such thing
  6    the agent refused: token, Host or Origin
  126  `bruit run`: the service cannot be run; 127: there is no such program
  130  interrupted before its end";

/// How a command ended, for scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// It happened.
    Ok = 0,
    /// It failed.
    Failed = 1,
    /// The command line or the settings cannot be used.
    Usage = 2,
    /// No agent answers.
    Unreachable = 3,
    /// Not all of it happened in time.
    Incomplete = 4,
    /// There is no such thing.
    NotFound = 5,
    /// The agent refused.
    Denied = 6,
    /// Interrupted before its end.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}

/// Why a command did not do what it was asked, and what to do about it.
#[derive(Debug)]
pub(crate) struct Failure {
    /// The exit code.
    pub(crate) exit: Exit,
    /// One line; `None` is said to nobody.
    message: Option<String>,
    details: Vec<String>,
}

impl Failure {
    /// A failure with its one line.
    pub(crate) fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: Some(message.into()), details: Vec::new() }
    }

    /// There is nothing more to do, and nothing to say.
    pub(crate) const fn done() -> Self {
        Self { exit: Exit::Ok, message: None, details: Vec::new() }
    }

    /// Whether it is no failure: all is done, or nobody reads on.
    pub(crate) fn is_done(&self) -> bool {
        self.exit == Exit::Ok
    }

    /// An answer that is not what the API promises.
    pub(crate) fn not_understood(error: &serde_json::Error) -> Self {
        Self::new(Exit::Failed, format!("the answer is not understood: {error}"))
            .hint("is this the API of an agent, and of this version? see `bruit version`")
    }

    /// The command line or the settings cannot be used.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// Takes an error of the form `cause; remedy`.
    pub(crate) fn from_error(exit: Exit, error: &dyn std::error::Error) -> Self {
        let text = error.to_string();
        let source = error.source().map(ToString::to_string);
        let source = source.filter(|source| !text.contains(source));
        let (cause, remedy) = match text.split_once("; ") {
            Some((cause, remedy)) => (cause.to_owned(), Some(remedy.to_owned())),
            None => (text, None),
        };
        let mut failure = Self::new(exit, cause);
        failure.details.extend(source);
        if let Some(remedy) = remedy { failure.hint(remedy) } else { failure }
    }

    /// Adds what to do about it.
    pub(crate) fn hint(mut self, hint: impl AsRef<str>) -> Self {
        self.details.push(format!("hint: {}", hint.as_ref()));
        self
    }

    /// Adds a line.
    pub(crate) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.details.push(detail.into());
        self
    }

    /// The one line, without what to do about it.
    pub(crate) fn line(&self) -> String {
        self.message.clone().unwrap_or_default()
    }

    /// The text for standard error.
    pub(crate) fn text(&self) -> Option<String> {
        let mut text = format!("error: {}", clean_lines(self.message.as_ref()?));
        for detail in &self.details {
            text += &format!("\n  {}", clean_lines(detail));
        }
        Some(text)
    }

    /// Says it on standard error.
    pub(crate) fn print(&self) {
        for line in self.text().iter().flat_map(|text| text.lines()) {
            crate::out::tell(line);
        }
    }
}

/// Makes each line harmless, and keeps the lines.
fn clean_lines(text: &str) -> String {
    text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n  ")
}

/// Standard output cannot be written. That its reader has gone is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::done();
        }
        Self::new(Exit::Failed, format!("cannot write the output: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_has_a_line_and_hints() {
        let failure = Failure::new(Exit::Failed, "no\x1b[2J").hint("try \u{202e}this");
        let expected = "error: no\u{fffd}[2J\n  hint: try \u{fffd}this";
        assert_eq!(failure.text().as_deref(), Some(expected));
    }

    #[test]
    fn a_remedy_is_told_apart_from_its_cause() {
        let error = io::Error::other("it is wet; dry it; or not");
        let failure = Failure::from_error(Exit::Usage, &error);
        assert_eq!(failure.text().as_deref(), Some("error: it is wet\n  hint: dry it; or not"));
    }

    #[test]
    fn a_reader_that_has_gone_is_no_failure() {
        let failure = Failure::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert_eq!((failure.exit, failure.text()), (Exit::Ok, None));
        let failure = Failure::from(io::Error::from(io::ErrorKind::StorageFull));
        assert_eq!(failure.exit, Exit::Failed);
    }

    #[test]
    fn the_help_lists_every_code() {
        let all = [
            Exit::Ok,
            Exit::Failed,
            Exit::Usage,
            Exit::Unreachable,
            Exit::Incomplete,
            Exit::NotFound,
            Exit::Denied,
            Exit::Interrupted,
        ];
        for exit in all {
            assert!(HELP.contains(&format!("\n  {:<5}", exit as u8)), "{exit:?}");
        }
    }
}
