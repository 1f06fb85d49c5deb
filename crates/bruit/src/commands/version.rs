//! `bruit version`.

use crate::args::VersionArgs;
use crate::exit::{Exit, Failure};
use crate::out::Out;

/// Prints version, commit, compiler and target.
pub(crate) fn run(args: &VersionArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let version = bruit_agent::VERSION;
    let commit = option_env!("BRUIT_COMMIT");
    let rustc = env!("BRUIT_RUSTC");
    let target = format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS);
    if out.is_json() {
        out.json(&serde_json::json!({
            "version": version, "commit": commit, "rustc": rustc, "target": target,
        }))?;
        return Ok(Exit::Ok);
    }
    out.line(&format!("bruit {version}"))?;
    out.line(&format!("commit  {}", commit.unwrap_or("unknown")))?;
    out.line(&format!("rustc   {rustc}"))?;
    out.line(&format!("target  {target}"))?;
    Ok(Exit::Ok)
}
