//! Five Varnish caches, an agent beside each, and one `curl -X PURGE`.
//!
//! Varnish is Debian's, set up to accept PURGE as its manual says (`varnish/default.vcl`) and
//! otherwise as it comes. That a cache dropped an object is read from its own answers: `Age`,
//! `X-Varnish`, the number that the origin wrote into the copy, and `varnishstat`; and from how
//! often the origin was asked.

mod cache;
mod objects;
mod origin;
mod purge;
mod rounds;
mod scene;
mod sweep;

use crate::bruit;
use crate::process::logs;
use crate::report::{Report, say};
use crate::trouble::{During as _, Trouble};
use scene::Scene;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long the whole suite may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs the suite; true if every check holds. With `keep`, its folder stays.
pub(crate) async fn run(keep: bool) -> bool {
    let mut report = Report::new(say);
    match prepare().await {
        Ok((bruit, folder)) => {
            let begin = Instant::now();
            let played = Box::pin(play(&mut report, &bruit, folder.path()));
            let played = tokio::time::timeout(PATIENCE, played).await;
            let played = played.during("the suite").and_then(|played| played);
            if let Err(trouble) = played {
                report.check(false, &format!("the suite could not go on: {trouble}"));
            }
            if report.has_failures() {
                say(&format!("\nThe ends of the logs:\n{}", logs(folder.path())));
            }
            if keep {
                say(&format!("\nLogs and settings are in {}", folder.keep().display()));
            }
            say(&format!("\nvarnish took {:.1} s", begin.elapsed().as_secs_f64()));
        }
        Err(trouble) => report.check(false, &format!("the suite could not begin: {trouble}")),
    }
    report.close()
}

/// The program to run as agents, and a folder for files.
async fn prepare() -> Result<(PathBuf, TempDir), Trouble> {
    let bruit = bruit::program().await?;
    let folder = tempfile::Builder::new().prefix("bruit-varnish-").tempdir();
    Ok((bruit, folder.during("a folder for the suite")?))
}

async fn play(report: &mut Report, bruit: &Path, folder: &Path) -> Result<(), Trouble> {
    report.step("five caches in front of one origin, an agent beside each");
    let mut scene = Box::pin(Scene::start(bruit, folder)).await?;
    rounds::meet(&scene, report).await?;
    rounds::fill(&mut scene, report).await?;
    rounds::plain(&mut scene, report).await?;
    rounds::exact(&mut scene, report).await?;
    rounds::nothing(&mut scene, report).await?;
    rounds::frozen(&mut scene, report).await?;
    rounds::down(&mut scene, report).await?;
    rounds::end(scene, report).await
}
