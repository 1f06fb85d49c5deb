//! The commands, as the help has them.

use super::run;

/// Every command, in the order of the help; the first is the overview.
pub(crate) fn commands() -> Vec<String> {
    let mut all = vec![String::new()];
    let mut at = 0;
    while at < all.len() {
        let below = subcommands(&all[at]);
        let prefix = all[at].clone();
        let name = |below: String| format!("{prefix} {below}").trim().to_owned();
        let below: Vec<String> = below.into_iter().map(name).collect();
        let next = at + 1;
        all.splice(next..next, below);
        at = next;
    }
    all
}

/// What `--help` prints for a command.
pub(crate) fn help(command: &str) -> String {
    let mut args: Vec<&str> = command.split_whitespace().collect();
    args.push("--help");
    run(&args).ok()
}

fn subcommands(command: &str) -> Vec<String> {
    let help = help(command);
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    lines
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .map(str::to_owned)
        .collect()
}
