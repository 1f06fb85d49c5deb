//! `bruit man`: manual pages, made from what the command line takes.

use crate::args::{Cli, ManArgs};
use crate::exit::{self, Exit, Failure};
use clap::CommandFactory as _;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// Prints one page, or writes all.
pub(crate) fn run(args: &ManArgs) -> Result<Exit, Failure> {
    let mut root = Cli::command().disable_help_subcommand(true);
    root.build();
    if let Some(folder) = &args.out {
        write_all(folder, &root)?;
        return Ok(Exit::Ok);
    }
    let mut command = &root;
    for name in &args.command {
        command = command.find_subcommand(name).ok_or_else(|| {
            Failure::new(Exit::NotFound, format!("there is no command {}", args.command.join(" ")))
                .hint("`bruit --help` lists the commands")
        })?;
    }
    io::stdout().write_all(&page(command)?)?;
    Ok(Exit::Ok)
}

fn write_all(folder: &Path, command: &clap::Command) -> Result<(), Failure> {
    let name = format!("{}.1", page_name(command));
    let path = folder.join(&name);
    fs::write(&path, page(command)?).map_err(|error| {
        Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
            .hint("--out names a directory that exists")
    })?;
    command.get_subcommands().try_for_each(|below| write_all(folder, below))
}

/// `bruit-subs-add` for `bruit subs add`.
fn page_name(command: &clap::Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

/// One page, with the exit codes.
fn page(command: &clap::Command) -> Result<Vec<u8>, Failure> {
    let name = page_name(command);
    // The overview has the exit codes as the text after its options.
    let is_overview = command.get_name() == "bruit";
    let command = command.clone();
    let command = if is_overview { command.after_help("") } else { command };
    let usage_name = name.replace('-', " ");
    let man = Man::new(command.bin_name(usage_name)).title(name.to_uppercase()).section("1");
    let man = man.manual("Bruit").source(format!("bruit {}", bruit_agent::VERSION));
    let mut page = Vec::new();
    man.render(&mut page)?;
    let mut codes = Roff::new();
    codes.control("SH", ["EXIT STATUS"]);
    for line in exit::HELP.lines().skip(1) {
        let (code, text) = line.trim().split_once(' ').unwrap_or((line, ""));
        codes.control("TP", ["6"]);
        codes.text([roman(code)]);
        codes.text([roman(text.trim())]);
    }
    codes.to_writer(&mut page)?;
    Ok(page)
}
