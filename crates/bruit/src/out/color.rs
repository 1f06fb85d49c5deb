//! Whether to use colour. It only repeats what a word says already.

use crate::args::ColorChoice;

/// The flag decides; else `NO_COLOR` (<https://no-color.org>), then `CLICOLOR_FORCE` and
/// `FORCE_COLOR`, then the terminal.
pub(crate) fn is_wanted(
    choice: ColorChoice,
    env: impl Fn(&str) -> Option<String>,
    is_terminal: bool,
) -> bool {
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
