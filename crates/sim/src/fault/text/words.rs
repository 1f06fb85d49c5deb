//! Words, numbers, times and hosts.

use super::TIME_MAX;
use crate::HostId;
use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

/// The most hosts that one list may name. Guess: ten times the largest group.
const HOSTS_MAX: usize = 100_000;

/// A time in seconds, exact: `1.5s`.
pub(crate) fn seconds(time: Duration) -> String {
    let text = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    format!("{}s", text.trim_end_matches('0').trim_end_matches('.'))
}

/// Reads [`seconds`].
pub(crate) fn seconds_from(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a time; write seconds, such as 1.5s");
    let number = text.strip_suffix('s').ok_or_else(wrong)?;
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 9 {
        return Err(wrong());
    }
    let seconds = whole.parse().map_err(|_| wrong())?;
    let nanos = format!("{fraction:0<9}").parse().map_err(|_| wrong())?;
    let time = Duration::new(seconds, nanos);
    if time > TIME_MAX { Err(format!("{text} is beyond 10 years")) } else { Ok(time) }
}

/// `h0-h4,h7`: hosts, ascending runs drawn together.
pub(super) fn hosts(hosts: &[HostId]) -> String {
    let mut text = String::new();
    let mut rest = hosts;
    while let Some(first) = rest.first() {
        let run = rest.windows(2).take_while(|two| two[0].0.checked_add(1) == Some(two[1].0));
        let len = 1 + run.count();
        let comma = if text.is_empty() { "" } else { "," };
        let _ = write!(text, "{comma}{first}");
        if len > 1 {
            let _ = write!(text, "-{}", rest[len - 1]);
        }
        rest = &rest[len..];
    }
    text
}

fn host(text: &str) -> Result<HostId, String> {
    let number = text.strip_prefix('h').and_then(|number| number.parse().ok());
    number.map(HostId).ok_or_else(|| format!("{text:?} is not a host; write h0, h1, …"))
}

/// The words of a line, from left to right.
pub(super) struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self { rest: line.trim() }
    }

    pub(super) fn next(&mut self, what: &str) -> Result<&'a str, String> {
        if self.rest.is_empty() {
            return Err(format!("{what} is missing"));
        }
        let (word, rest) = self.rest.split_once(char::is_whitespace).unwrap_or((self.rest, ""));
        self.rest = rest.trim_start();
        Ok(word)
    }

    pub(super) fn rest(&mut self) -> Result<&'a str, String> {
        if self.rest.is_empty() { Err("the line ends too early".to_owned()) } else { self.all() }
    }

    fn all(&mut self) -> Result<&'a str, String> {
        Ok(std::mem::take(&mut self.rest))
    }

    pub(super) fn end(&self) -> Result<(), String> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("{:?} is too much", self.rest)) }
    }

    pub(super) fn seconds(&mut self, what: &str) -> Result<Duration, String> {
        seconds_from(self.next(what)?)
    }

    pub(super) fn number<N: FromStr>(&mut self, what: &str) -> Result<N, String> {
        let word = self.next(what)?;
        word.parse().map_err(|_| format!("{word:?} is not {what}"))
    }

    pub(super) fn host(&mut self) -> Result<HostId, String> {
        host(self.next("a host")?)
    }

    pub(super) fn hosts(&mut self) -> Result<Vec<HostId>, String> {
        let mut all = Vec::new();
        for part in self.next("hosts")?.split(',') {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last) = (host(first)?.0, host(last)?.0);
            let count = usize::try_from(last.saturating_sub(first)).unwrap_or(usize::MAX);
            if last < first || count >= HOSTS_MAX - all.len().min(HOSTS_MAX) {
                return Err(format!("{part:?} is no run of at most {HOSTS_MAX} hosts"));
            }
            all.extend((first..=last).map(HostId));
        }
        Ok(all)
    }

    pub(super) fn choice<T: Copy>(&mut self, choices: &[(&str, T)]) -> Result<T, String> {
        let names: Vec<_> = choices.iter().map(|(name, _)| *name).collect();
        let names = names.join(" or ");
        let word = self.next(&names)?;
        let found = choices.iter().find(|(name, _)| *name == word);
        found.map(|(_, value)| *value).ok_or_else(|| format!("{word:?} is not {names}"))
    }
}
