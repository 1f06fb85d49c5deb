//! One attempt, in the mode of the subscription.

use super::end::Ended;
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
                let answer = timeout(limit, shared.exchange(request, endpoint)).await;
                if answer.is_err() {
                    // It may be dead: who comes next makes a new one.
                    shared.close();
                }
                answer
            } else {
                timeout(limit, client.exchange(request, endpoint)).await
            };
            Ok(match answer {
                Ok(Ok(answer)) => Ended::answered(answer.status.as_u16(), answer.retry_after),
                Ok(Err(error)) => Ended::failed(error.to_string()),
                Err(_) => Ended::failed(AttemptError::Timeout(limit).to_string()),
            })
        }
        Mode::Exec(_) => Ok(Ended::refused("no program is started".to_owned())),
        Mode::Stream => Ok(Ended::refused("a stream has nobody to send to: it is read".to_owned())),
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
