use super::*;
use bruit_model::MetaEntry;

struct Table(Vec<Member>);

impl Members for Table {
    fn iter(&self) -> Box<dyn Iterator<Item = Member> + '_> {
        Box::new(self.0.iter().cloned())
    }

    fn get(&self, id: &NodeId) -> Option<Member> {
        self.0.iter().find(|member| member.id == *id).cloned()
    }

    fn counts(&self) -> [usize; 4] {
        [self.0.len(), 0, 0, 0]
    }
}

fn member(number: u8, state: MemberState, subscriptions: &[(&str, &str)]) -> Member {
    let metadata = subscriptions.iter().map(|(name, pattern)| MetaEntry {
        key: format!("{}{name}", Member::SUBSCRIPTION_KEY).into(),
        value: pattern.as_bytes().into(),
        version: 1,
    });
    Member {
        id: NodeId([number; 16]),
        name: format!("n{number}").into(),
        addr: "127.0.0.1:1".parse().unwrap(),
        state,
        why: String::new(),
        conflict: false,
        incarnation: 0,
        generation: 0,
        metadata: metadata.collect(),
        since: Duration::ZERO,
        rtt: None,
        is_self: false,
    }
}

fn path(text: &str) -> Path {
    Path::parse(text).unwrap()
}

fn table() -> Table {
    Table(vec![
        member(2, MemberState::Suspect, &[("app", "cache/**"), ("app-2", "**")]),
        member(1, MemberState::Alive, &[("app", "cache/*"), ("bad", "a*")]),
        member(3, MemberState::Failed, &[("app", "**")]),
        member(4, MemberState::Left, &[("app", "**")]),
    ])
}

fn item(seq: u64) -> ItemId {
    ItemId { origin: NodeId([9; 16]), start: 5, seq }
}

fn receipt(seq: u64, subscription: &str, delivered: bool) -> Receipt {
    let subscription = subscription.to_owned();
    Receipt { item: item(seq), subscription, delivered, status: Some(200), attempts: 1 }
}

#[test]
fn those_who_may_be_there_and_match_are_expected() {
    let found = |text| -> Vec<(String, String)> {
        let pairs = expected(&table(), &path(text));
        pairs.iter().map(|pair| (pair.name.to_string(), pair.subscription.to_string())).collect()
    };
    let pair = |name: &str, subscription: &str| (name.to_owned(), subscription.to_owned());
    assert_eq!(found("cache/a"), [pair("n1", "app"), pair("n2", "app"), pair("n2", "app-2")]);
    assert_eq!(found("cache/a/b"), [pair("n2", "app"), pair("n2", "app-2")]);
}

#[test]
fn close_patterns_are_named_with_their_agents() {
    let table = Table(vec![
        member(1, MemberState::Alive, &[("app", "caches/**")]),
        member(2, MemberState::Alive, &[("app", "caches/**"), ("b", "flags/*")]),
    ]);
    assert_eq!(
        close_patterns(&table, &path("cache/users/42")),
        "nobody is subscribed to \"cache/users/42\"; subscriptions that come close: \
         \"caches/**\" (n1, n2)"
    );
    assert_eq!(close_patterns(&table, &path("x/y/z")), "nobody is subscribed to \"x/y/z\"");
    assert!(close_patterns(&table, &path("flag/a")).contains("\"flags/*\" (n2)"));
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_enough_are_delivered() {
    let receipts = Arc::new(Receipts::default());
    let wait = receipts.track(item(1), expected(&table(), &path("cache/a")), Want::Percent(60));
    let wait = wait.until(Duration::from_secs(5));
    let tell = async {
        tokio::time::sleep(Duration::from_millis(10)).await;
        receipts.record(NodeId([1; 16]), &receipt(1, "app", true));
        receipts.record(NodeId([2; 16]), &receipt(1, "app-2", true));
    };
    let (summary, ()) = tokio::join!(wait, tell);
    assert!(summary.is_met);
    assert_eq!(summary.counts(), (2, 0, 1));
    assert_eq!(summary.pairs[0].end.unwrap().after, Duration::from_millis(10));
    assert_eq!(receipts.active(), 0);
    receipts.record(NodeId([2; 16]), &receipt(1, "app", true));
    assert_eq!(receipts.summary(item(1)).unwrap().counts(), (3, 0, 0), "late ones still count");
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_when_all_have_ended_or_the_time_is_up() {
    let receipts = Arc::new(Receipts::default());
    let pairs = expected(&table(), &path("cache/a/b"));
    let wait = receipts.track(item(1), pairs.clone(), Want::All);
    receipts.record(NodeId([2; 16]), &receipt(1, "app", true));
    receipts.record(NodeId([2; 16]), &receipt(1, "app-2", false));
    let began = Instant::now();
    let summary = wait.until(Duration::from_secs(5)).await;
    assert_eq!((summary.is_met, summary.counts()), (false, (1, 1, 0)));
    assert_eq!(began.elapsed(), Duration::ZERO);

    let wait = receipts.track(item(2), pairs, Want::Count(1));
    let summary = wait.until(Duration::from_secs(2)).await;
    assert_eq!((summary.is_met, summary.counts()), (false, (0, 0, 2)));
    assert_eq!(began.elapsed(), Duration::from_secs(2));
}

#[tokio::test(start_paused = true)]
async fn nobody_expected_is_met_at_once() {
    let receipts = Arc::new(Receipts::default());
    let wait = receipts.track(item(1), Vec::new(), Want::All);
    let summary = wait.until(Duration::from_secs(5)).await;
    assert_eq!((summary.is_met, summary.pairs.len()), (true, 0));
}

#[test]
fn what_was_not_expected_is_counted_and_ignored() {
    let receipts = Arc::new(Receipts::default());
    let _wait = receipts.track(item(1), expected(&table(), &path("cache/a")), Want::All);
    receipts.record(NodeId([7; 16]), &receipt(1, "app", true));
    receipts.record(NodeId([1; 16]), &receipt(1, "other", true));
    receipts.record(NodeId([1; 16]), &receipt(2, "app", true));
    receipts.record(NodeId([1; 16]), &receipt(1, "app", true));
    receipts.record(NodeId([1; 16]), &receipt(1, "app", false));
    receipts.answered(item(1), NodeId([1; 16]), b"garbage");
    assert_eq!(receipts.summary(item(1)).unwrap().counts(), (1, 0, 2));
    assert_eq!(receipts.counters.received.load(Ordering::Relaxed), 1);
    assert_eq!(receipts.counters.unexpected.load(Ordering::Relaxed), 4);
    assert_eq!(receipts.counters.malformed.load(Ordering::Relaxed), 1);
}

#[test]
fn room_is_bounded_and_a_dropped_wait_frees_it() {
    let receipts = Arc::new(Receipts::default());
    let mut waits = Vec::new();
    for seq in 0..256 {
        assert_eq!(receipts.check_room(1), Ok(()));
        waits.push(receipts.track(item(seq), Vec::new(), Want::Count(1)));
    }
    assert_eq!(receipts.check_room(1), Err(Full));
    assert_eq!(receipts.counters.refused.load(Ordering::Relaxed), 1);
    waits.pop();
    assert_eq!(receipts.active(), 255);
    assert_eq!(receipts.check_room(PAIRS_MAX), Ok(()));
    assert_eq!(receipts.check_room(PAIRS_MAX + 1), Err(Full));
}
