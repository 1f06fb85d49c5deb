//! The origin, the caches in front of it and the agents beside them.

use super::cache::{Cache, Counters, Programs, vcl};
use super::objects::OBJECTS;
use super::origin::Origin;
use super::purge::{Curl, Purge, Summary};
use super::sweep::{Sight, Sweep};
use crate::bruit::{Agent, Settings};
use crate::process::{find, until};
use crate::report::Report;
use crate::trouble::{During as _, Trouble};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many caches.
pub(super) const CACHES: usize = 5;
/// How long all agents may take to know all others.
const MEET_PATIENCE: Duration = Duration::from_secs(30);
/// How long counters of a cache may lag behind its answers.
const COUNT_PATIENCE: Duration = Duration::from_secs(10);
/// Debian's package with all of Varnish's programs.
const PACKAGE: &str = "varnish";

/// All that runs. Dropping it ends it all.
#[derive(Debug)]
pub(super) struct Scene {
    /// The site.
    pub(super) origin: Origin,
    /// The caches; `None` is one that is down.
    caches: Vec<Option<Cache>>,
    /// The agents, each beside the cache in the same place.
    pub(super) agents: Vec<Agent>,
    /// By cache and object: which answer of the origin the cache holds.
    held: Vec<[Option<u64>; OBJECTS.len()]>,
    programs: Programs,
    curl: Curl,
    vcl: PathBuf,
    folder: PathBuf,
}

/// The name of a cache.
fn cache_name(place: usize) -> String {
    format!("varnish-{}", place + 1)
}

impl Scene {
    /// Starts everything, the caches at the same time, the agents from the program `bruit`; files
    /// are kept in `folder`.
    ///
    /// # Errors
    /// A program is missing, or something does not start.
    pub(super) async fn start(bruit: &Path, folder: &Path) -> Result<Self, Trouble> {
        let programs = Programs {
            varnishd: find("varnishd", PACKAGE)?,
            varnishadm: find("varnishadm", PACKAGE)?,
            varnishstat: find("varnishstat", PACKAGE)?,
        };
        let curl = Curl(find("curl", "curl")?);
        let origin = Origin::start().await?;
        let vcl_file = folder.join("default.vcl");
        std::fs::write(&vcl_file, vcl(origin.addr())).during("default.vcl")?;
        let names: [String; CACHES] = std::array::from_fn(cache_name);
        let [a, b, c, d, e] =
            names.each_ref().map(|name| Cache::start(&programs, name, &vcl_file, 0, folder));
        let (a, b, c, d, e) = Box::pin(async { tokio::try_join!(a, b, c, d, e) }).await?;
        let caches = [a, b, c, d, e];
        let mut agents: Vec<Agent> = Vec::with_capacity(CACHES);
        for (place, cache) in caches.iter().enumerate() {
            let name = format!("agent-{}", place + 1);
            let join = agents.first().map(|first| first.gossip);
            let settings = Settings { name: &name, app: cache.addr, join };
            agents.push(Agent::start(bruit, settings, folder).await?);
        }
        Ok(Self {
            origin,
            caches: caches.map(Some).into(),
            agents,
            held: vec![[None; OBJECTS.len()]; CACHES],
            programs,
            curl,
            vcl: vcl_file,
            folder: folder.to_owned(),
        })
    }

    /// Waits until each agent knows all the others and what they subscribe to.
    ///
    /// # Errors
    /// That takes too long.
    pub(super) async fn meet(&self) -> Result<(), Trouble> {
        until("every agent sees every other", MEET_PATIENCE, async || {
            for agent in &self.agents {
                if agent.alive().await? != CACHES || agent.subscriptions().await? != CACHES {
                    return Ok(None);
                }
            }
            Ok(Some(()))
        })
        .await
    }

    /// A cache that is up.
    ///
    /// # Errors
    /// It is down.
    pub(super) fn cache(&self, place: usize) -> Result<&Cache, Trouble> {
        let cache = self.caches.get(place).and_then(Option::as_ref);
        cache.ok_or_else(|| Trouble::new(format!("{} is down", cache_name(place))))
    }

    /// Stops a cache; it loses what it held.
    ///
    /// # Errors
    /// It is down already, or does not end well.
    pub(super) async fn take_down(&mut self, place: usize) -> Result<(), Trouble> {
        self.held[place] = [None; OBJECTS.len()];
        match self.caches[place].take() {
            Some(mut cache) => {
                cache.ask_to_end()?;
                cache.ended().await
            }
            None => Err(Trouble::new(format!("{} is down", cache_name(place)))),
        }
    }

    /// Starts a cache again, where it was: at the port that its agent knows.
    ///
    /// # Errors
    /// It does not start.
    pub(super) async fn bring_back(&mut self, place: usize, port: u16) -> Result<(), Trouble> {
        let name = cache_name(place);
        let cache = Cache::start(&self.programs, &name, &self.vcl, port, &self.folder).await?;
        self.caches[place] = Some(cache);
        Ok(())
    }

    /// Asks a cache for an object and remembers which answer it now holds.
    ///
    /// # Errors
    /// The cache does not answer as it should.
    pub(super) async fn look_at(&mut self, cache: usize, object: usize) -> Result<Sight, Trouble> {
        let wanted = &OBJECTS[object];
        let asked = self.origin.asked(wanted.host, wanted.target);
        let copy = self.cache(cache)?.get(wanted.host, wanted.target).await?;
        let asked = self.origin.asked(wanted.host, wanted.target) - asked;
        let before = self.held[cache][object].replace(copy.number);
        Ok(Sight { cache, object, before, copy, asked })
    }

    /// Looks at every object in each of `caches`.
    ///
    /// # Errors
    /// A cache does not answer as it should.
    pub(super) async fn look(
        &mut self,
        caches: impl IntoIterator<Item = usize>,
    ) -> Result<Sweep, Trouble> {
        let mut sights = Vec::new();
        for cache in caches {
            for object in 0..OBJECTS.len() {
                sights.push(self.look_at(cache, object).await?);
            }
        }
        Ok(Sweep(sights))
    }

    /// The counters of `caches`.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) async fn counters(&self, caches: &[usize]) -> Result<Vec<Counters>, Trouble> {
        let mut all = Vec::with_capacity(caches.len());
        for cache in caches {
            all.push(self.cache(*cache)?.counters().await?);
        }
        Ok(all)
    }

    /// Waits until the counters of `caches` have grown by `by`, as they do a moment after the
    /// answer, and checks that.
    ///
    /// # Errors
    /// One cannot be read.
    pub(super) async fn count(
        &self,
        report: &mut Report,
        caches: &[usize],
        before: &[Counters],
        by: Counters,
    ) -> Result<(), Trouble> {
        let grown = |now: Vec<Counters>| -> Vec<Counters> {
            let pairs = now.into_iter().zip(before);
            let grown = pairs.map(|(now, before)| Counters {
                purges: now.purges.saturating_sub(before.purges),
                objects_purged: now.objects_purged.saturating_sub(before.objects_purged),
            });
            grown.collect()
        };
        let is_there =
            |each: &Counters| each.purges >= by.purges && each.objects_purged >= by.objects_purged;
        let waited = until("the counters of the caches", COUNT_PATIENCE, async || {
            let now = grown(self.counters(caches).await?);
            Ok(now.iter().all(is_there).then_some(now))
        });
        let now = match waited.await {
            Ok(now) => now,
            Err(_) => grown(self.counters(caches).await?),
        };
        let Counters { purges, objects_purged } = by;
        let same = now.iter().filter(|each| **each == by).count();
        let claim = format!(
            "varnishstat of {same} of {} caches: n_purges +{purges}, n_obj_purged \
             +{objects_purged}",
            caches.len()
        );
        report.check(same == caches.len(), &claim);
        Ok(())
    }

    /// Sends one PURGE by `curl` to one agent and tells the command line and the outcome.
    ///
    /// # Errors
    /// `curl` fails, or the answer is no summary.
    pub(super) async fn purge(
        &self,
        report: &mut Report,
        agent: usize,
        purge: Purge<'_>,
    ) -> Result<Summary, Trouble> {
        let api = self.agents[agent].api;
        report.tell(&Curl::shown(purge, api));
        let (status, summary) = self.curl.run(purge, api).await?;
        report.tell(&format!("{status}  {}", summary.shown()));
        Ok(summary)
    }

    /// The names of the caches, by place.
    pub(super) fn names() -> [String; CACHES] {
        std::array::from_fn(cache_name)
    }

    /// Ends all agents and caches as an operator would.
    ///
    /// # Errors
    /// One does not end well.
    pub(super) async fn stop(mut self) -> Result<(), Trouble> {
        self.agents.iter_mut().try_for_each(Agent::ask_to_end)?;
        for agent in self.agents {
            agent.ended().await?;
        }
        self.caches.iter_mut().flatten().try_for_each(Cache::ask_to_end)?;
        for cache in self.caches.into_iter().flatten() {
            cache.ended().await?;
        }
        Ok(())
    }
}
