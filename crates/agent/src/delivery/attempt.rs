//! One attempt, in the mode of the subscription.

use super::end::{Ended, TAKEN};
use super::exec::{self, ExecAnswer, ExecError};
use super::http::{AttemptError, Client, Http2Cell};
use super::outcome::FailReason;
use super::stream::TestResult;
use super::{Mode, Subscription, replay};
use bruit_model::Item;
use tokio::time::{Instant, timeout};

/// Makes an attempt over the caller's connection, or over the one that is shared. `Err`: none can
/// be made.
pub(super) async fn make(
    client: &mut Client,
    shared: &Http2Cell,
    item: &Item,
    subscription: &Subscription,
) -> Result<Ended, FailReason> {
    let limit = subscription.policy.timeout;
    match &subscription.mode {
        Mode::Http(mode) => {
            let request =
                replay::request(item, subscription, mode).map_err(FailReason::Unreplayable)?;
            let endpoint = &mode.endpoint;
            let answer = if mode.http2 {
                let exchange = timeout(limit, shared.exchange(request, endpoint)).await;
                exchange.unwrap_or_else(|_elapsed| {
                    // It may be dead: who comes next makes a new one.
                    shared.close();
                    Err(AttemptError::Timeout(limit))
                })
            } else {
                client.exchange_within(limit, request, endpoint).await
            };
            Ok(match answer {
                Ok(answer) => Ended::answered(answer.status.as_u16(), answer.retry_after),
                Err(error) => Ended::failed(error.to_string()),
            })
        }
        Mode::Exec(program) => Ok(judge(exec::run(program, item, &subscription.name, limit).await)),
        Mode::Stream => Ok(Ended::refused("a stream has nobody to send to: it is read".to_owned())),
    }
}

/// What a program says by the way it ends. 0 is done. `EX_TEMPFAIL` (sysexits.h), an end by a
/// signal or for lack of time, and a program that cannot be started are tried again; all else is
/// refused.
fn judge(result: Result<ExecAnswer, ExecError>) -> Ended {
    const EX_TEMPFAIL: i32 = 75;
    match result {
        Ok(ExecAnswer { code: Some(0), .. }) => Ended::answered(TAKEN, None),
        Ok(ExecAnswer { code: Some(code), stderr_tail, .. }) => {
            let error = said(&format!("exited with {code}"), &stderr_tail);
            if code == EX_TEMPFAIL { Ended::failed(error) } else { Ended::refused(error) }
        }
        Ok(ExecAnswer { signal, stderr_tail, .. }) => {
            let signal = signal.unwrap_or_default();
            Ended::failed(said(&format!("ended by signal {signal}"), &stderr_tail))
        }
        Err(error) => {
            let tail = match &error {
                ExecError::Timeout { stderr_tail, .. } => stderr_tail.as_str(),
                ExecError::Start { .. } | ExecError::Wait(_) => "",
            };
            Ended::failed(said(&error.to_string(), tail))
        }
    }
}

/// How a program ended, with the last line that it wrote to standard error.
fn said(how: &str, stderr_tail: &str) -> String {
    match stderr_tail.trim_end().lines().next_back() {
        None | Some("") => how.to_owned(),
        Some(line) => format!("{how}: {line}"),
    }
}

/// Makes one attempt that counts nowhere.
pub(super) async fn test(subscription: &Subscription, item: &Item) -> TestResult {
    let began = Instant::now();
    let (mut client, shared) = (Client::default(), Http2Cell::default());
    let (status, error) = match make(&mut client, &shared, item, subscription).await {
        Ok(ended) => (ended.status, ended.error),
        Err(reason) => (None, Some(reason.to_string())),
    };
    TestResult { status, error, after: began.elapsed() }
}
