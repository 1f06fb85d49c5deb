//! The end of what a program prints.

/// Keeps the last bytes of a text without end.
#[derive(Debug, Default)]
pub(super) struct Tail {
    /// At most twice what is kept, so that bytes are moved seldom.
    bytes: Vec<u8>,
}

impl Tail {
    /// How many bytes are kept.
    pub(super) const BYTES_MAX: usize = 4 * 1024;

    /// Takes what follows.
    pub(super) fn push(&mut self, more: &[u8]) {
        let more = &more[more.len().saturating_sub(Self::BYTES_MAX)..];
        if self.bytes.len() + more.len() > 2 * Self::BYTES_MAX {
            self.cut(Self::BYTES_MAX - more.len());
        }
        self.bytes.extend_from_slice(more);
    }

    /// What is kept, as text: without the rest of a letter at its beginning, and with a
    /// replacement for what else is not UTF-8.
    pub(super) fn text(mut self) -> String {
        let is_cut = self.bytes.len() > Self::BYTES_MAX;
        self.cut(Self::BYTES_MAX);
        let rest = self.bytes.iter().take(3).take_while(|byte| **byte & 0xc0 == 0x80).count();
        String::from_utf8_lossy(&self.bytes[if is_cut { rest } else { 0 }..]).into_owned()
    }

    fn cut(&mut self, kept: usize) {
        self.bytes.drain(..self.bytes.len().saturating_sub(kept));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// However the bytes come.
    #[test]
    fn the_end_is_kept() {
        let all: Vec<u8> = (0..50_000_u32).map(|n| b'a' + u8::try_from(n % 26).unwrap()).collect();
        for step in [1, 7, 4095, 4096, 4097, 8192, 50_000] {
            let mut tail = Tail::default();
            for chunk in all.chunks(step) {
                tail.push(chunk);
                assert!(tail.bytes.len() <= 2 * Tail::BYTES_MAX);
            }
            assert_eq!(tail.text().as_bytes(), &all[50_000 - 4096..], "{step}");
        }
    }

    #[test]
    fn what_is_no_text_is_replaced() {
        let mut tail = Tail::default();
        tail.push(b"\x80a\xffb");
        assert_eq!(tail.text(), "\u{fffd}a\u{fffd}b");
        let mut tail = Tail::default();
        tail.push("x€".as_bytes());
        tail.push(&[b'y'; Tail::BYTES_MAX - 2]);
        assert_eq!(tail.text(), "y".repeat(Tail::BYTES_MAX - 2));
    }
}
