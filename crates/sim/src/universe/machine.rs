//! What a universe drives.

use bruit_engine::Instant;

/// By which of the two ways a message travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Nobody asked for it: an item that is pushed.
    Unasked,
    /// A part of an exchange: a question, an answer, an announcement.
    Exchange,
}

/// One engine, and what its owner keeps beside it.
pub trait Machine: Sized {
    /// What travels. Small: a message under way is kept by value.
    type Message;
    /// What all machines of a universe use: settings, sinks, results.
    type Shared;

    /// A message has arrived.
    fn handle_message(&mut self, call: &mut Call<'_, Self>, from: u32, message: Self::Message);

    /// Something is due.
    fn handle_timeout(&mut self, call: &mut Call<'_, Self>);

    /// When something is due.
    fn next_timeout(&self) -> Option<Instant>;

    /// Reads what the next call will need, a message or a timeout, and returns anything made of
    /// it. It has no effect; but when it is called for several machines in a row, their memory is
    /// fetched at the same time, where calls that follow on each other would wait for it one by
    /// one.
    fn touch(&self, node: u32, message: Option<&Self::Message>, shared: &Self::Shared) -> u64;

    /// How a message travels.
    fn kind(message: &Self::Message) -> Kind;

    /// A number that tells a message from others, for the trace.
    fn fingerprint(message: &Self::Message) -> u64;
}

/// One call of a machine.
#[derive(Debug)]
pub struct Call<'a, M: Machine> {
    /// Virtual time.
    pub now: Instant,
    /// Which node is called.
    pub me: u32,
    /// How many nodes there are, those that are down included.
    pub nodes: u32,
    /// What all machines share.
    pub shared: &'a mut M::Shared,
    pub(super) sends: &'a mut Vec<(u32, M::Message)>,
}

impl<M: Machine> Call<'_, M> {
    /// Sends a message.
    pub fn send(&mut self, to: u32, message: M::Message) {
        self.sends.push((to, message));
    }
}
