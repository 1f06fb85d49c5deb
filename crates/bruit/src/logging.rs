//! Logs, on standard error.

use bruit_agent::{LogFormat, LogLevel};
use std::io;
use std::str::FromStr as _;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt as _;

/// How much is logged: ours from `level` on, what libraries log only from `warn` on. `RUST_LOG`
/// says it in detail instead (`info,bruit_agent=debug`).
fn filter(level: LogLevel, rust_log: Option<&str>) -> Targets {
    if let Some(targets) = rust_log.and_then(|text| Targets::from_str(text).ok()) {
        return targets;
    }
    let ours = match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    };
    // A target stands for all that begin with it: `bruit` is all of ours. What was asked for by a
    // signal is logged at any level.
    Targets::new()
        .with_default(ours.min(LevelFilter::WARN))
        .with_target("bruit", ours)
        .with_target("bruit_agent::dump", ours.max(LevelFilter::INFO))
}

/// Starts logging. Called once. What it gives changes the level; where `RUST_LOG` is set, that
/// stays.
pub(crate) fn start(format: LogFormat, level: LogLevel) -> Box<dyn Fn(LogLevel) + Send + Sync> {
    let rust_log = std::env::var("RUST_LOG").ok().filter(|text| !text.is_empty());
    let (filter, handle) = reload::Layer::new(filter(level, rust_log.as_deref()));
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
    Box::new(move |level| {
        if let Err(error) = handle.reload(self::filter(level, rust_log.as_deref())) {
            tracing::error!(%error, "the log level was not changed");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tracing::Level;

    #[test]
    fn settings_choose_the_level_and_rust_log_overrides_them() {
        let ours = |filter: &Targets, level| filter.would_enable("bruit_agent::pump", &level);
        assert!(!ours(&filter(LogLevel::Warn, None), Level::INFO));
        assert!(ours(&filter(LogLevel::Info, None), Level::INFO));
        assert!(!ours(&filter(LogLevel::Info, None), Level::DEBUG));
        assert!(ours(&filter(LogLevel::Debug, None), Level::DEBUG));
        assert!(ours(&filter(LogLevel::Trace, None), Level::TRACE));
        assert!(!filter(LogLevel::Trace, None).would_enable("hyper", &Level::INFO));
        assert!(!filter(LogLevel::Error, None).would_enable("hyper", &Level::WARN));
        let given = filter(LogLevel::Trace, Some("warn,hyper=debug"));
        assert!(!ours(&given, Level::INFO));
        let quiet = filter(LogLevel::Error, None);
        assert!(quiet.would_enable("bruit_agent::dump", &Level::INFO));
        assert!(given.would_enable("hyper", &Level::DEBUG));
    }
}
