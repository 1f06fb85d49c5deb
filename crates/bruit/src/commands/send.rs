//! `bruit send` and `bruit publish`.

use super::cloudevent;
use crate::args::{ItemArgs, PublishArgs, SendArgs};
use crate::client::{Ask, Client, Receipt, Summary, encode_path};
use crate::exit::{Exit, Failure};
use crate::out::{self, Cell, Out, Table};
use http::{HeaderName, HeaderValue, Method};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// How much longer than for the receipts to wait for the agent's answer. Guess.
const ANSWER_MARGIN: Duration = Duration::from_secs(5);

/// Sends an HTTP request to every service subscribed to its path.
pub(crate) async fn send(args: SendArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let method = Method::from_bytes(args.method.as_bytes())
        .map_err(|_| Failure::usage(format!("{:?} is not a method", args.method)))?;
    let (path, query) = match args.path.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (args.path.as_str(), None),
    };
    let mut target = format!("/all/{}", encode_path(path.strip_prefix('/').unwrap_or(path)));
    if let Some(query) = query {
        target += "?";
        target += &query.replace(' ', "%20");
    }
    let mut client = Client::new(&args.address, args.item.timeout + ANSWER_MARGIN)?;
    let ask = client.load(ask(method, target, &args.item)?).await?;
    give(&mut client, &out, &args.item, ask).await
}

/// Publishes an event, once or several times.
pub(crate) async fn publish(args: PublishArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let topic = args.topic.trim_start_matches('/');
    let target = format!("/topics/{}", encode_path(topic));
    let mut client = Client::new(&args.address, args.item.timeout + ANSWER_MARGIN)?;
    if client.is_curl() && args.count != 1 {
        out::tell("note: --count and --rate are this command's own; curl publishes once");
    }
    let ask = client.load(ask(Method::POST, target, &args.item)?).await?;
    let mut worst = Exit::Ok;
    let begin = Instant::now();
    for number in 0..args.count {
        if let Some(rate) = args.rate {
            tokio::time::sleep_until(begin + due(number, rate)).await;
        }
        let ask = cloudevent::with_attributes(ask.clone(), &args.event)?;
        let exit = give(&mut client, &out, &args.item, ask).await?;
        worst = if exit == Exit::Ok { worst } else { exit };
    }
    Ok(worst)
}

/// When after the first the one with this number is due.
fn due(number: u64, rate: u32) -> Duration {
    let (whole, rest) = (number / u64::from(rate), number % u64::from(rate));
    Duration::from_secs(whole) + Duration::from_secs(rest) / rate
}

fn ask(method: Method, target: String, item: &ItemArgs) -> Result<Ask, Failure> {
    let mut ask = Ask::new(method, target).data(item.data.clone());
    for (name, value) in &item.headers {
        ask = ask.header(name.clone(), value.clone());
    }
    let timeout = item.wait.as_ref().map(|_| format!("{}ms", item.timeout.as_millis()));
    for (name, flag, value) in [
        ("bruit-host", "--host", &item.host),
        ("bruit-wait", "--wait", &item.wait),
        ("bruit-timeout", "--timeout", &timeout),
    ] {
        let Some(text) = value else { continue };
        let value = HeaderValue::from_str(text)
            .map_err(|_| Failure::usage(format!("{flag} {text:?} cannot stand in a header")))?;
        ask = ask.header(HeaderName::from_static(name), value);
    }
    Ok(ask)
}

/// Gives the item to the agent, and prints what became of it.
async fn give(client: &mut Client, out: &Out, item: &ItemArgs, ask: Ask) -> Result<Exit, Failure> {
    let answer = client.ask(ask).await?;
    let value: Value = answer.json()?;
    if out.is_json() {
        out.json(&value)?;
    }
    if item.wait.is_none() {
        let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
        if !out.is_json() {
            out.line(&format!("item {}  {}", text("id"), text("path")))?;
        }
        if value["subscribers"].as_u64() == Some(0) {
            out::tell(&unheard(&text("path"), value["hint"].as_str()));
        }
        return Ok(Exit::Ok);
    }
    let summary: Summary = answer.json()?;
    if summary.expected == 0 {
        return Err(nobody(&summary));
    }
    if !out.is_json() {
        out.line(&delivered(&summary))?;
        let rest: Vec<&Receipt> =
            summary.nodes.iter().filter(|receipt| receipt.outcome != "delivered").collect();
        if !summary.met {
            out.table(&receipts(&rest))?;
        }
    }
    if summary.met {
        return Ok(Exit::Ok);
    }
    let (some, all) = (summary.delivered, summary.expected);
    out::tell(&format!("error: delivered to {some} of {all} within {:?}", item.timeout));
    Ok(Exit::Incomplete)
}

/// `item 4T…  cache/users/42  5 of 5 delivered (p50 4.1 ms, max 11 ms)`
pub(crate) fn delivered(summary: &Summary) -> String {
    let Summary { id, path, delivered, expected, .. } = summary;
    let times = summary
        .median_and_max_ms()
        .map(|(median, max)| format!(" (p50 {}, max {})", out::millis(median), out::millis(max)));
    let times = times.unwrap_or_default();
    format!("item {id}  {path}  {delivered} of {expected} delivered{times}")
}

/// What to say of an item for which nobody is subscribed at the moment.
fn unheard(path: &str, hint: Option<&str>) -> String {
    let said = || format!("nobody is subscribed to \"{path}\"");
    format!("warning: {}", hint.map_or_else(said, str::to_owned))
}

fn nobody(summary: &Summary) -> Failure {
    let (path, id) = (&summary.path, &summary.id);
    let said = format!("nobody is subscribed to \"{path}\"");
    let text = summary.hint.clone().unwrap_or(said);
    let (cause, close) = match text.split_once("; ") {
        Some((cause, close)) => (cause.to_owned(), Some(close.to_owned())),
        None => (text, None),
    };
    let failure = Failure::new(Exit::Incomplete, cause);
    let failure = close.into_iter().fold(failure, Failure::detail);
    failure.detail(format!("the item was still spread (id {id})"))
}

fn receipts(receipts: &[&Receipt]) -> Table {
    let mut table = Table::new(&["NODE", "SUBSCRIPTION", "OUTCOME", "STATUS", "ATTEMPTS"]);
    for receipt in receipts {
        let number = |number: Option<u16>| number.map(|n| n.to_string()).unwrap_or_default();
        table.row([
            receipt.name.as_str().into(),
            receipt.subscription.as_str().into(),
            Cell::state(&receipt.outcome),
            number(receipt.status).into(),
            number(receipt.attempts).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(expected: usize, hint: Option<&str>) -> Summary {
        let (id, path) = ("ID".to_owned(), "cache/a".to_owned());
        let (nodes, hint) = (Vec::new(), hint.map(str::to_owned));
        Summary { id, path, met: true, expected, delivered: expected, nodes, hint }
    }

    #[test]
    fn that_nobody_is_subscribed_is_incomplete_and_says_what_comes_close() {
        let close = "nobody is subscribed to \"cache/a\"; subscriptions that come close: \"b\" (c)";
        let failure = nobody(&summary(0, Some(close)));
        assert_eq!(failure.exit, Exit::Incomplete);
        let expected = "error: nobody is subscribed to \"cache/a\"\n  \
                        subscriptions that come close: \"b\" (c)\n  \
                        the item was still spread (id ID)";
        assert_eq!(failure.text().as_deref(), Some(expected));
    }

    #[test]
    fn a_delivery_is_one_line() {
        assert_eq!(delivered(&summary(2, None)), "item ID  cache/a  2 of 2 delivered");
    }

    #[test]
    fn a_rate_spreads_publications_evenly() {
        let all = [0, 1, 3, 4].map(|number| due(number, 3).as_millis());
        assert_eq!(all, [0, 333, 1000, 1333]);
        assert_eq!(due(u64::from(u32::MAX), u32::MAX), Duration::from_secs(1));
    }

    #[test]
    fn that_nobody_is_subscribed_is_said() {
        assert_eq!(unheard("a", None), "warning: nobody is subscribed to \"a\"");
        assert_eq!(unheard("a", Some("close: b")), "warning: close: b");
    }
}
