//! What travels, in few bytes.

use bruit_engine::spread::rumor::message::Message;

/// Items named in one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// One.
    One(u32),
    /// Any number.
    Many(Box<[u32]>),
}

impl Keys {
    /// As a slice.
    pub fn as_slice(&self) -> &[u32] {
        match self {
            Self::One(key) => std::slice::from_ref(key),
            Self::Many(keys) => keys,
        }
    }

    fn from_vec(keys: Vec<u32>) -> Self {
        match keys.as_slice() {
            [key] => Self::One(*key),
            _ => Self::Many(keys.into_boxed_slice()),
        }
    }
}

/// A rumor message under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Letter {
    /// The item itself.
    Push {
        /// Which item.
        key: u32,
        /// As the engine's message says.
        rounds_left: u8,
        /// As the engine's message says.
        wants_feedback: bool,
        /// How many hops from the origin the receiver is.
        hop: u8,
        /// Whether the receiver had asked for it.
        asked: bool,
    },
    /// "I have these."
    Announce(Keys),
    /// "Send me these."
    Fetch(Keys),
    /// "What is new?"
    PullRequest,
    /// Whether a pushed item was known.
    Feedback {
        /// Which item.
        key: u32,
        /// True if the receiver had it before.
        known: bool,
    },
}

impl Letter {
    /// The engine's message; for a copy, `hop` and `asked` say the rest.
    pub(super) fn new(message: Message<u32>, hop: u8, asked: bool) -> Self {
        match message {
            Message::Push { key, rounds_left, wants_feedback } => {
                Self::Push { key, rounds_left, wants_feedback, hop, asked }
            }
            Message::Announce { keys } => Self::Announce(Keys::from_vec(keys)),
            Message::Fetch { keys } => Self::Fetch(Keys::from_vec(keys)),
            Message::PullRequest => Self::PullRequest,
            Message::Feedback { key, known } => Self::Feedback { key, known },
        }
    }

    /// Tells it from others, but for keys beyond the first.
    pub(super) fn fingerprint(&self) -> u64 {
        let of_keys = |keys: &Keys| {
            let keys = keys.as_slice();
            keys.first().map_or(0, |key| u64::from(*key)) | (keys.len() as u64) << 32
        };
        match self {
            Self::Push { key, rounds_left, wants_feedback, hop, .. } => {
                let flags = u64::from(*rounds_left) << 8 | u64::from(*wants_feedback) << 7;
                1 << 60 | u64::from(*key) | (flags | u64::from(*hop) << 16) << 32
            }
            Self::Announce(keys) => 2 << 60 | of_keys(keys),
            Self::Fetch(keys) => 3 << 60 | of_keys(keys),
            Self::PullRequest => 4 << 60,
            Self::Feedback { key, known } => 5 << 60 | u64::from(*known) << 32 | u64::from(*key),
        }
    }
}
