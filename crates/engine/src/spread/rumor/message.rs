//! What peers tell each other about items. Payloads are the caller's: a key stands for the item.

/// A rumor message. `K` names an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<K> {
    /// The item itself. The caller puts the payload in its place.
    Push {
        /// Which item.
        key: K,
        /// How many more hops it may travel: 0 means that the receiver does not pass it on. Under
        /// a stop rule that does not count hops it is [`super::ROUNDS_UNLIMITED`].
        rounds_left: u8,
        /// Whether the receiver is to answer with [`Message::Feedback`].
        wants_feedback: bool,
    },
    /// "I have these."
    Announce {
        /// Which items.
        keys: Vec<K>,
    },
    /// "Send me these."
    Fetch {
        /// Which items.
        keys: Vec<K>,
    },
    /// "What is new?"
    PullRequest,
    /// "I knew that one already", or that it was news.
    Feedback {
        /// Which item.
        key: K,
        /// True if the receiver had it before.
        known: bool,
    },
}

/// A message and whom it goes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send<I, K> {
    /// The receiver.
    pub to: I,
    /// The message.
    pub message: Message<K>,
}
