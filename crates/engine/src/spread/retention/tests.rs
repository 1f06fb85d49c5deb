use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Instant {
    Instant::ZERO + SECOND * u32::try_from(seconds).unwrap()
}

fn bounds(items_max: u32, bytes_max: u64, age_s: u32) -> Bounds {
    Bounds { items_max, bytes_max, age_max: SECOND * age_s }
}

fn keys(retention: &Retention<u8, u32>, group: u8) -> Vec<u32> {
    retention.keys(&group).copied().collect()
}

#[test]
fn the_oldest_go_when_there_are_too_many() {
    let mut retention = Retention::new();
    let few = bounds(2, 100, 10);
    assert_eq!(retention.insert(at(0), 9, 1, &1, &few), []);
    assert_eq!(retention.insert(at(0), 3, 1, &1, &few), []);
    assert_eq!(retention.insert(at(0), 5, 1, &1, &few), [9]);
    assert_eq!(keys(&retention, 1), [3, 5]);
    assert_eq!(*retention.shed(), Shed { by_count: 1, ..Shed::default() });
}

#[test]
fn the_oldest_go_until_the_bytes_fit() {
    let mut retention = Retention::new();
    let small = bounds(100, 10, 10);
    for (key, bytes) in [(1, 4), (2, 3), (3, 3)] {
        assert_eq!(retention.insert(at(0), key, bytes, &1, &small), []);
    }
    assert_eq!(retention.insert(at(0), 4, 5, &1, &small), [1, 2]);
    assert_eq!((retention.bytes(&1), retention.bytes_total(), retention.len()), (8, 8, 2));
    assert_eq!(retention.shed().by_bytes, 2);
}

#[test]
fn what_has_no_room_by_itself_is_refused_and_sheds_nothing() {
    let mut retention = Retention::new();
    retention.insert(at(0), 1, 4, &1, &bounds(3, 10, 10));
    assert_eq!(retention.insert(at(0), 2, 11, &1, &bounds(3, 10, 10)), [2]);
    assert_eq!(retention.insert(at(0), 2, 10, &2, &bounds(0, 10, 10)), [2]);
    assert_eq!(retention.insert(at(0), 2, 10, &2, &bounds(1, 10, 0)), [2]);
    assert_eq!(retention.insert(at(0), 2, 10, &2, &bounds(1, 10, 1)), []);
    assert_eq!(retention.shed().refused, 3);
    assert_eq!((keys(&retention, 1), keys(&retention, 2)), (vec![1], vec![2]));
}

#[test]
fn items_expire_in_order_and_groups_apart() {
    let mut retention = Retention::new();
    retention.insert(at(0), 1, 1, &1, &bounds(9, 9, 10));
    retention.insert(at(1), 2, 1, &2, &bounds(9, 9, 3));
    retention.insert(at(2), 3, 1, &1, &bounds(9, 9, 10));
    assert_eq!(retention.next_timeout(), Some(at(4)));
    assert_eq!(retention.expire(at(3)), []);
    assert_eq!(retention.expire(at(4)), [2]);
    assert_eq!(retention.next_timeout(), Some(at(10)));
    assert_eq!(retention.expire(at(60)), [1, 3]);
    assert_eq!((retention.next_timeout(), retention.is_empty()), (None, true));
    assert_eq!(retention.shed().by_age, 3);
    assert!(retention.groups.is_empty());
}

#[test]
fn a_clock_that_goes_back_does_not_reorder() {
    let mut retention = Retention::new();
    retention.insert(at(5), 1, 1, &1, &bounds(9, 9, 10));
    retention.insert(at(2), 2, 1, &1, &bounds(9, 9, 10));
    assert_eq!(retention.expire(at(12)), []);
    assert_eq!(retention.expire(at(15)), [1, 2]);
}

#[test]
fn a_key_is_kept_once_and_can_be_removed() {
    let mut retention = Retention::new();
    let wide = bounds(9, 9, 10);
    retention.insert(at(0), 1, 2, &1, &wide);
    retention.insert(at(1), 2, 2, &1, &wide);
    assert_eq!(retention.insert(at(2), 1, 2, &1, &wide), []);
    assert_eq!((keys(&retention, 1), retention.bytes(&1)), (vec![1, 2], 4));
    assert!(retention.remove(&1));
    assert!(!retention.remove(&1));
    assert!(!retention.contains(&1) && retention.contains(&2));
    assert_eq!((retention.next_timeout(), retention.bytes(&1)), (Some(at(11)), 2));
    assert!(retention.remove(&2));
    assert_eq!((retention.next_timeout(), retention.len()), (None, 0));
    assert_eq!(*retention.shed(), Shed::default());
}

#[test]
fn new_bounds_hold_at_once_for_what_is_there() {
    let mut retention = Retention::new();
    for key in 0..5_u32 {
        retention.insert(at(u64::from(key)), key, 1, &1, &bounds(9, 9, 100));
    }
    assert_eq!(retention.set_bounds(&1, &bounds(3, 9, 50)), [0, 1]);
    assert_eq!(retention.next_timeout(), Some(at(52)));
    assert_eq!(retention.insert(at(5), 9, 1, &1, &bounds(3, 2, 50)), [2, 3]);
    assert_eq!(retention.set_bounds(&7, &bounds(0, 0, 0)), [], "an empty group has no bounds");
}

#[test]
fn sums_beyond_64_bits_do_not_wrap() {
    let mut retention = Retention::new();
    let endless = bounds(u32::MAX, u64::MAX - 1, 10);
    retention.insert(at(0), 1, u64::MAX - 1, &1, &endless);
    assert_eq!(retention.insert(at(0), 2, u64::MAX - 1, &1, &endless), [1]);
}
