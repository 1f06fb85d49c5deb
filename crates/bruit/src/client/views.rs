//! What of the API's JSON is read here. Fields that are not are left to `--format json`, which
//! passes on what the agent said.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// A member.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) address: String,
    pub(crate) state: String,
    pub(crate) why: String,
    pub(crate) conflict: bool,
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) subscriptions: Vec<Announced>,
    pub(crate) since_seconds: f64,
    pub(crate) rtt_ms: Option<f64>,
    #[serde(rename = "self")]
    pub(crate) is_self: bool,
    /// What else the agent says of it.
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Value>,
}

/// A subscription in a member list.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Announced {
    pub(crate) name: String,
    pub(crate) pattern: String,
}

/// A subscription of the group.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Subscription {
    pub(crate) node_name: String,
    pub(crate) node_state: String,
    pub(crate) name: String,
    pub(crate) pattern: String,
    pub(crate) local: Option<Local>,
}

/// How a subscription of the agent that is asked is doing.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Local {
    pub(crate) endpoint: String,
    pub(crate) state: String,
    pub(crate) queued_items: u64,
    pub(crate) delivered: u64,
    pub(crate) failed: u64,
    pub(crate) shed: u64,
    pub(crate) why: Option<String>,
    pub(crate) last_error: Option<String>,
}

/// Who got an item.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Summary {
    pub(crate) id: String,
    pub(crate) path: String,
    pub(crate) met: bool,
    pub(crate) expected: usize,
    pub(crate) delivered: usize,
    pub(crate) nodes: Vec<Receipt>,
    pub(crate) hint: Option<String>,
}

/// One expected delivery.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) name: String,
    pub(crate) subscription: String,
    pub(crate) outcome: String,
    pub(crate) status: Option<u16>,
    pub(crate) attempts: Option<u16>,
    pub(crate) after_ms: Option<f64>,
}

impl Summary {
    /// Half of the deliveries took at most so many milliseconds, and all at most so many.
    pub(crate) fn median_and_max_ms(&self) -> Option<(f64, f64)> {
        let mut times: Vec<f64> = self
            .nodes
            .iter()
            .filter(|receipt| receipt.outcome == "delivered")
            .filter_map(|receipt| receipt.after_ms)
            .collect();
        times.sort_by(f64::total_cmp);
        Some((*times.get((times.len().checked_sub(1)?) / 2)?, *times.last()?))
    }
}

/// An item, without its payload.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) origin: String,
    pub(crate) path: String,
    pub(crate) method: Option<String>,
    pub(crate) target: Option<String>,
    pub(crate) payload_bytes: u64,
    pub(crate) accepted_unix_ms: u64,
    /// What else the agent says of it.
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Value>,
}

/// What a stream starts with.
#[derive(Debug, Deserialize)]
pub(crate) struct Snapshot {
    #[serde(default)]
    pub(crate) members: Vec<Named>,
}

/// A member's id and name.
#[derive(Debug, Deserialize)]
pub(crate) struct Named {
    pub(crate) id: String,
    pub(crate) name: String,
}

/// A change in a stream.
#[derive(Debug, Deserialize)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(crate) enum Change {
    /// A member came, changed or went.
    Member {
        /// `changed`, `updated` or `reaped`.
        change: String,
        /// Who.
        #[serde(flatten)]
        named: Named,
        /// Its state before.
        was: Option<String>,
        /// As it is.
        member: Option<MemberState>,
    },
    /// An item was seen for the first time.
    Item {
        /// The item.
        item: Item,
    },
    /// A delivery ended.
    Delivery {
        /// How.
        delivery: Delivery,
    },
    /// A subscription of the agent changed.
    Subscription {
        /// `paused`, `resumed` and the like.
        change: String,
        /// Which one.
        subscription: SubscriptionName,
    },
    /// Something else.
    #[serde(other)]
    Other,
}

/// How a member is.
#[derive(Debug, Deserialize)]
pub(crate) struct MemberState {
    pub(crate) state: String,
    pub(crate) why: String,
}

/// A delivery that ended.
#[derive(Debug, Deserialize)]
pub(crate) struct Delivery {
    pub(crate) item: String,
    pub(crate) path: String,
    pub(crate) subscription: String,
    pub(crate) outcome: String,
    pub(crate) reason: Option<String>,
    pub(crate) status: Option<u16>,
    pub(crate) attempts: u32,
    pub(crate) after_ms: Option<f64>,
}

/// A subscription's name, and why it is as it is.
#[derive(Debug, Deserialize)]
pub(crate) struct SubscriptionName {
    pub(crate) name: String,
    pub(crate) why: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn median_and_maximum_are_of_what_was_delivered() {
        let receipt = |outcome: &str, after_ms| Receipt {
            name: String::new(),
            subscription: String::new(),
            outcome: outcome.to_owned(),
            status: None,
            attempts: None,
            after_ms,
        };
        let mut summary = Summary {
            id: String::new(),
            path: String::new(),
            met: true,
            expected: 0,
            delivered: 0,
            nodes: vec![receipt("missing", None), receipt("failed", Some(99.0))],
            hint: None,
        };
        assert_eq!(summary.median_and_max_ms(), None);
        summary.nodes.extend([3.0, 1.0, 2.0, 4.0].map(|ms| receipt("delivered", Some(ms))));
        assert_eq!(summary.median_and_max_ms(), Some((2.0, 4.0)));
    }
}
