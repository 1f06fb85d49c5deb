//! Bruit's own questions to all agents, under `$ask/`.
//!
//! An agent that wants to know something of all others publishes a question; each other agent
//! answers with one part. Whoever asked collects until those that it waits for have answered, or
//! the time is up. Questions are dropped by every node soon after their time, and no item under a
//! path with `$` is delivered, listed or shown.

use crate::shared::{Shared, count};
use crate::trace::unix_nanos;
use bruit_model::{
    Ask, Command, CommandError, Item, ItemId, Member, NodeId, Path, Publish, Reduce, Reply,
};
use bruit_runtime::Stopped;
use bytes::Bytes;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;

/// How many questions of this agent that are closed are remembered. Guess.
const CLOSED_MAX: usize = 64;
/// How many answers wait to be collected, per question. Guess: collecting is quick.
const ANSWERS_MAX: usize = 4096;
/// How many questions of others are worked on at a time; more are left unanswered. Guess.
const ANSWERING_MAX: usize = 32;
/// How far clocks may differ: a member whose clock is ahead by more takes a question for expired,
/// and does not answer. Guess.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// What a question is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Topic {
    /// What became of an item.
    Trace,
    /// The keys of the group.
    Keys,
}

impl Topic {
    const fn path(self) -> &'static str {
        match self {
            Self::Trace => "$ask/trace",
            Self::Keys => "$ask/keys",
        }
    }

    /// What a question of another agent is about; `None` if this version does not know it.
    pub(crate) fn of(item: &Item) -> Option<Self> {
        item.ask()?;
        [Self::Trace, Self::Keys].into_iter().find(|topic| topic.path() == item.path.as_str())
    }
}

/// A question was not asked. Nothing happened.
#[derive(Debug)]
pub(crate) enum AskError {
    /// The node refused.
    Refused(CommandError),
    /// The agent ends.
    Stopped(Stopped),
}

impl From<Stopped> for AskError {
    fn from(stopped: Stopped) -> Self {
        Self::Stopped(stopped)
    }
}

/// Counters, for metrics.
#[derive(Debug, Default)]
pub(crate) struct QuestionCounters {
    /// Questions asked here.
    pub(crate) asked: AtomicU64,
    /// Questions of others answered here.
    pub(crate) answered: AtomicU64,
    /// Questions of others that were not: too many at a time, not understood, or too late.
    pub(crate) unanswered: AtomicU64,
    /// Answers that nobody waits for any more.
    pub(crate) unexpected: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    by_id: BTreeMap<ItemId, mpsc::Sender<Answer>>,
    /// The last that were: what is still answered to them is nothing else.
    closed: VecDeque<ItemId>,
}

/// The questions of this agent that are open, and room for those of others.
#[derive(Debug)]
pub(crate) struct Questions {
    open: Mutex<Open>,
    answering: Arc<Semaphore>,
    /// What was counted.
    pub(crate) counters: QuestionCounters,
}

impl Default for Questions {
    fn default() -> Self {
        Self {
            open: Mutex::default(),
            answering: Arc::new(Semaphore::new(ANSWERING_MAX)),
            counters: QuestionCounters::default(),
        }
    }
}

/// An answer of another agent.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    /// Who.
    from: NodeId,
    /// What.
    pub(crate) part: Bytes,
    /// When it came, nanoseconds since 1970-01-01 UTC.
    pub(crate) unix_nanos: u64,
}

/// A question that is open until this is dropped.
#[derive(Debug)]
pub(crate) struct Asked {
    questions: Arc<Questions>,
    says: mpsc::Sender<Say>,
    id: ItemId,
    answers: mpsc::Receiver<Answer>,
    deadline: Instant,
    /// The members when it was asked, this agent included.
    pub(crate) members: Vec<Member>,
    /// When it was asked, nanoseconds since 1970-01-01 UTC.
    pub(crate) sent_unix_nanos: u64,
}

/// Asks all other agents; answers count until `timeout` is over.
pub(crate) async fn ask(
    shared: &Shared,
    topic: Topic,
    payload: Bytes,
    timeout: Duration,
) -> Result<Asked, AskError> {
    let (questions, says) = (Arc::clone(&shared.questions), shared.says.clone());
    let deadline = Instant::now() + timeout;
    let publish = Publish {
        path: Path::parse(topic.path()).expect("a valid path"),
        topic: None,
        headers: Vec::new(),
        payload,
        style: None,
        expiry: Some(timeout + CLOCKS_APART),
        ask: Some(Ask { timeout, reduce: Reduce::Collect }),
    };
    let asked = shared.node.with(move |node, now| {
        let members = node.members(now).iter().collect();
        let reply = node.handle_command(now, Command::Publish(publish))?;
        let Reply::Accepted(id) = reply else { return Err(CommandError::Unsupported) };
        let (sender, answers) = mpsc::channel(ANSWERS_MAX);
        // No answer can have come: the node does nothing else meanwhile.
        questions.lock().by_id.insert(id, sender);
        questions.counters.asked.fetch_add(1, Ordering::Relaxed);
        let sent_unix_nanos = now.unix.0;
        Ok(Asked { questions, says, id, answers, deadline, members, sent_unix_nanos })
    });
    asked.await?.map_err(AskError::Refused)
}

impl Questions {
    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An answer came to a question of this agent; whether it is one of Bruit's own.
    pub(crate) fn answered(&self, question: ItemId, from: NodeId, part: &Bytes) -> bool {
        let open = self.lock();
        let is_taken = if let Some(sender) = open.by_id.get(&question) {
            let answer = Answer { from, part: part.clone(), unix_nanos: unix_nanos() };
            sender.try_send(answer).is_ok()
        } else if open.closed.contains(&question) {
            false
        } else {
            return false;
        };
        if !is_taken {
            self.counters.unexpected.fetch_add(1, Ordering::Relaxed);
        }
        true
    }
}

impl Asked {
    /// The other members that may be there: alive or suspect.
    pub(crate) fn others(&self) -> BTreeSet<NodeId> {
        let may_be_there = |member: &&Member| !member.is_self && member.state.may_be_there();
        self.members.iter().filter(may_be_there).map(|member| member.id).collect()
    }

    /// The first answer of each member: of all that are in `wanted`, and of those that were as
    /// quick; of those that answered when the time is up.
    pub(crate) async fn collect(
        mut self,
        mut wanted: BTreeSet<NodeId>,
    ) -> BTreeMap<NodeId, Answer> {
        let mut answers = BTreeMap::new();
        while !wanted.is_empty() {
            let next = tokio::time::timeout_at(self.deadline, self.answers.recv()).await;
            let Ok(Some(answer)) = next else { break };
            wanted.remove(&answer.from);
            answers.entry(answer.from).or_insert(answer);
        }
        answers
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        let mut open = self.questions.lock();
        open.by_id.remove(&self.id);
        open.closed.push_back(self.id);
        if open.closed.len() > CLOSED_MAX {
            open.closed.pop_front();
        }
        drop(open);
        // If that cannot be said, its time ends it.
        let _ = self.says.try_send(Say::Finish(self.id));
    }
}

/// What is to be said to the node about a question. Said by a task of its own, so that whoever
/// has it to say need not wait.
#[derive(Debug)]
pub(crate) enum Say {
    /// The end of a delivery, to an item's origin.
    Answer {
        /// The item.
        to: ItemId,
        /// The receipt.
        part: Bytes,
        /// Whether all deliveries of the item have ended here.
        is_last: bool,
    },
    /// This agent is done with the question.
    Finish(ItemId),
}

/// Says what comes, until the node has stopped.
pub(crate) async fn say(shared: Arc<Shared>, mut says: mpsc::Receiver<Say>) {
    let counters = &shared.receipts.counters;
    while let Some(say) = says.recv().await {
        let (command, is_receipt) = match say {
            Say::Answer { to, part, is_last } => (Command::Answer { to, part, is_last }, true),
            Say::Finish(question) => (Command::Finish(question), false),
        };
        match shared.node.command(command).await {
            Ok(Ok(_)) if is_receipt => count(&counters.sent),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => {
                tracing::debug!(%error, "a receipt was not sent");
                count(&counters.unsent);
            }
            Err(_) => return,
        }
    }
}

/// This agent has nothing to answer to an item.
pub(crate) fn finish(shared: &Shared, item: ItemId) {
    // If that cannot be said, its time ends it.
    let _ = shared.says.try_send(Say::Finish(item));
}

/// Answers a question of another agent, on a task of its own.
pub(crate) fn answer(shared: &Arc<Shared>, question: &Arc<Item>) {
    let counters = &shared.questions.counters;
    let place = Arc::clone(&shared.questions.answering).try_acquire_owned();
    let (Some(topic), Ok(place)) = (Topic::of(question), place) else {
        counters.unanswered.fetch_add(1, Ordering::Relaxed);
        return;
    };
    let (shared, question) = (Arc::clone(shared), Arc::clone(question));
    tokio::spawn(async move {
        let part = match topic {
            Topic::Trace => crate::trace::answer(&shared, &question.payload).await,
            Topic::Keys => crate::keys::answer(&shared, &question.payload).await,
        };
        let to = question.id;
        let is_sent = match part {
            Some(part) => {
                let sent = shared.node.command(Command::Answer { to, part, is_last: true }).await;
                matches!(sent, Ok(Ok(_)))
            }
            None => false,
        };
        let counters = &shared.questions.counters;
        let counter = if is_sent { &counters.answered } else { &counters.unanswered };
        counter.fetch_add(1, Ordering::Relaxed);
        drop(place);
    });
}
