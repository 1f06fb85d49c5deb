//! Real consumers that know nothing of Bruit: an agent beside each, and what they got.
//!
//! | suite | consumer | what is shown |
//! |---|---|---|
//! | `nginx` | Debian's nginx, HTTP/1.1 and HTTP/2 | requests and bodies arrive byte for byte |
//! | `alertmanager` | Debian's prometheus-alertmanager | an event becomes an alert by its own API |
//! | `cloudevents` | the official Python SDK | both modes are understood, all attributes |
//! | `webhook` | Debian's webhook, and an exec handler | one request runs a script on each host |

mod alertmanager;
mod cloudevents;
mod nginx;
mod scene;
mod webhook;

use crate::bruit;
use crate::process::logs;
use crate::report::{Report, say};
use crate::trouble::{During as _, Trouble};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long one suite may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Every suite.
pub(crate) const NAMES: [&str; 4] = ["nginx", "alertmanager", "cloudevents", "webhook"];

/// Runs the suite of that name; true if every check holds. With `keep`, its folder stays.
pub(crate) async fn run(name: &str, keep: bool) -> bool {
    let mut report = Report::new(say);
    match prepare(name).await {
        Ok((bruit, folder)) => {
            let begin = Instant::now();
            let played = Box::pin(play(name, &mut report, &bruit, folder.path()));
            let played = tokio::time::timeout(PATIENCE, played).await;
            if let Err(trouble) = played.during("the suite").and_then(|played| played) {
                report.check(false, &format!("the suite could not go on: {trouble}"));
            }
            if report.has_failures() {
                say(&format!("\nThe ends of the logs:\n{}", logs(folder.path())));
            }
            if keep {
                say(&format!("\nLogs and settings are in {}", folder.keep().display()));
            }
            say(&format!("\n{name} took {:.1} s", begin.elapsed().as_secs_f64()));
        }
        Err(trouble) => report.check(false, &format!("the suite could not begin: {trouble}")),
    }
    report.close()
}

/// The program to run as agents, and a folder for files.
async fn prepare(name: &str) -> Result<(PathBuf, TempDir), Trouble> {
    let bruit = bruit::program().await?;
    let folder = tempfile::Builder::new().prefix(&format!("bruit-{name}-")).tempdir();
    Ok((bruit, folder.during("a folder for the suite")?))
}

async fn play(name: &str, report: &mut Report, bruit: &Path, folder: &Path) -> Result<(), Trouble> {
    match name {
        "nginx" => nginx::play(report, bruit, folder).await,
        "alertmanager" => alertmanager::play(report, bruit, folder).await,
        "cloudevents" => cloudevents::play(report, bruit, folder).await,
        "webhook" => webhook::play(report, bruit, folder).await,
        other => Err(Trouble::new(format!("there is no suite {other}"))),
    }
}
