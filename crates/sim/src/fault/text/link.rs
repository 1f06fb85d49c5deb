//! Links as text: `key=value` words in any order; what is not named is as in the default link.
//!
//! ```text
//! latency=constant:0.01s   uniform:0.0005s:0.002s   log-normal:0.03s:0.2s (median, p99)
//!         exponential:0.001s:0.005s (min, mean)   quantiles:0/0.001s:500000/0.002s:1000000/1s
//! loss=random:10000   loss=bursty:10000:4
//! duplicate=1000   reorder=5000:0.02s   bandwidth=125000:262144 (bytes a second, queue in bytes)
//! ```

use super::{seconds, seconds_from};
use crate::{Latency, Link, Loss, Quantiles};
use std::fmt::Write as _;

/// A link in words that [`link_from_text`] reads.
pub fn link_to_text(link: &Link) -> String {
    let mut text = format!("latency={}", latency_to_text(&link.latency));
    let _ = match link.loss {
        Loss::Random { ppm } => write!(text, " loss=random:{ppm}"),
        Loss::Bursty { ppm, burst_mean } => write!(text, " loss=bursty:{ppm}:{burst_mean}"),
    };
    let _ = write!(text, " duplicate={}", link.duplicate_ppm);
    let _ = write!(text, " reorder={}:{}", link.reorder_ppm, seconds(link.reorder_max));
    if let Some(bandwidth) = link.bandwidth {
        let _ = write!(text, " bandwidth={bandwidth}:{}", link.queue_bytes_max);
    }
    text
}

fn latency_to_text(latency: &Latency) -> String {
    let two = |name: &str, a, b| format!("{name}:{}:{}", seconds(a), seconds(b));
    match latency {
        Latency::Constant(always) => format!("constant:{}", seconds(*always)),
        Latency::Uniform { min, max } => two("uniform", *min, *max),
        Latency::LogNormal { median, p99 } => two("log-normal", *median, *p99),
        Latency::Exponential { min, mean } => two("exponential", *min, *mean),
        Latency::Quantiles(quantiles) => {
            let mut text = "quantiles".to_owned();
            for (ppm, delay) in quantiles.points() {
                let _ = write!(text, ":{ppm}/{}", seconds(delay));
            }
            text
        }
    }
}

/// Reads a link.
///
/// # Errors
/// Which word is wrong, and why.
pub fn link_from_text(text: &str) -> Result<Link, String> {
    let mut link = Link::default();
    for word in text.split_whitespace() {
        let (key, value) = word.split_once('=').ok_or_else(|| format!("{word:?} has no ="))?;
        let parts: Vec<_> = value.split(':').collect();
        let number = |index: usize| {
            let part = parts.get(index).ok_or_else(|| format!("{word:?} is too short"))?;
            part.parse::<u64>().map_err(|_| format!("{part:?} in {word:?} is not a number"))
        };
        let number_u32 = |index: usize| {
            u32::try_from(number(index)?).map_err(|_| format!("a number in {word:?} is too large"))
        };
        let rate = |index: usize| number_u32(index);
        let expected = match (key, parts[0]) {
            ("latency", _) => {
                link.latency = latency_from_text(&parts)?;
                parts.len()
            }
            ("loss", "random") => {
                link.loss = Loss::Random { ppm: rate(1)? };
                2
            }
            ("loss", "bursty") => {
                link.loss = Loss::Bursty { ppm: rate(1)?, burst_mean: rate(2)? };
                3
            }
            ("duplicate", _) => {
                link.duplicate_ppm = rate(0)?;
                1
            }
            ("reorder", _) => {
                link.reorder_ppm = rate(0)?;
                link.reorder_max = seconds_from(parts.get(1).copied().unwrap_or_default())?;
                2
            }
            ("bandwidth", _) => {
                (link.bandwidth, link.queue_bytes_max) = (Some(number(0)?), number_u32(1)?);
                2
            }
            _ => return Err(format!("{word:?} says nothing about a link")),
        };
        if parts.len() != expected {
            return Err(format!("{word:?} has {} parts, not {expected}", parts.len()));
        }
    }
    link.validate().map_err(|error| error.to_string())?;
    Ok(link)
}

fn latency_from_text(parts: &[&str]) -> Result<Latency, String> {
    Ok(match *parts {
        ["constant", always] => Latency::Constant(seconds_from(always)?),
        ["uniform", min, max] => {
            Latency::Uniform { min: seconds_from(min)?, max: seconds_from(max)? }
        }
        ["log-normal", median, p99] => {
            Latency::LogNormal { median: seconds_from(median)?, p99: seconds_from(p99)? }
        }
        ["exponential", min, mean] => {
            Latency::Exponential { min: seconds_from(min)?, mean: seconds_from(mean)? }
        }
        ["quantiles", ref points @ ..] => {
            let points: Result<Vec<_>, String> = points
                .iter()
                .map(|point| {
                    let (ppm, delay) = point.split_once('/').unwrap_or((point, ""));
                    let ppm = ppm.parse().map_err(|_| format!("{ppm:?} is not a number"))?;
                    Ok((ppm, seconds_from(delay)?))
                })
                .collect();
            Latency::Quantiles(Quantiles::new(&points?).map_err(|error| error.to_string())?)
        }
        _ => return Err(format!("{:?} is no latency", parts.join(":"))),
    })
}
