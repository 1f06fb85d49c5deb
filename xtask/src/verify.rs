//! The one command that checks everything.

use crate::cmd::{command, succeeds, succeeds_quietly, watched};
use crate::{install, tidy};
use std::time::Instant;

/// What the checks came to.
#[derive(Default)]
struct Tally {
    passed: u32,
    failed: Vec<String>,
    not_run: Vec<String>,
}

impl Tally {
    /// One check that either passes or not.
    fn check(&mut self, name: &str, check: impl FnOnce() -> bool) {
        eprintln!("\n== {name}");
        let begin = Instant::now();
        let ok = check();
        eprintln!("== {name}: {} in {:.0?}", if ok { "ok" } else { "FAILED" }, begin.elapsed());
        if ok {
            self.passed += 1;
        } else {
            self.failed.push(name.to_owned());
        }
    }

    fn cargo(&mut self, name: &str, line: &str) {
        self.check(name, || succeeds(&mut command(&format!("cargo {line}"))));
    }

    /// Tests: each counts.
    fn tests(&mut self, name: &str, line: &str) {
        let (mut passed, mut failed) = (0, 0);
        self.check(name, || {
            watched(&mut command(&format!("cargo {line}")), |line| {
                if let Some((ok, bad)) = parse_result(line) {
                    passed += ok;
                    failed += bad;
                }
            })
        });
        self.passed += passed;
        self.failed.extend((0..failed).map(|_| format!("a test of {name}")));
    }

    /// A check that needs something which this machine lacks.
    fn cannot(&mut self, name: &str, why: &str) {
        eprintln!("\n== {name}: NOT RUN: {why}");
        self.not_run.push(format!("{name}: {why}"));
    }

    /// Prints the outcome, the closing line last; true if all is well.
    fn close(self) -> bool {
        for name in &self.failed {
            println!("failed: {name}");
        }
        for name in &self.not_run {
            println!("not run: {name}");
        }
        let in_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
        let lacking = if in_ci { self.not_run.len() } else { 0 };
        let failed = self.failed.len() + lacking;
        println!("verify: {} passed, {failed} failed", self.passed);
        failed == 0
    }
}

/// `test result: ok. 12 passed; 0 failed; …`
fn parse_result(line: &str) -> Option<(u32, u32)> {
    let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
    let mut words = counts.split_whitespace();
    let passed = words.next()?.parse().ok()?;
    let failed = words.nth(1)?.parse().ok()?;
    Some((passed, failed))
}

/// The interop suites, each with the programs that it runs and the Debian packages of those.
const SUITES: [(&str, &[(&str, &str)]); 5] = [
    ("varnish", &[("varnishd", "varnish")]),
    ("nginx", &[("nginx", "nginx-light")]),
    ("alertmanager", &[("prometheus-alertmanager", "prometheus-alertmanager")]),
    ("cloudevents", &[("python3", "python3-venv")]),
    ("webhook", &[("webhook", "webhook")]),
];

/// Runs every check; true if all pass.
pub(crate) fn run() -> bool {
    let mut tally = Tally::default();
    tally.check("tidy", || tidy::run().is_ok());
    if succeeds_quietly(&mut command("cargo fmt --version")) {
        tally.cargo("formatting", "fmt --all --check");
    } else {
        eprintln!("\n== formatting: this toolchain has no rustfmt; the rest is run");
    }
    if succeeds_quietly(&mut command("cargo clippy --version")) {
        let line = "clippy --workspace --all-targets --profile ci --locked -- -D warnings";
        tally.cargo("lints", line);
    } else {
        eprintln!("\n== lints: this toolchain has no clippy; the rest is run");
    }
    tally.check("documentation", || {
        let line = "cargo doc --workspace --no-deps --document-private-items --locked";
        succeeds(command(line).env("RUSTDOCFLAGS", "-D warnings"))
    });
    match install::cargo_deny() {
        Ok(()) => tally.cargo("dependencies", "deny --locked check bans licenses sources"),
        Err(why) => tally.cannot("dependencies", &why),
    }
    // The README's blocks and the interop suites call it.
    if let Err(why) = install::debian("curl", "curl") {
        tally.cannot("what calls curl", &why);
    }
    tally.tests("tests", "test --workspace --profile ci --locked");
    tally.cargo("demo", "run --quiet --profile ci --locked -- demo --fast --no-ui");
    for (suite, needs) in SUITES {
        let name = format!("interop {suite}");
        match needs.iter().try_for_each(|(program, package)| install::debian(program, package)) {
            Ok(()) => {
                let line = format!("run --profile ci --locked -p bruit-interop -- {suite}");
                tally.cargo(&name, &line);
            }
            Err(why) => tally.cannot(&name, &why),
        }
    }
    tally.close()
}

/// Formats, and applies what clippy can apply.
pub(crate) fn fix() -> bool {
    succeeds(&mut command("cargo clippy --fix --allow-dirty --workspace --all-targets"))
        && succeeds(&mut command("cargo fmt --all"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cargo_tests_closing_line_is_understood() {
        let line = "test result: FAILED. 12 passed; 3 failed; 0 ignored; 0 measured";
        assert_eq!(parse_result(line), Some((12, 3)));
        assert_eq!(parse_result("test a ... ok"), None);
    }
}
