//! A topic's parameters as the value of a registry record: `name=value` lines, so that a node
//! that does not know a name yet skips it.

use crate::{Order, Pattern, StopRule, Style, TopicParams};
use bytes::Bytes;
use std::fmt::Write;
use std::num::NonZeroU8;
use std::time::Duration;

/// A topic record's value is not understood. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("topic parameter {name}: {problem}")]
pub struct TopicRecordError {
    /// Which parameter.
    pub name: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl TopicParams {
    /// Registry records of topics have this before the pattern in their key.
    pub const RECORD_PREFIX: &str = "topic/";

    /// The parameters as a record's value.
    pub fn to_record(&self) -> Bytes {
        let mut text = String::new();
        let mut line = |name: &str, value: String| {
            writeln!(text, "{name}={value}").expect("writing to a String cannot fail");
        };
        line("style", style_word(self.spread.style).to_owned());
        line("fanout", self.spread.fanout_count.to_string());
        line("stop", stop_word(self.spread.stop));
        line("period_ms", self.spread.period.as_millis().to_string());
        line("repair", if self.repair { "on" } else { "off" }.to_owned());
        line("retain_items", self.retention.items_max.to_string());
        line("retain_bytes", self.retention.bytes_max.to_string());
        line("retain_ms", self.retention.age_max.as_millis().to_string());
        line("order", if self.order == Order::Fifo { "fifo" } else { "none" }.to_owned());
        if let Some(expiry) = self.expiry {
            line("expiry_ms", expiry.as_millis().to_string());
        }
        Bytes::from(text)
    }

    /// Reads a record's value; unknown names are skipped, absent ones have their default.
    ///
    /// # Errors
    /// A known name has a value that it cannot have.
    pub fn from_record(pattern: Pattern, value: &[u8]) -> Result<Self, TopicRecordError> {
        let mut topic = Self::new(pattern);
        let text = std::str::from_utf8(value)
            .map_err(|_| TopicRecordError { name: "all".into(), problem: "not UTF-8" })?;
        for line in text.lines() {
            let Some((name, value)) = line.split_once('=') else { continue };
            topic.set_parameter(name, value)?;
        }
        Ok(topic)
    }

    /// Sets one parameter by the name and the text it has in a record. Unknown names are skipped.
    ///
    /// # Errors
    /// The parameter cannot have that value; nothing was changed.
    pub fn set_parameter(&mut self, name: &str, value: &str) -> Result<(), TopicRecordError> {
        let bad = |problem| TopicRecordError { name: name.to_owned(), problem };
        let millis = || value.parse().map(Duration::from_millis).map_err(|_| bad("not a number"));
        match name {
            "style" => self.spread.style = parse_style(value).ok_or(bad("no such style"))?,
            "fanout" => {
                self.spread.fanout_count = value.parse().map_err(|_| bad("not in 1..=255"))?;
            }
            "stop" => self.spread.stop = parse_stop(value).ok_or(bad("no such stop rule"))?,
            "period_ms" => {
                let period = millis()?;
                if !(PERIOD_MIN..=PERIOD_MAX).contains(&period) {
                    return Err(bad("not in 10..=3600000"));
                }
                self.spread.period = period;
            }
            "repair" => self.repair = parse_switch(value).ok_or(bad("neither on nor off"))?,
            "retain_items" => {
                self.retention.items_max = value.parse().map_err(|_| bad("not a number"))?;
            }
            "retain_bytes" => {
                self.retention.bytes_max = value.parse().map_err(|_| bad("not a number"))?;
            }
            "retain_ms" => self.retention.age_max = millis()?,
            "order" => {
                self.order = match value {
                    "none" => Order::None,
                    "fifo" => Order::Fifo,
                    _ => return Err(bad("neither none nor fifo")),
                }
            }
            "expiry_ms" => self.expiry = Some(millis()?),
            _ => {}
        }
        Ok(())
    }
}

const PERIOD_MIN: Duration = Duration::from_millis(10);
const PERIOD_MAX: Duration = Duration::from_secs(3600);

const STYLES: [(Style, &str); 6] = [
    (Style::Auto, "auto"),
    (Style::Direct, "direct"),
    (Style::Push, "push"),
    (Style::LazyPush, "lazy_push"),
    (Style::Pull, "pull"),
    (Style::PushPull, "push_pull"),
];

/// The word for a style.
pub fn style_word(style: Style) -> &'static str {
    STYLES.iter().find(|(each, _)| *each == style).map_or("auto", |(_, word)| word)
}

/// The style for a word.
pub fn parse_style(word: &str) -> Option<Style> {
    STYLES.iter().find(|(_, each)| *each == word).map(|(style, _)| *style)
}

fn parse_switch(word: &str) -> Option<bool> {
    match word {
        "on" | "true" => Some(true),
        "off" | "false" => Some(false),
        _ => None,
    }
}

/// `rounds:8`, `counter:2`, `counter:2:feedback`, `coin:4`, `coin:4:feedback`.
pub fn stop_word(stop: StopRule) -> String {
    let rule = |name: &str, k: NonZeroU8, feedback: bool| {
        format!("{name}:{k}{}", if feedback { ":feedback" } else { "" })
    };
    match stop {
        StopRule::Rounds(rounds) => format!("rounds:{rounds}"),
        StopRule::Counter { k, feedback } => rule("counter", k, feedback),
        StopRule::Coin { k, feedback } => rule("coin", k, feedback),
    }
}

/// The stop rule for a word.
pub fn parse_stop(word: &str) -> Option<StopRule> {
    let mut parts = word.split(':');
    let name = parts.next()?;
    let k: NonZeroU8 = parts.next()?.parse().ok()?;
    let feedback = match parts.next() {
        None => false,
        Some("feedback") => true,
        Some(_) => return None,
    };
    match name {
        "rounds" if !feedback => Some(StopRule::Rounds(k)),
        "counter" => Some(StopRule::Counter { k, feedback }),
        "coin" => Some(StopRule::Coin { k, feedback }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_survives_its_record() {
        let mut topic = TopicParams::new(Pattern::parse("cache/**").unwrap());
        assert_eq!(
            TopicParams::from_record(topic.pattern.clone(), &topic.to_record()),
            Ok(topic.clone())
        );
        topic.set_parameter("style", "lazy_push").unwrap();
        topic.set_parameter("stop", "coin:3:feedback").unwrap();
        topic.set_parameter("order", "fifo").unwrap();
        topic.set_parameter("expiry_ms", "5000").unwrap();
        topic.set_parameter("repair", "off").unwrap();
        topic.set_parameter("of the future", "x").unwrap();
        assert_eq!(TopicParams::from_record(topic.pattern.clone(), &topic.to_record()), Ok(topic));
    }

    #[test]
    fn bad_values_are_refused_and_change_nothing() {
        let mut topic = TopicParams::new(Pattern::root());
        let before = topic.clone();
        for (name, value) in [
            ("style", "shout"),
            ("fanout", "0"),
            ("fanout", "256"),
            ("stop", "rounds:3:feedback"),
            ("stop", "counter:0"),
            ("period_ms", "9"),
            ("repair", "maybe"),
            ("order", "total"),
        ] {
            assert_eq!(topic.set_parameter(name, value).unwrap_err().name, name);
            assert_eq!(topic, before);
        }
    }
}
