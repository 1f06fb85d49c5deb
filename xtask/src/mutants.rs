//! Kept bugs, put back one at a time: the swarm must find each.
//!
//! Each file of `crates/sim/tests/mutants` says what is wrong, within how many seeds the swarm
//! must notice (`seeds: N`), and how to bring it about (a unified diff). It is applied to a copy
//! of the tree below `target/mutants`, which is built on its own.

use crate::cmd::{command, root, succeeds};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A bug that is put back.
#[derive(Debug, PartialEq, Eq)]
struct Mutant {
    name: String,
    /// Within how many seeds it must be found.
    seeds: u32,
    patch: PathBuf,
}

/// Where the copy is, and where it is built.
fn folder() -> PathBuf {
    root().join("target").join("mutants")
}

/// Checks every mutant, or those whose name contains `only`; true if each was found, and the
/// unchanged tree passes.
pub(crate) fn run(only: Option<&str>) -> bool {
    let ended = mutants(&root().join("crates/sim/tests/mutants")).and_then(|mutants| {
        let chosen: Vec<_> = mutants
            .into_iter()
            .filter(|mutant| only.is_none_or(|only| mutant.name.contains(only)))
            .collect();
        check(&chosen)
    });
    ended.unwrap_or_else(|error| {
        eprintln!("cannot check the mutants: {error}");
        false
    })
}

fn check(mutants: &[Mutant]) -> io::Result<bool> {
    let tree = folder().join("tree");
    refresh(&tree)?;
    if !succeeds(&mut swarm(&tree, 50)) {
        eprintln!("the swarm fails without any mutant");
        return Ok(false);
    }
    let mut lines = Vec::new();
    for mutant in mutants {
        refresh(&tree)?;
        lines.push((mutant, judge(&tree, mutant)));
    }
    refresh(&tree)?;
    for (mutant, found) in &lines {
        match found {
            Ok(how) => println!("found: {}: {how}", mutant.name),
            Err(why) => println!("NOT FOUND: {}: {why}", mutant.name),
        }
    }
    let found = lines.iter().filter(|(_, found)| found.is_ok()).count();
    println!("mutants: {found} of {} found", lines.len());
    Ok(found == lines.len())
}

/// What the swarm says of the mutant; `Err` if it does not notice, or cannot be built.
fn judge(tree: &Path, mutant: &Mutant) -> Result<String, String> {
    let mut apply = command("git apply");
    // No repository: paths are those of the copy.
    apply.arg(&mutant.patch).current_dir(tree).env("GIT_CEILING_DIRECTORIES", folder());
    if !succeeds(&mut apply) {
        return Err("the patch does not apply: make it anew".to_owned());
    }
    if !succeeds(swarm(tree, 0).arg("--no-run")) {
        return Err("it does not compile: make the patch anew".to_owned());
    }
    let output = swarm(tree, mutant.seeds).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Err(format!("{} seeds pass", mutant.seeds));
    }
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find(|line| line.starts_with("seed "));
    line.map(str::to_owned).ok_or_else(|| "the test fails otherwise than by a violation".to_owned())
}

/// The swarm's main test over the first seeds, in the copy; plans are not shrunk.
fn swarm(tree: &Path, seeds: u32) -> Command {
    let mut swarm =
        command("cargo test --profile ci --offline --locked -p bruit-node --test swarm");
    swarm.arg("after_random_faults").current_dir(tree);
    swarm.env("CARGO_TARGET_DIR", folder().join("build"));
    swarm.env("BRUIT_SEEDS", seeds.to_string()).env("BRUIT_SHRINK", "0");
    swarm.env_remove("BRUIT_SEED").env_remove("BRUIT_LOG").env_remove("BRUIT_FIRST_SEED");
    swarm
}

/// Makes `tree` a copy of the project's files. What is equal is left alone, for the builder's sake.
fn refresh(tree: &Path) -> io::Result<()> {
    let listed = command("git ls-files -z --cached --others --exclude-standard").output()?;
    if !listed.status.success() {
        return Err(io::Error::other("git ls-files fails; is this a clone?"));
    }
    for name in listed.stdout.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
        let name = String::from_utf8_lossy(name).into_owned();
        let (from, to) = (root().join(&name), tree.join(&name));
        let Ok(bytes) = fs::read(&from) else { continue };
        if fs::read(&to).ok().as_ref() == Some(&bytes) {
            continue;
        }
        fs::create_dir_all(to.parent().expect("a file is in a folder"))?;
        fs::write(&to, bytes)?;
    }
    Ok(())
}

/// The mutants in a folder, by name.
fn mutants(folder: &Path) -> io::Result<Vec<Mutant>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder)? {
        let patch = entry?.path();
        let name = patch.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&patch)?;
        let seeds = seeds(&text).ok_or_else(|| {
            io::Error::other(format!("{name}: no line \"seeds: N\" above the diff"))
        })?;
        all.push(Mutant { name, seeds, patch });
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(all)
}

fn seeds(text: &str) -> Option<u32> {
    let head = text.lines().take_while(|line| !line.starts_with("--- "));
    head.filter_map(|line| line.strip_prefix("seeds: ")).next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kept_mutant_says_what_is_wrong_and_how_soon_it_is_found() {
        let all = mutants(&root().join("crates/sim/tests/mutants")).unwrap();
        assert!(all.len() >= 5);
        for mutant in all {
            let text = fs::read_to_string(&mutant.patch).unwrap();
            assert!(!text.starts_with("---") && !text.starts_with("seeds"), "{mutant:?}");
            assert!((1..=1000).contains(&mutant.seeds), "{mutant:?}");
        }
        assert_eq!(seeds("why\nseeds: 7\n--- a\n"), Some(7));
        assert_eq!(seeds("why\n--- a\nseeds: 7\n"), None);
    }

    #[test]
    fn every_kept_mutant_applies_to_this_tree() {
        for mutant in mutants(&root().join("crates/sim/tests/mutants")).unwrap() {
            let check = &mut command("git apply --check");
            assert!(succeeds(check.arg(&mutant.patch)), "{}: make the patch anew", mutant.name);
        }
    }
}
