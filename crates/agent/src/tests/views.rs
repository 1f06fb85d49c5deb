//! The field names of the API, as users rely on them.

use super::http::{Service, call, get};
use super::{config_with_app, toy};
use serde_json::Value;

/// The names of an object's fields, in alphabetical order.
fn names(value: &Value) -> String {
    let mut names: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names.join(" ")
}

#[tokio::test]
async fn field_names_are_frozen() {
    let service = Service::start(404).await;
    let agent = toy(config_with_app("a", &service, &["**"])).await;
    let api = agent.ready().api;
    let summary = call(api, "PURGE /all/x", "Bruit-Wait: all\r\n", "").await.json();
    let accepted = call(api, "POST /topics/x", "", "").await.json();
    let id = summary["id"].as_str().unwrap();
    let item = get(api, &format!("/v1/items/{id}")).await.json();
    let summary_names = "delivered expected failed hint id met missing nodes path";
    let item_names = "accepted_unix_ms content_type expires_unix_ms host id kind method origin \
                      path payload_bytes rounds_left style target";
    let status_names = "advertise api counters generation gossip id items_held items_held_bytes \
                        keyed members name persistent pid profile socket_buffer_bytes \
                        store subscriptions uptime_seconds version warnings";
    let status_of_one = "accepted dead_letters dead_letters_shed delivered endpoint expired \
                         failed gaps_skipped in_flight last_error last_status mode name \
                         oldest_queued_millis pattern queued_bytes queued_items retried shed \
                         state why";
    let local_names = "accepted dead_letters dead_letters_shed delivered endpoint expired failed \
                       filter from gaps_skipped health in_flight last_error last_status mode \
                       name oldest_queued_millis order pattern queued_bytes queued_items retried \
                       shed source state why";
    let status = get(api, "/v1/status").await.json();
    assert_eq!(names(&status["subscriptions"][0]), status_of_one);
    let subscription = &get(api, "/v1/subscriptions").await.json()[0];
    for (value, expected) in [
        (&accepted, "hint id path stored subscribers"),
        (&summary, summary_names),
        (&summary["nodes"][0], "after_ms attempts name node outcome status subscription"),
        (&get(api, "/v1/items").await.json()[0], item_names),
        (&item["receipts"], summary_names),
        (
            &get(api, "/v1/members").await.json()[0],
            "address conflict generation id incarnation metadata name rtt_ms self since_seconds \
             state subscriptions why",
        ),
        (subscription, "local name node node_name node_state pattern"),
        (&subscription["local"], local_names),
        (
            &get(api, "/v1/topics").await.json()[0],
            "expiry_ms fanout order pattern period_ms repair retain_bytes retain_items retain_ms \
             stop style",
        ),
        (
            &get(api, "/v1/deliveries?state=failed").await.json()[0],
            "attempts id item next_attempt_millis path reason state status subscription \
             unix_millis",
        ),
        (&get(api, "/v1/status").await.json(), status_names),
        (&get(api, "/nowhere").await.json(), "detail hint status title type"),
    ] {
        assert_eq!(names(value), expected);
    }
    assert!(names(&item).contains("headers"), "{item}");
}
