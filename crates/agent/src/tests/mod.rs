//! Whole agents over real sockets on 127.0.0.1: some with a toy node that is alone, some with
//! native nodes that find each other.

mod api;
mod consume;
mod contract;
mod deliveries;
mod drain;
mod events;
mod group;
mod guards;
mod http;
mod keys;
mod manage;
mod openapi;
mod paths;
mod publish;
mod receipts;
mod reload;
mod start;
mod store;
mod stream;
mod subscriptions;
mod toy;
mod trace;
mod views;

use crate::{Agent, AgentConfig, Settings};
use std::future::Future;
use std::time::Duration;

/// Longer than anything may take here.
const LONG: Duration = Duration::from_secs(30);

/// Ports that the system chooses, and a name.
pub(crate) fn config(name: &str) -> AgentConfig {
    AgentConfig {
        name: Some(name.to_owned()),
        bind: "127.0.0.1:0".parse().unwrap(),
        api: "127.0.0.1:0".parse().unwrap(),
        ..AgentConfig::default()
    }
}

/// As [`config`], with a service that gets what `patterns` select.
fn config_with_app(name: &str, app: &http::Service, patterns: &[&str]) -> AgentConfig {
    AgentConfig {
        app: Some(format!("http://{}", app.addr).parse().unwrap()),
        subscribe: patterns.iter().map(|text| bruit_model::Pattern::parse(text).unwrap()).collect(),
        ..config(name)
    }
}

/// An agent with a toy node.
pub(crate) async fn toy(settings: impl Into<Settings>) -> Agent {
    Agent::start_with(settings, toy::start).await.unwrap()
}

/// Asks until the answer is there, and fails when that takes too long.
async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LONG, asked).await.unwrap_or_else(|_| panic!("never: {what}"))
}
