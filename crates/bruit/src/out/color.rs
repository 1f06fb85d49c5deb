//! Whether to use colour. It only repeats what a word says already.

use crate::args::ColorChoice;
use std::io::{self, IsTerminal as _};
use std::sync::OnceLock;

/// What `--color` says, for the whole process.
static CHOICE: OnceLock<ColorChoice> = OnceLock::new();

/// Takes what `--color` says. Called once, at the start.
pub(crate) fn choose(choice: ColorChoice) {
    let is_first = CHOICE.set(choice).is_ok();
    debug_assert!(is_first, "the choice is made once");
}

/// Whether to use colour on a stream of this process.
pub(super) fn is_wanted_on(is_terminal: bool) -> bool {
    let choice = CHOICE.get().copied().unwrap_or_default();
    is_wanted(choice, |name| std::env::var(name).ok(), is_terminal)
}

/// Whether to use colour on standard error.
pub(crate) fn is_wanted_on_stderr() -> bool {
    is_wanted_on(io::stderr().is_terminal())
}

/// The flag decides; else `NO_COLOR` (<https://no-color.org>), then `CLICOLOR_FORCE` and
/// `FORCE_COLOR`, then the terminal.
fn is_wanted(choice: ColorChoice, env: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    let is_set = |name| env(name).is_some_and(|value| !value.is_empty());
    let is_forced = |name| env(name).is_some_and(|value| !value.is_empty() && value != "0");
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if is_set("NO_COLOR") => false,
        ColorChoice::Auto if is_forced("CLICOLOR_FORCE") || is_forced("FORCE_COLOR") => true,
        ColorChoice::Auto => is_terminal && env("TERM").is_none_or(|term| term != "dumb"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flag_then_no_color_then_force_then_terminal() {
        let wanted = |choice, given: &[(&str, &str)], is_terminal| {
            let find = |name: &str| given.iter().find(|(key, _)| *key == name);
            is_wanted(choice, |name| find(name).map(|(_, value)| value.to_string()), is_terminal)
        };
        let auto = ColorChoice::Auto;
        assert!(wanted(auto, &[], true));
        assert!(!wanted(auto, &[], false));
        assert!(!wanted(auto, &[("NO_COLOR", "1")], true));
        assert!(wanted(auto, &[("NO_COLOR", "")], true));
        assert!(!wanted(auto, &[("NO_COLOR", "1"), ("FORCE_COLOR", "1")], false));
        assert!(wanted(auto, &[("CLICOLOR_FORCE", "1")], false));
        assert!(!wanted(auto, &[("CLICOLOR_FORCE", "0")], false));
        assert!(!wanted(auto, &[("TERM", "dumb")], true));
        assert!(wanted(ColorChoice::Always, &[("NO_COLOR", "1")], false));
        assert!(!wanted(ColorChoice::Never, &[("FORCE_COLOR", "1")], true));
    }
}
