//! How an agent ends: deliveries end, the service can publish to its end, then goodbye.

use super::http::{Service, call, get};
use super::{LONG, config, config_with_app, toy, until};
use crate::Agent;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// Whether the connection is answered by a service that takes its time.
async fn accept(listener: &TcpListener) -> TcpStream {
    let mut stream = listener.accept().await.unwrap().0;
    while stream.read(&mut [0; 4096]).await.unwrap() == 0 {}
    stream
}

#[tokio::test]
async fn what_is_published_while_an_agent_drains_is_accepted_and_spread() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::start(200).await;
    let mut with_app = config_with_app("a", &service, &["a/**"]);
    with_app.app = Some(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    with_app.profile = crate::Profile::Local;
    let a = Agent::start(with_app).await.unwrap();
    let mut other = config_with_app("b", &service, &["all/**"]);
    other.join = vec![bruit_model::Target::Addr(a.ready().gossip)];
    other.profile = crate::Profile::Local;
    let b = Agent::start(other).await.unwrap();
    let api = a.ready().api;
    until("they know each other", async || {
        let members = get(api, "/v1/members").await.json();
        (members.as_array().unwrap().len() == 2).then_some(())
    })
    .await;
    let drain = a.drain();
    let publish = async {
        until("it drains", async || (get(api, "/readyz").await.status == 503).then_some(())).await;
        assert!(get(api, "/readyz").await.text().ends_with("\ndraining\n"));
        let answer = call(api, "POST /all/all/1", "Bruit-Wait: all\r\n", "x").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        assert_eq!(answer.json()["delivered"], 1);
        // What is for its own service waits: nothing new is begun.
        assert_eq!(call(api, "POST /all/a/1", "", "x").await.status, 202);
        let queued = || a.shared.delivery.status("app").unwrap().queued_items;
        until("it waits", async || (queued() == 1).then_some(())).await;
        // Now the service closes.
        drop(listener);
    };
    tokio::time::timeout(LONG, async { tokio::join!(drain, publish) }).await.unwrap();
    assert_eq!(service.got().len(), 1);
    assert_eq!(service.got()[0].line, "POST /all/1 HTTP/1.1");
    a.shutdown(true).await;
    until("it said goodbye", async || {
        let members = get(b.ready().api, "/v1/members").await.json();
        let a = members.as_array().unwrap().iter().find(|member| member["name"] == "a").cloned();
        a.is_some_and(|a| a["state"] == "left").then_some(())
    })
    .await;
}

#[tokio::test]
async fn what_is_under_way_ends_before_the_goodbye() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::start(200).await;
    let mut config = config_with_app("a", &service, &["**"]);
    config.app = Some(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    let agent = toy(config).await;
    let api = agent.ready().api;
    call(api, "POST /topics/1", "", "").await;
    let mut under_way = accept(&listener).await;
    assert_eq!(agent.shared.delivery.in_flight(), 1);
    let shared = std::sync::Arc::clone(&agent.shared);
    let ending = tokio::spawn(agent.shutdown(true));
    until("it is ending", async || (get(api, "/readyz").await.status == 503).then_some(())).await;
    assert!(!ending.is_finished(), "a delivery is under way");
    under_way.write_all(b"HTTP/1.1 204 X\r\n\r\n").await.unwrap();
    tokio::time::timeout(LONG, ending).await.unwrap().unwrap();
    let status = shared.delivery.status("app").unwrap();
    assert_eq!((status.delivered, status.in_flight), (1, 0));
    assert!(TcpStream::connect(api).await.is_err());
}

#[tokio::test]
async fn the_timeout_bounds_all_of_it() {
    // It accepts, and never answers nor closes.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let service = Service::start(200).await;
    let mut config = config_with_app("a", &service, &["**"]);
    config.app = Some(format!("http://{}", listener.local_addr().unwrap()).parse().unwrap());
    config.drain_timeout = Duration::from_millis(300);
    let agent = toy(config).await;
    call(agent.ready().api, "POST /topics/1", "", "").await;
    let _under_way = accept(&listener).await;
    let begin = Instant::now();
    agent.drain().await;
    assert!(begin.elapsed() >= Duration::from_millis(300));
    let again = Instant::now();
    agent.drain().await;
    agent.shutdown(true).await;
    assert!(again.elapsed() < Duration::from_millis(300), "the time has passed already");
}

#[tokio::test]
async fn without_a_service_it_is_over_at_once() {
    let agent = toy(config("a")).await;
    tokio::time::timeout(LONG, agent.drain()).await.unwrap();
    // One that has closed, or never was, is not waited for either.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let service = Service::start(200).await;
    let mut config = config_with_app("b", &service, &["**"]);
    config.app = Some(format!("http://{closed}").parse().unwrap());
    config.drain_timeout = Duration::from_secs(3600);
    let agent = toy(config).await;
    tokio::time::timeout(LONG, agent.drain()).await.unwrap();
}
