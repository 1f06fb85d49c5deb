//! The layers of ARCHITECTURE.md, held over the dependency graph.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// Each crate and which of ours it may depend on.
const ALLOWED: [(&str, &[&str]); 9] = [
    ("bruit-engine", &[]),
    ("bruit-model", &["bruit-engine"]),
    ("bruit-wire", &["bruit-engine", "bruit-model"]),
    ("bruit-node", &["bruit-engine", "bruit-model", "bruit-wire"]),
    ("bruit-serf", &["bruit-engine", "bruit-model", "bruit-wire"]),
    ("bruit-sim", &["bruit-engine", "bruit-model", "bruit-wire", "bruit-node"]),
    ("bruit-runtime", &["bruit-engine", "bruit-model"]),
    ("bruit-agent", &["bruit-engine", "bruit-model", "bruit-wire", "bruit-node", "bruit-runtime"]),
    ("bruit", &["bruit-agent", "bruit-model", "bruit-sim"]),
];

/// What a pure crate never links, by whatever way.
const IMPURE: [&str; 5] = ["tokio", "mio", "socket2", "hyper", "axum"];
const PURE: [&str; 6] =
    ["bruit-engine", "bruit-model", "bruit-wire", "bruit-node", "bruit-serf", "bruit-sim"];

/// The names of all crates that `package` links, itself included.
fn linked(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "-p", package])
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo speaks UTF-8");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn each_crate_knows_only_those_above_it() {
    let allowed: BTreeMap<_, _> = ALLOWED.into_iter().collect();
    for (package, direct) in ALLOWED {
        let mut may: BTreeSet<&str> = direct.iter().copied().collect();
        for above in direct {
            may.extend(allowed[above]);
        }
        let ours = linked(package).into_iter().filter(|name| name.starts_with("bruit"));
        for name in ours.filter(|name| name != package) {
            assert!(may.contains(name.as_str()), "{package} links {name}");
        }
    }
}

#[test]
fn pure_crates_link_no_sockets_and_no_runtime() {
    for package in PURE {
        let linked = linked(package);
        for name in IMPURE {
            assert!(!linked.contains(name), "{package} links {name}");
        }
    }
}
