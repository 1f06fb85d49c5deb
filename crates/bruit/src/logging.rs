//! Logs, on standard error.

use crate::args::LogFormat;
use std::io;
use std::str::FromStr as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How much is logged: `-q` warnings, nothing `info`, `-v` `debug`, `-vv` `trace`; what
/// libraries log only from `warn` on. `RUST_LOG` says it in detail instead
/// (`info,bruit_agent=debug`).
fn filter(verbose: u8, is_quiet: bool, rust_log: Option<&str>) -> Targets {
    if let Some(targets) = rust_log.and_then(|text| Targets::from_str(text).ok()) {
        return targets;
    }
    let ours = match (is_quiet, verbose) {
        (true, _) => LevelFilter::WARN,
        (false, 0) => LevelFilter::INFO,
        (false, 1) => LevelFilter::DEBUG,
        (false, _) => LevelFilter::TRACE,
    };
    // A target stands for all that begin with it: `bruit` is all of ours.
    Targets::new().with_default(LevelFilter::WARN).with_target("bruit", ours)
}

/// Starts logging. Called once.
pub(crate) fn start(format: LogFormat, verbose: u8, is_quiet: bool) {
    let rust_log = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let filter = filter(verbose, is_quiet, rust_log.as_deref());
    let registry = tracing_subscriber::registry();
    let started = match format {
        LogFormat::Text => {
            let ansi = crate::out::is_stderr_colored();
            let text = layer().with_writer(io::stderr).with_ansi(ansi);
            registry.with(text.with_filter(filter)).try_init()
        }
        LogFormat::Json => {
            let json = layer().json().flatten_event(true).with_writer(io::stderr);
            registry.with(json.with_filter(filter)).try_init()
        }
    };
    debug_assert!(started.is_ok(), "logging is started once");
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn flags_choose_the_level_and_rust_log_overrides_them() {
        let ours = |filter: &Targets, level| filter.would_enable("bruit_agent::pump", &level);
        assert!(!ours(&filter(0, true, None), Level::INFO));
        assert!(ours(&filter(0, false, None), Level::INFO));
        assert!(!ours(&filter(0, false, None), Level::DEBUG));
        assert!(ours(&filter(1, false, None), Level::DEBUG));
        assert!(ours(&filter(2, false, None), Level::TRACE));
        assert!(!filter(2, false, None).would_enable("hyper", &Level::INFO));
        let given = filter(2, false, Some("warn,hyper=debug"));
        assert!(!ours(&given, Level::INFO));
        assert!(given.would_enable("hyper", &Level::DEBUG));
    }
}
