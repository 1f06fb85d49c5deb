//! The release binary of `bruit`.

use crate::failure::{Doing as _, Failure};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that names a binary to use instead of building one.
pub(crate) const BINARY_VARIABLE: &str = "BRUIT_BIN";

/// The binary that `BRUIT_BIN` names, else the one that a release build makes.
pub(crate) fn binary() -> Result<PathBuf, Failure> {
    if let Some(given) = std::env::var_os(BINARY_VARIABLE) {
        let path = PathBuf::from(given);
        return path.canonicalize().doing(format_args!("{BINARY_VARIABLE}={}", path.display()));
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.args(["build", "--release", "-p", "bruit", "--bin", "bruit"]);
    command.arg("--message-format=json-render-diagnostics").current_dir(root);
    let output = command.stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.doing("running cargo build --release -p bruit")?;
    if !output.status.success() {
        return Err(Failure::new("cargo build --release -p bruit failed"));
    }
    executable(&String::from_utf8_lossy(&output.stdout))
        .ok_or_else(|| Failure::new("cargo build named no executable"))
}

/// The executable in cargo's messages.
fn executable(messages: &str) -> Option<PathBuf> {
    messages.lines().rev().find_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        message.get("executable")?.as_str().map(PathBuf::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_executable_is_taken() {
        let messages = "{\"reason\":\"compiler-artifact\",\"executable\":null}\n\
                        {\"reason\":\"compiler-artifact\",\"executable\":\"t/release/bruit\"}\n\
                        {\"reason\":\"build-finished\",\"success\":true}\n";
        assert_eq!(executable(messages), Some(PathBuf::from("t/release/bruit")));
        assert_eq!(executable("{}\n"), None);
    }
}
