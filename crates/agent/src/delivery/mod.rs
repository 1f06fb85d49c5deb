//! Delivery: brings items to the consumers beside this agent.
//!
//! [`Delivery::offer`] puts an item into the queue of each subscription that selects it. Each
//! subscription has a queue, workers and connections of its own, so that a consumer that is
//! slow or dead delays no other.
//!
//! ```text
//!           offer            due              taken
//! item ---------------> queue ----> attempt -------------> delivered
//!        |                ^ |          | |
//!        | bound passed   | | expired  | | 3xx, other 4xx, or retries used up
//!        v                | v          | v
//!       shed              | dropped    | dead letter ----> retried: offered again
//!                         |            |             \---> dropped, or too many
//!                         +------------+ 408 425 429 5xx, no answer: after a backoff
//!                                        410: the subscription pauses
//! ```
//!
//! What holds a subscription's items back, the first that applies: it is *paused*, by an operator
//! or a 410; the consumer says that it is *down*; the circuit is *open*, so that one attempt is
//! made at a time; nobody reads its stream. Each change of that is told at once, see
//! [`Delivery::on_notice`].
//!
//! Delivery is at least once: an attempt whose answer was lost is repeated. Where items are to be
//! delivered in order, those of one run of an origin go one after the other, see [`GAP_PATIENCE`]
//! for what is waited for. The sources of the rules are the `CloudEvents` webhook specification
//! 1.0 (410, 429, `Retry-After`, no redirects) and RFC 9110 (hop-by-hop fields, `Retry-After`).
//!
//! It does not know how items come here, and keeps nothing over a restart itself: it tells a
//! [`Journal`]. The wall clock times nothing here; an expiry is turned into a time of the
//! monotonic clock when the item comes.

mod attempt;
mod backoff;
mod breaker;
mod cloudevents;
mod effect;
mod end;
mod endpoint;
mod entry;
mod exec;
mod fifo;
mod filter;
mod http;
mod hub;
mod journal;
mod keeper;
mod lane;
mod letters;
mod limiter;
mod listing;
mod mode;
mod outcome;
mod probe;
mod queue;
mod replay;
mod seen;
mod service;
mod slot;
mod spec;
mod state;
mod status;
mod stream;
mod subscription;
#[cfg(test)]
mod tests;

pub(crate) use cloudevents::encode_base64;
pub use cloudevents::{BATCH_EVENTS_MAX, EventError, EventFault, Published, recognise};
pub use endpoint::{Endpoint, EndpointError};
pub use filter::{Filter, FilterError};
pub use journal::{Journal, Kept, NoJournal};
pub use letters::DeadLetter;
pub use listing::{DeliveryRecord, DeliveryState, Wanted};
pub use mode::{Exec, Form, From, Health, HttpMode, Mode, Source};
pub use outcome::{AttemptNote, FailReason, Outcome, Report};
pub use replay::Unreplayable;
pub use seen::{FIRST_PATIENCE, GAP_PATIENCE};
pub use service::Delivery;
pub use spec::{SPEC_KEYS, SpecError, SubscriptionSpec};
pub use status::{Notice, PauseReason, SubscriptionState, SubscriptionStatus};
pub use stream::{Offered, Reader, TestResult};
pub use subscription::{Policy, SubscribeError, Subscription};

/// The header that each replayed request carries, with the printable id of its item. A request
/// that has it must not be spread: it has been spread already. In lower case.
pub const LOOP_GUARD: &str = "bruit-item";

/// How many dead letters each subscription keeps; the oldest goes first.
pub const DEAD_LETTERS_MAX: usize = 100;

/// How many bytes they hold together, by `Item::held_bytes`. A guess.
pub const DEAD_LETTER_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How many subscriptions an agent takes.
pub const SUBSCRIPTIONS_MAX: usize = 100_000;

/// How many attempts are remembered of each delivery; the last ones.
pub const ATTEMPTS_KEPT: usize = 16;
