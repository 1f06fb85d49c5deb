//! What the engine tells its caller.

/// Something for the application at the origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<M, Q, P> {
    /// Members answered. Each part of each member comes once.
    Answer {
        /// The question.
        question: Q,
        /// What they said.
        part: P,
        /// Whether they have said all with it.
        is_last: bool,
        /// Who: one with [`super::Reduce::Collect`], one or more with [`super::Reduce::Tally`].
        from: Vec<M>,
    },
}

/// An answer or a question was refused. Nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The question was not seen, or is forgotten.
    #[error("no such question is open here: it is unknown or its time is over")]
    Unknown,
    /// This node has said its last part already.
    #[error("this node has given its last part already")]
    Over,
    /// Too much is held or in flight.
    #[error("too many answers wait to be passed on; try again later")]
    Full,
}

/// Totals since the start. Parts are counted for each member that gave them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Questions forgotten before their time, because there were too many.
    pub questions_shed: u64,
    /// Messages of parts that were sent, repetitions by the caller not counted.
    pub sent: u64,
    /// Messages of parts that came, repetitions included.
    pub came: u64,
    /// Of those sent, those to the origin because the parent did not confirm.
    pub fallbacks: u64,
    /// Parts of others that were passed on.
    pub gathered: u64,
    /// Parts that reached this node as the origin.
    pub received: u64,
    /// Parts that reached it again.
    pub duplicates: u64,
    /// Parts that came after the deadline.
    pub late: u64,
    /// Parts not taken because too many are held.
    pub shed: u64,
    /// Parts given up: the origin did not confirm them in time.
    pub lost: u64,
}
