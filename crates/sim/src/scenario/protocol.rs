//! The settings of the protocol under test: those that a native node and a topic have.

use super::ScenarioError;
use super::error::Bad;
use super::reader::Reader;
use bruit_engine::spread::rumor::resolve;
use bruit_model::{Pattern, Spread, Style, TopicParams};
use bruit_node::Profile;
use std::num::NonZeroU8;

/// The settings of the protocol under test.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// For which network the timers are made: probes, suspicion, repair.
    pub profile: Profile,
    /// The largest datagram, see [`bruit_node::Config::datagram_bytes_max`].
    pub datagram_bytes_max: usize,
    /// How items spread: the parameters of the root topic.
    pub topic: TopicParams,
}

impl Default for Protocol {
    fn default() -> Self {
        Self {
            profile: Profile::default(),
            datagram_bytes_max: 1400,
            topic: TopicParams::new(Pattern::root()),
        }
    }
}

impl Protocol {
    /// How an item spreads in a group of that size, as a native node publishes it: `auto` is
    /// resolved, and push sends to log2 of the group at least.
    pub fn spread(&self, nodes: u32) -> Spread {
        let spread = self.topic.spread;
        let style = resolve(spread.style, usize::try_from(nodes).unwrap_or(usize::MAX));
        let log2 = nodes.checked_next_power_of_two().map_or(32, u32::ilog2);
        let least = u8::try_from(log2).ok().and_then(NonZeroU8::new);
        let fanout_count = match least.filter(|_| style == Style::Push) {
            Some(least) => spread.fanout_count.max(least),
            None => spread.fanout_count,
        };
        Spread { style, fanout_count, ..spread }
    }
}

/// The profile of that word.
pub fn parse_profile(word: &str) -> Option<Profile> {
    [Profile::Local, Profile::Lan, Profile::Wan].into_iter().find(|each| each.word() == word)
}

impl Protocol {
    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, ScenarioError> {
        let mut protocol = Self::default();
        reader.table("node", |reader| {
            let profile = |text: &str| {
                let why = || Bad::new(format!("`{text}` is no profile"), "write local, lan or wan");
                parse_profile(text).ok_or_else(why)
            };
            if let Some(profile) = reader.text("profile", profile)? {
                protocol.profile = profile;
            }
            if let Some(bytes) = reader.count("datagram-bytes", 576..=65_507)? {
                protocol.datagram_bytes_max = usize::try_from(bytes).expect("it is in range");
            }
            Ok(())
        })?;
        reader.table("topic", |reader| protocol.read_topic(reader))?;
        Ok(protocol)
    }

    /// The parameters by the names that `bruit topics set` has.
    fn read_topic(&mut self, reader: &mut Reader<'_>) -> Result<(), ScenarioError> {
        const PARAMETERS: [(&str, &str, &str); 6] = [
            ("style", "style", "write auto, direct, push, lazy_push, pull or push_pull"),
            ("fanout", "fanout", "write a number of 1 to 255"),
            (
                "stop",
                "stop",
                "write a rule such as \"rounds:8\", \"counter:2:feedback\" or \"coin:4\"",
            ),
            ("period-ms", "period_ms", "write a number of 10 to 3600000"),
            ("retain-items", "retain_items", "write a number of 1 to 4294967295"),
            ("retain-ms", "retain_ms", "write a number of milliseconds"),
        ];
        for (key, name, remedy) in PARAMETERS {
            let topic = &mut self.topic;
            reader.get(key, |value| {
                let number = value.as_number().map(|number| number.to_string());
                let text = value.as_text().map(str::to_owned).or(number);
                let text = text.ok_or_else(|| value.wrong_kind(remedy))?;
                let set = topic.set_parameter(name, &text);
                set.map_err(|error| Bad::new(format!("`{text}` is {}", error.problem), remedy))
            })?;
        }
        if let Some(repair) = reader.switch("repair")? {
            self.topic.repair = repair;
        }
        Ok(())
    }
}
