//! Subscriptions that come, change and go while the agent runs.

use super::http::{Service, call, get};
use super::{config, config_with_app, toy, until};
use crate::Agent;
use crate::delivery::{Source, SubscriptionSpec};
use crate::subscriptions::{Entry, Put, Refused, Subscriptions};
use bruit_model::Command;
use serde_json::json;

fn entry(pattern: &str, service: &Service, source: Source) -> Entry {
    let endpoint = Some(format!("http://{}", service.addr));
    let spec =
        SubscriptionSpec { pattern: pattern.to_owned(), endpoint, ..SubscriptionSpec::default() };
    Entry { spec, source }
}

/// What the group is told, of all members.
async fn announced(agent: &Agent) -> Vec<(String, String)> {
    let listed = get(agent.ready().api, "/v1/subscriptions").await.json();
    let pair = |each: &serde_json::Value| {
        let text = |key: &str| each[key].as_str().unwrap().to_owned();
        (text("name"), text("pattern"))
    };
    listed.as_array().unwrap().iter().map(pair).collect()
}

fn pair(name: &str, pattern: &str) -> (String, String) {
    (name.to_owned(), pattern.to_owned())
}

#[tokio::test]
async fn one_is_added_changed_and_removed_and_the_group_knows() {
    let service = Service::start(200).await;
    let agent = toy(config("a")).await;
    let put =
        |pattern| Subscriptions::put(&agent.shared, "x", entry(pattern, &service, Source::Api));
    assert_eq!(put("a/**").await.unwrap(), Put::Added);
    assert_eq!(announced(&agent).await, [pair("x", "a/**")]);
    assert_eq!(put("a/**").await.unwrap(), Put::Unchanged);
    assert_eq!(put("b/**").await.unwrap(), Put::Changed);
    assert_eq!(announced(&agent).await, [pair("x", "b/**")]);
    let api = agent.ready().api;
    call(api, "POST /topics/b/1", "", "").await;
    until("it is delivered", async || (service.got().len() == 1).then_some(())).await;
    let specs = agent.shared.subscriptions.list_specs();
    assert_eq!(specs, [("x".to_owned(), entry("b/**", &service, Source::Api))]);
    let removed = Subscriptions::remove(&agent.shared, "x", Source::Api).await;
    assert_eq!(removed.unwrap(), 0);
    assert_eq!(announced(&agent).await, []);
    assert_eq!(agent.shared.subscriptions.get("x"), None);
    assert!(agent.shared.delivery.list().is_empty());
    let again = Subscriptions::remove(&agent.shared, "x", Source::Api).await;
    assert!(matches!(again, Err(Refused::Unknown(_))), "{again:?}");
}

#[tokio::test]
async fn what_waits_stays_over_a_change_and_is_dropped_by_removal() {
    let service = Service::start(200).await;
    let agent = toy(config("a")).await;
    let (api, shared) = (agent.ready().api, &agent.shared);
    Subscriptions::put(shared, "x", entry("a/**", &service, Source::Api)).await.unwrap();
    assert!(shared.delivery.pause("x"));
    for path in ["/topics/a/1", "/topics/a/2"] {
        call(api, &format!("POST {path}"), "", "").await;
    }
    let queued = || shared.delivery.snapshot()[0].queued_items;
    until("both wait", async || (queued() == 2).then_some(())).await;
    Subscriptions::put(shared, "x", entry("b/**", &service, Source::Api)).await.unwrap();
    assert_eq!(queued(), 2);
    assert_eq!(Subscriptions::remove(shared, "x", Source::Api).await.unwrap(), 2);
    assert_eq!(service.got().len(), 0);
}

#[tokio::test]
async fn settings_are_changed_by_settings_only_and_win() {
    let service = Service::start(200).await;
    let agent = toy(config_with_app("a", &service, &["a/**"])).await;
    let shared = &agent.shared;
    let of_api = entry("b/**", &service, Source::Api);
    let refused = Subscriptions::put(shared, "app", of_api.clone()).await;
    assert!(matches!(refused, Err(Refused::OfSettings(_))), "{refused:?}");
    let refused = Subscriptions::remove(shared, "app", Source::Api).await;
    assert!(matches!(refused, Err(Refused::OfSettings(_))), "{refused:?}");
    assert_eq!(announced(&agent).await, [pair("app", "a/**")]);
    Subscriptions::put(shared, "x", of_api).await.unwrap();
    let of_settings = entry("c/**", &service, Source::Settings);
    let put = Subscriptions::put(shared, "x", of_settings.clone()).await.unwrap();
    assert_eq!(put, Put::Changed);
    assert_eq!(shared.subscriptions.get("x"), Some(of_settings));
}

#[tokio::test]
async fn a_bad_one_changes_nothing() {
    let service = Service::start(200).await;
    let agent = toy(config("a")).await;
    let shared = &agent.shared;
    let refused = Subscriptions::put(shared, "x", entry("a*", &service, Source::Api)).await;
    assert!(matches!(refused, Err(Refused::Spec(_))), "{refused:?}");
    let refused = Subscriptions::put(shared, "A b", entry("a", &service, Source::Api)).await;
    assert!(matches!(refused, Err(Refused::Spec(_))), "{refused:?}");
    assert_eq!(announced(&agent).await, []);
    assert!(shared.delivery.list().is_empty());
}

#[tokio::test]
async fn one_that_cannot_be_announced_is_refused() {
    let service = Service::start(200).await;
    let agent = Agent::start(config("a")).await.unwrap();
    let shared = &agent.shared;
    let put = |name: &'static str, pattern: &str| {
        Subscriptions::put(&agent.shared, name, entry(pattern, &service, Source::Api))
    };
    assert_eq!(put("first", "a").await.unwrap(), Put::Added);
    // Metadata until a member may have no more: 10 bytes of key and value are left at most.
    for (length, number) in [(10_000, 0), (1000, 100), (100, 200), (10, 300)] {
        for key in number.. {
            let tag = (format!("{key:03}"), Some(vec![b'x'; length - 3]));
            let set = shared.node.command(Command::SetMetadata(vec![tag])).await.unwrap();
            if set.is_err() {
                break;
            }
        }
    }
    let long = "x".repeat(60);
    let error = put("second", &long).await.unwrap_err();
    assert!(matches!(error, Refused::Announce(_)), "{error:?}");
    assert!(error.to_string().starts_with("it cannot be announced to the group: "), "{error}");
    let error = put("first", &long).await.unwrap_err();
    assert!(matches!(error, Refused::Announce(_)), "{error:?}");
    let first = entry("a", &service, Source::Api);
    assert_eq!(shared.subscriptions.list_specs(), [("first".to_owned(), first)]);
    assert_eq!(shared.delivery.list().len(), 1);
    assert_eq!(shared.delivery.list()[0].pattern.as_str(), "a");
    assert_eq!(announced(&agent).await, [pair("first", "a")]);
}

#[tokio::test]
async fn those_who_watch_are_told() {
    let service = Service::start(200).await;
    let agent = toy(config("a")).await;
    let shared = &agent.shared;
    let _watch = shared.changes.watch();
    let from = shared.changes.next_id();
    for pattern in ["a", "b"] {
        Subscriptions::put(shared, "x", entry(pattern, &service, Source::Api)).await.unwrap();
    }
    Subscriptions::remove(shared, "x", Source::Api).await.unwrap();
    let crate::changes::Read::Changes(changes) = shared.changes.read(from, 100) else {
        panic!("a gap")
    };
    let told: Vec<_> = changes
        .iter()
        .filter(|change| change.kind == crate::changes::Kind::Subscription)
        .map(|change| serde_json::from_str::<serde_json::Value>(&change.json).unwrap())
        .map(|change| json!([change["change"], change["subscription"]["pattern"]]))
        .collect();
    assert_eq!(told, [json!(["added", "a"]), json!(["changed", "b"]), json!(["removed", "b"])]);
}
