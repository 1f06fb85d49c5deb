//! Sizes, words and links.

use crate::cmd::root;
use std::fs;
use std::path::{Path, PathBuf};

/// The most lines in a source file, tests included.
const FILE_LINES_MAX: usize = 600;
/// The most characters in a line of source.
const LINE_CHARS_MAX: usize = 100;

/// Words that have no place in the project: open ends, and what speaks of the making.
/// Written so that this file does not contain them.
const BANNED: [&str; 5] =
    ["TO\u{44}O", "FIX\u{4d}E", "XX\u{58}", "todo\u{21}", "unimplemented\u{21}"];

/// Checks every file of the project.
///
/// # Errors
/// How many faults were found; each has been printed.
pub(crate) fn run() -> Result<(), usize> {
    let mut files = Vec::new();
    collect(&root(), &mut files);
    let mut faults = 0;
    for file in &files {
        let Ok(text) = fs::read_to_string(file) else { continue };
        for fault in check(file, &text) {
            faults += 1;
            eprintln!("{}: {fault}", file.strip_prefix(root()).unwrap_or(file).display());
        }
    }
    eprintln!("{} files, {faults} faults", files.len());
    if faults == 0 { Ok(()) } else { Err(faults) }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        let name = entry.file_name();
        if path.is_dir() {
            if name != "target" && name != ".git" {
                collect(&path, files);
            }
        } else if matches!(path.extension().and_then(|e| e.to_str()), Some("rs" | "md" | "toml")) {
            files.push(path);
        }
    }
}

fn check(file: &Path, text: &str) -> Vec<String> {
    let mut faults = Vec::new();
    let is_source = file.extension().is_some_and(|extension| extension == "rs");
    if is_source && text.lines().count() > FILE_LINES_MAX {
        faults.push(format!("more than {FILE_LINES_MAX} lines: split it by idea"));
    }
    for (number, line) in text.lines().enumerate() {
        if is_source && line.chars().count() > LINE_CHARS_MAX {
            faults.push(format!("line {}: more than {LINE_CHARS_MAX} characters", number + 1));
        }
        for word in BANNED.iter().filter(|word| line.contains(**word)) {
            faults.push(format!("line {}: {word}", number + 1));
        }
    }
    if file.extension().is_some_and(|extension| extension == "md") {
        faults.extend(dead_links(file, text));
    }
    faults
}

/// Links to files that are not there.
fn dead_links(file: &Path, text: &str) -> Vec<String> {
    let folder = file.parent().expect("a file is in a folder");
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .filter(|target| {
            let path = target.split('#').next().unwrap_or(target);
            !folder.join(path).exists()
        })
        .map(|target| format!("dead link {target}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_fault_is_found() {
        let long = "x".repeat(101);
        let open = BANNED[0];
        let source = format!("{long}\n{open}\n");
        assert_eq!(check(Path::new("a.rs"), &source).len(), 2);
        assert_eq!(check(Path::new("a.rs"), &"x\n".repeat(601)).len(), 1);
        assert_eq!(check(Path::new("a.md"), "[a](nowhere.md) [b](http://x)").len(), 1);
    }
}
