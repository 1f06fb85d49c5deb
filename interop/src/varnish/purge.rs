//! One `curl -X PURGE` to one agent, and what the agent said about it.

use crate::http::get_json;
use crate::trouble::{During as _, Trouble};
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;

/// What is to be purged, and how.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purge<'a> {
    /// The site; `None` leaves out `Bruit-Host`.
    pub(super) host: Option<&'a str>,
    /// The object, as in a request line.
    pub(super) target: &'a str,
    /// What `Bruit-Wait` says.
    pub(super) wait: &'a str,
}

/// Who got an item, as the agent that took it knows.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Summary {
    /// The item.
    pub(super) id: String,
    /// Whether what was waited for came.
    pub(super) met: bool,
    /// How many deliveries were expected.
    pub(super) expected: usize,
    /// How many services took it.
    pub(super) delivered: usize,
    /// How many will not get it.
    pub(super) failed: usize,
    /// Of how many nothing is known.
    pub(super) missing: usize,
    /// Each of them.
    pub(super) nodes: Vec<Receipt>,
}

/// One expected delivery.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Receipt {
    /// The name of the agent.
    pub(super) name: String,
    /// `delivered`, `failed` or `missing`.
    pub(super) outcome: String,
    /// What the service answered.
    pub(super) status: Option<u16>,
    /// How often it was tried.
    pub(super) attempts: Option<u16>,
    /// From the acceptance until the agent that took it knew, in milliseconds.
    pub(super) after_ms: Option<f64>,
}

impl Summary {
    /// `delivered/failed/missing of expected`, and how long the last delivery took.
    pub(super) fn shown(&self) -> String {
        let Self { id, expected, delivered, failed, missing, .. } = self;
        let last = self.nodes.iter().filter_map(|node| node.after_ms).fold(0.0, f64::max);
        format!(
            "item {id}: {delivered} of {expected} delivered, {failed} failed, {missing} missing; \
             the last after {last:.1} ms"
        )
    }

    /// The agents whose services took it with 200.
    pub(super) fn takers(&self) -> Vec<&str> {
        let took = |node: &&Receipt| node.outcome == "delivered" && node.status == Some(200);
        self.nodes.iter().filter(took).map(|node| &*node.name).collect()
    }

    /// What is known now of the item.
    ///
    /// # Errors
    /// The agent that took it does not tell.
    pub(super) async fn later(&self, api: SocketAddr) -> Result<Self, Trouble> {
        let item = get_json(api, &format!("/v1/items/{}", self.id)).await?;
        Self::deserialize(&item["receipts"]).during("the receipts of the item")
    }
}

/// The `curl` of this machine.
#[derive(Debug)]
pub(super) struct Curl(pub(super) PathBuf);

impl Curl {
    /// The command line, as it is run and as a person would type it.
    fn words(purge: Purge<'_>, api: SocketAddr) -> Vec<String> {
        let mut words: Vec<String> = ["-sS", "-X", "PURGE"].map(str::to_owned).to_vec();
        if let Some(host) = purge.host {
            words.extend(["-H".to_owned(), format!("Bruit-Host: {host}")]);
        }
        words.extend(["-H".to_owned(), format!("Bruit-Wait: {}", purge.wait)]);
        words.push(format!("http://{api}/all{}", purge.target));
        words
    }

    /// The command line to show.
    pub(super) fn shown(purge: Purge<'_>, api: SocketAddr) -> String {
        let quoted = |word: String| {
            if word.contains([' ', '?', '&', '*']) { format!("'{word}'") } else { word }
        };
        let words = Self::words(purge, api).into_iter().map(quoted);
        format!("$ curl {}", words.collect::<Vec<_>>().join(" "))
    }

    /// Runs it; the status and what the agent said.
    ///
    /// # Errors
    /// `curl` fails, or the answer is no summary.
    pub(super) async fn run(
        &self,
        purge: Purge<'_>,
        api: SocketAddr,
    ) -> Result<(u16, Summary), Trouble> {
        let mut command = tokio::process::Command::new(&self.0);
        // No settings of the user, no proxy; the status on a line of its own at the end.
        command.args(["-q", "--noproxy", "*", "--max-time", "20", "-w", "\n%{http_code}"]);
        command.args(Self::words(purge, api)).stdin(Stdio::null()).kill_on_drop(true);
        let output = command.output().await.during("curl")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        if !output.status.success() {
            let error = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Trouble::new(format!("curl: {}: {error}{text}", output.status)));
        }
        let (body, status) = text.rsplit_once('\n').unwrap_or(("", &text));
        let status = status.parse().during("the status from curl")?;
        let summary = serde_json::from_str(body).during(&format!("{status} {body}"))?;
        Ok((status, summary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PURGE: Purge<'_> = Purge { host: Some("a.test"), target: "/x?y=1&z", wait: "all" };

    #[test]
    fn the_command_line_can_be_typed() {
        let api = "127.0.0.1:7070".parse().unwrap();
        let line = "$ curl -sS -X PURGE -H 'Bruit-Host: a.test' -H 'Bruit-Wait: all' \
                    'http://127.0.0.1:7070/all/x?y=1&z'";
        assert_eq!(Curl::shown(PURGE, api), line);
        let line = "$ curl -sS -X PURGE -H 'Bruit-Wait: 4' http://127.0.0.1:7070/all/x";
        assert_eq!(Curl::shown(Purge { host: None, target: "/x", wait: "4" }, api), line);
    }

    #[test]
    fn a_summary_tells_who_took_it() {
        let json = r#"{"id":"1-2","path":"x","met":true,"expected":3,"delivered":1,"failed":1,
            "missing":1,"hint":null,"nodes":[
            {"node":"0","name":"a","subscription":"app","outcome":"delivered","status":200,
             "attempts":1,"after_ms":2.55},
            {"node":"1","name":"b","subscription":"app","outcome":"failed","status":405,
             "attempts":1,"after_ms":3.0},
            {"node":"2","name":"c","subscription":"app","outcome":"missing","status":null,
             "attempts":null,"after_ms":null}]}"#;
        let summary: Summary = serde_json::from_str(json).unwrap();
        assert_eq!(summary.takers(), ["a"]);
        let text = "item 1-2: 1 of 3 delivered, 1 failed, 1 missing; the last after 3.0 ms";
        assert_eq!(summary.shown(), text);
    }
}
