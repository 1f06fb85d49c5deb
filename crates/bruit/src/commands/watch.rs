//! `--watch`: looks again and again. On a terminal each look replaces the one before; in a pipe
//! they follow each other, tables and lists of lines with an empty line between them.

use crate::args::{Format, ReadArgs};
use crate::client::Client;
use crate::exit::{Exit, Failure};
use crate::out::{self, Out, cut};
use std::io::{self, Write as _};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Runs `show` once, or again and again if the flags say so.
pub(crate) async fn read(
    args: &ReadArgs,
    mut show: impl AsyncFnMut(&mut Client, &Out) -> Result<Exit, Failure>,
) -> Result<Exit, Failure> {
    let out = Out::new(&args.ask.output);
    let mut client = Client::of(&args.ask.connection)?;
    let Some(period) = args.watch.filter(|_| !client.is_curl()) else {
        return show(&mut client, &out).await;
    };
    let mut screen = Screen { period, is_first: true, last: Vec::new(), is_in_trouble: false };
    loop {
        out.begin_frame();
        let end = show(&mut client, &out).await;
        let frame = out.take_frame();
        match end {
            Ok(_) => screen.show(&out, frame)?,
            Err(failure) if screen.is_first || !is_passing(failure.exit) => return Err(failure),
            Err(failure) => screen.trouble(&out, &failure)?,
        }
        tokio::time::sleep(period).await;
    }
}

/// Whether a later look may succeed.
const fn is_passing(exit: Exit) -> bool {
    matches!(exit, Exit::Unreachable | Exit::Incomplete)
}

struct Screen {
    period: Duration,
    is_first: bool,
    last: Vec<String>,
    is_in_trouble: bool,
}

impl Screen {
    fn show(&mut self, out: &Out, frame: Vec<String>) -> Result<(), Failure> {
        self.is_in_trouble = false;
        if out.is_terminal() {
            self.last = frame;
            self.paint(None)?;
        } else {
            let mut stdout = io::stdout().lock();
            if !self.is_first && out.format() != Format::Json {
                writeln!(stdout)?;
            }
            frame.iter().try_for_each(|line| writeln!(stdout, "{line}"))?;
            stdout.flush()?;
        }
        self.is_first = false;
        Ok(())
    }

    /// Says that there is nothing new, and why.
    fn trouble(&mut self, out: &Out, failure: &Failure) -> Result<(), Failure> {
        let text = format!("error: {}; trying again", failure.line());
        if out.is_terminal() {
            return self.paint(Some(&text));
        }
        if !std::mem::replace(&mut self.is_in_trouble, true) {
            out::tell(&text);
        }
        Ok(())
    }

    fn paint(&self, trouble: Option<&str>) -> Result<(), Failure> {
        let (width, height) = out::size(true).unwrap_or((80, 24));
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = out::time_of_day(u64::try_from(since.as_millis()).unwrap_or_default());
        let period = self.period;
        let head = format!("every {period:?}; {} UTC; Ctrl-C ends it", &now[..8]);
        let lines = fit(&head, &self.last, trouble, (width, height));
        // Clearing line by line does not flicker.
        let begin = if self.is_first { "\x1b[2J\x1b[H" } else { "\x1b[H" };
        let mut text = begin.to_owned();
        for line in lines {
            text += &line;
            text += "\x1b[K\n";
        }
        text += "\x1b[J";
        let mut stdout = io::stdout().lock();
        stdout.write_all(text.as_bytes())?;
        stdout.flush()?;
        Ok(())
    }
}

/// What of a frame fits a terminal of these columns and rows; the last row stays free.
fn fit(
    head: &str,
    frame: &[String],
    trouble: Option<&str>,
    (width, height): (usize, usize),
) -> Vec<String> {
    let mut lines = vec![cut(head, width)];
    lines.extend(trouble.map(|text| cut(&out::clean(text), width)));
    let room = height.saturating_sub(lines.len() + 1);
    let shown = if frame.len() <= room { frame.len() } else { room.saturating_sub(1) };
    for line in &frame[..shown] {
        // A line with colours comes from a table, which has cut it.
        let line = if line.contains('\x1b') { line.clone() } else { cut(line, width) };
        lines.push(line);
    }
    if shown < frame.len() {
        lines.push(cut(&format!("… {} more lines", frame.len() - shown), width));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_never_scrolls_the_terminal() {
        let frame: Vec<String> = (0..10).map(|number| format!("line {number}")).collect();
        let all = fit("head", &frame, None, (80, 12));
        assert_eq!((all.len(), all[10].as_str()), (11, "line 9"));
        let some = fit("head", &frame, Some("error: \x1b[2J"), (6, 6));
        assert_eq!(some, ["head", "error…", "line 0", "line 1", "… 8 m…"]);
        assert_eq!(fit("head", &frame, None, (80, 0)).len(), 2);
    }
}
