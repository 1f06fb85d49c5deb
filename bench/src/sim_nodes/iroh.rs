//! Their side: iroh-gossip's protocol over its own simulator.

use crate::failure::Failure;
use iroh_gossip::proto::Config;
use iroh_gossip::proto::sim::{
    BootstrapMode, LatencyConfig, NetworkConfig, Simulator, SimulatorConfig,
};
use std::fmt::{self, Write as _};
use std::time::Duration;

pub(super) struct Swarm {
    simulator: Simulator,
    sent: u64,
}

impl Swarm {
    pub(super) fn new(nodes: u32) -> Self {
        let peers = usize::try_from(nodes).expect("a u32 fits");
        let config =
            SimulatorConfig { rng_seed: 1, peers, gossip_round_timeout: Duration::from_secs(5) };
        let latency = LatencyConfig::random_ms(10, 50);
        let network = NetworkConfig { latency, proto: Config::default() };
        let mut simulator = Simulator::new(config, network);
        // As its own simulations do for groups of this size.
        simulator.bootstrap(BootstrapMode::Set { count: 10 });
        Self { simulator, sent: 0 }
    }

    /// Spreads messages one by one from one peer, each until all have it.
    pub(super) fn broadcast(&mut self, count: u32) -> Result<u64, Failure> {
        let before = self.ticks()?;
        for _ in 0..count {
            self.sent += 1;
            let mut payload = [7; 100];
            payload[..8].copy_from_slice(&self.sent.to_be_bytes());
            let missed = self.simulator.gossip_round(vec![(0, payload.to_vec().into())]);
            if missed > 0 {
                return Err(Failure::new(format!("iroh-gossip: {missed} peers missed a message")));
            }
        }
        Ok(self.ticks()? - before)
    }

    /// How many events the network has handled: it tells nobody but in its debug form, among the
    /// first fields.
    fn ticks(&self) -> Result<u64, Failure> {
        let mut beginning = Beginning(String::new());
        // An error is how the rest is left out.
        let _ends_early = write!(beginning, "{:?}", self.simulator.network);
        let ticks = beginning.0.split("tick: ").nth(1);
        let digits: Option<String> =
            ticks.map(|ticks| ticks.chars().take_while(char::is_ascii_digit).collect());
        let ticks = digits.and_then(|digits| digits.parse().ok());
        ticks.ok_or_else(|| Failure::new("iroh-gossip's network does not show its ticks"))
    }
}

/// Takes the beginning of a text and refuses the rest.
struct Beginning(String);

impl fmt::Write for Beginning {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.push_str(text);
        if self.0.len() > 1000 { Err(fmt::Error) } else { Ok(()) }
    }
}
