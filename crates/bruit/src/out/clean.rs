//! Text of others, made harmless before a terminal sees it.
//!
//! A name or header that another agent chose could move the cursor, rewrite the screen or turn
//! the direction of what follows ("Trojan Source", CVE-2021-42574). What could is replaced.

use std::borrow::Cow;

/// Whether a terminal would act on `letter` instead of showing it, or show nothing.
pub(crate) fn is_harmful(letter: char) -> bool {
    letter.is_control()
        || matches!(letter,
            '\u{61c}'                       // Arabic letter mark
            | '\u{200b}'..='\u{200f}'       // zero width; left-to-right and right-to-left marks
            | '\u{2028}'..='\u{202e}'       // separators; embeddings and overrides
            | '\u{2060}'..='\u{206f}'       // invisible operators; isolates
            | '\u{fe00}'..='\u{fe0f}'       // variation selectors
            | '\u{feff}'                    // byte order mark
            | '\u{fff9}'..='\u{fffb}'       // annotations
            | '\u{e0000}'..='\u{e0fff}') // tags
}

/// `text` with each harmful letter replaced by U+FFFD.
pub(crate) fn clean(text: &str) -> Cow<'_, str> {
    if !text.contains(is_harmful) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.replace(is_harmful, "\u{fffd}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_acts_on_is_replaced() {
        for (text, expected) in [
            ("web-1", "web-1"),
            ("añ字🎉", "añ字🎉"),
            ("\x1b[2Jx", "\u{fffd}[2Jx"),
            ("a\nb\r\tc", "a\u{fffd}b\u{fffd}\u{fffd}c"),
            ("\u{9b}31m\x7f", "\u{fffd}31m\u{fffd}"),
            ("\u{202e}gnp\u{2066}\u{200b}", "\u{fffd}gnp\u{fffd}\u{fffd}"),
        ] {
            assert_eq!(clean(text), expected);
        }
    }
}
