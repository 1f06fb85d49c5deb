//! In which order the items of each path are to be delivered, as the topics say: known here, so
//! that the node need not be asked for each item.

use bruit_model::{Order, Path, Pattern, PatternMap, TopicParams};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The order of each topic.
#[derive(Debug, Default)]
pub(crate) struct Orders(Mutex<PatternMap<(Pattern, Order)>>);

impl Orders {
    fn lock(&self) -> MutexGuard<'_, PatternMap<(Pattern, Order)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts over with these topics.
    pub(crate) fn reload(&self, topics: &[TopicParams]) {
        let mut map = PatternMap::default();
        for topic in topics {
            map.insert(&topic.pattern, (topic.pattern.clone(), topic.order));
        }
        *self.lock() = map;
    }

    /// A record of the registry changed; one that is no topic's is passed over.
    pub(crate) fn record_changed(&self, key: &str, value: Option<&[u8]>) {
        let Some(pattern) = key.strip_prefix(TopicParams::RECORD_PREFIX) else { return };
        let Ok(pattern) = Pattern::parse(pattern) else { return };
        let mut map = self.lock();
        for order in [Order::None, Order::Fifo] {
            map.remove(&pattern, &(pattern.clone(), order));
        }
        let topic = value.map(|value| TopicParams::from_record(pattern.clone(), value));
        if let Some(Ok(topic)) = topic {
            map.insert(&pattern, (pattern.clone(), topic.order));
        }
    }

    /// The order of the most specific topic that selects `path`; of two as specific, that of the
    /// pattern that comes first, as in the node.
    pub(crate) fn of(&self, path: &Path) -> Order {
        let mut best: Option<(Pattern, Order)> = None;
        self.lock().matches(path, &mut |(pattern, order)| {
            let is_better = best.as_ref().is_none_or(|(other, _)| {
                let (mine, its) = (pattern.specificity(), other.specificity());
                mine > its || mine == its && pattern < other
            });
            if is_better {
                best = Some((pattern.clone(), *order));
            }
        });
        best.map_or(Order::None, |(_, order)| order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order_of(orders: &Orders, path: &str) -> Order {
        orders.of(&Path::parse(path).unwrap())
    }

    fn topic(pattern: &str, order: Order) -> TopicParams {
        TopicParams { order, ..TopicParams::new(Pattern::parse(pattern).unwrap()) }
    }

    #[test]
    fn the_most_specific_topic_decides() {
        let orders = Orders::default();
        assert_eq!(order_of(&orders, "a"), Order::None);
        orders.reload(&[
            topic("a/**", Order::Fifo),
            topic("a/b/**", Order::None),
            topic("**", Order::None),
        ]);
        assert_eq!(order_of(&orders, "a/x"), Order::Fifo);
        assert_eq!(order_of(&orders, "a/b/x"), Order::None);
        assert_eq!(order_of(&orders, "x"), Order::None);
    }

    #[test]
    fn of_two_as_specific_the_first_decides() {
        let orders = Orders::default();
        orders.reload(&[topic("*/b", Order::None), topic("a/*", Order::Fifo)]);
        assert_eq!(order_of(&orders, "a/b"), Order::None, "*/b comes before a/*");
    }

    #[test]
    fn records_make_change_and_remove_topics() {
        let orders = Orders::default();
        orders.record_changed("topic/jobs/**", Some(b"order=fifo\n"));
        assert_eq!(order_of(&orders, "jobs/1"), Order::Fifo);
        orders.record_changed("topic/jobs/**", Some(b"order=none\n"));
        assert_eq!(order_of(&orders, "jobs/1"), Order::None);
        orders.record_changed("topic/jobs/**", Some(b"order=fifo\n"));
        orders.record_changed("other/jobs/**", None);
        assert_eq!(order_of(&orders, "jobs/1"), Order::Fifo);
        orders.record_changed("topic/jobs/**", None);
        assert_eq!(order_of(&orders, "jobs/1"), Order::None);
        assert!(orders.lock().is_empty());
    }
}
