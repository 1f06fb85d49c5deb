//! How many bytes the frames of an idle group take.

use super::tests::plain_item;
use crate::*;
use bruit_engine::membership::swim::message::Update;
use bruit_engine::membership::swim::{Incarnation, Seq};
use bruit_model::{Item, MemberRecord, NodeId, Path};

/// The byte budget of `docs/wire.md`.
#[test]
fn an_idle_probe_is_small() {
    let summary = Summary { members: u64::MAX, items: u64::MAX };
    let (seq, target) = (Seq(u32::MAX), NodeId([0xff; 16]));
    assert_eq!(Frame::Ping { seq, target, summary }.encoded_len(), 38);
    assert_eq!(Frame::Ack { seq, summary }.encoded_len(), 22);
    assert_eq!(Frame::PingReq { seq, target, wants_nack: true }.encoded_len(), 23);
    assert_eq!(Frame::Nack { seq }.encoded_len(), 6);
    let (id, incarnation) = (NodeId([1; 16]), Incarnation(1));
    assert_eq!(update_len(&Update::Left { id, incarnation }), 19);
    assert_eq!(update_len(&Update::Suspect { id, incarnation, from: id }), 35);
    let record = MemberRecord { name: "cache-17".into(), addr: ([10, 0, 0, 17], 7071).into() };
    assert_eq!(update_len(&Update::Alive { id, incarnation, record }), 35);
    let item = Item { path: Path::parse("cache/users/42").unwrap(), ..plain_item(100) };
    assert_eq!(item_len(&item), 3 + 38 + 15 + 1 + 101);
    let buckets = Frame::Buckets { subject: Subject::Items, sums: Box::new([0; 64]) };
    assert_eq!(buckets.encoded_len(), 516);
}
