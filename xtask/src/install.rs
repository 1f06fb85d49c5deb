//! Getting the programs that the checks need.

use crate::cmd::{command, succeeds, succeeds_quietly};

/// How often a package installation is tried.
const TRIES: u32 = 3;

/// Whether `program` is there.
pub(crate) fn has(program: &str) -> bool {
    succeeds_quietly(&mut command(&format!("which {program}")))
}

/// Makes sure of `program`, installing the Debian package of that name if need be and possible.
///
/// # Errors
/// It is not there and cannot be installed: what to do.
pub(crate) fn debian(program: &str, package: &str) -> Result<(), String> {
    if has(program) {
        return Ok(());
    }
    let by_hand = format!("{program} is missing: install Debian's package {package}");
    if !has("apt-get") || !is_root() {
        return Err(by_hand);
    }
    for _ in 0..TRIES {
        let installed = succeeds(&mut command("apt-get update -qq"))
            && succeeds(
                command(&format!("apt-get install -y -qq --no-install-recommends {package}"))
                    .env("DEBIAN_FRONTEND", "noninteractive"),
            );
        if installed && has(program) {
            return Ok(());
        }
    }
    Err(by_hand)
}

/// Makes sure of `cargo deny`.
///
/// # Errors
/// It cannot be installed: what to do.
pub(crate) fn cargo_deny() -> Result<(), String> {
    if succeeds_quietly(&mut command("cargo deny --version")) {
        return Ok(());
    }
    let install = format!("cargo install --quiet --locked --no-default-features cargo-deny@{DENY}");
    for _ in 0..TRIES {
        if succeeds(&mut command(&install)) {
            return Ok(());
        }
    }
    Err(format!("cargo-deny is missing: {install}"))
}

/// The version that `deny.toml` is written for.
const DENY: &str = "0.20.2";

fn is_root() -> bool {
    let id = command("id -u").output();
    id.is_ok_and(|output| output.stdout == b"0\n")
}
