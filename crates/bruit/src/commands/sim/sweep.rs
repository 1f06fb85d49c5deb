//! `bruit sim sweep` and `bruit sim merge`.

use super::files::{FILE_BYTES_MAX, csv, write};
use super::live::Live;
use super::source::{Source, read};
use super::{PLAIN, pool, print, until_signal};
use crate::args::{Format, MergeArgs, SweepArgs};
use crate::exit::{Exit, Failure};
use crate::out::{Out, Table};
use bruit_sim::measure::{Outcome, Summary, VERSION};
use bruit_sim::run::RunError;
use bruit_sim::search::{Row, SearchError, Sweep, SweepFile, Vary, merge as merge_files};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

fn refused(error: &SearchError) -> Failure {
    Failure::from_error(Exit::Usage, error)
}

/// The file of results, if there is one: each row is on disk before the next one counts.
struct Results {
    file: Option<File>,
    rows: BTreeMap<u64, Row>,
}

impl Results {
    /// Opens the file, and takes what is done of this very sweep.
    fn open(path: Option<&Path>, sweep: &Sweep) -> Result<Self, Failure> {
        let Some(path) = path else { return Ok(Self { file: None, rows: BTreeMap::new() }) };
        let cannot = |error: std::io::Error| {
            Failure::new(Exit::Failed, format!("cannot write {}: {error}", path.display()))
        };
        let text = match read(path, FILE_BYTES_MAX) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(cannot(error)),
        };
        // A kill before the first line was whole leaves nothing that is done.
        let done = if text.contains('\n') {
            Some(sweep.resume(&text).map_err(|error| refused(&error))?)
        } else {
            None
        };
        let options = &mut File::options();
        let mut file =
            options.create(true).write(true).truncate(false).open(path).map_err(cannot)?;
        let whole = done.as_ref().map_or(0, |done| done.whole_bytes);
        file.set_len(whole as u64).map_err(cannot)?;
        std::io::Seek::seek(&mut file, std::io::SeekFrom::End(0)).map_err(cannot)?;
        if done.is_none() {
            let header = serde_json::to_string(sweep.header()).expect("it has string keys");
            writeln!(file, "{header}").map_err(cannot)?;
        }
        Ok(Self { file: Some(file), rows: done.map(|done| done.rows).unwrap_or_default() })
    }

    fn add(&mut self, row: Row) -> Result<(), Failure> {
        if let Some(file) = &mut self.file {
            let text = serde_json::to_string(&row).expect("it has string keys");
            writeln!(file, "{text}").and_then(|()| file.flush()).map_err(|error| {
                Failure::new(Exit::Failed, format!("cannot write the results: {error}"))
            })?;
        }
        self.rows.insert(row.point, row);
        Ok(())
    }
}

/// Runs every point that is not done yet.
pub(super) fn run(args: &SweepArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let source = Source::find(&args.scenario.scenario)?;
    let mut set = args.scenario.set.clone();
    set.extend(args.seeds.map(|seeds| ("seeds".to_owned(), seeds.to_string())));
    let of = (source.text.as_str(), source.name.as_str());
    let sweep = Sweep::new(of, &set, args.vary.clone(), args.random, args.shard)
        .map_err(|error| refused(&error))?;
    let mut results = Results::open(args.out.as_deref(), &sweep)?;
    let rest: Vec<u64> =
        sweep.points().iter().copied().filter(|point| !results.rows.contains_key(point)).collect();
    let header = sweep.header();
    crate::out::tell(&format!(
        "bruit {VERSION} {PLAIN}; {} settings x {} seeds, {} done before",
        sweep.points().len(),
        header.seeds,
        results.rows.len()
    ));
    let stop = until_signal()?;
    let live = Live::new(!args.runner.no_progress, rest.len(), "settings");
    let mut written = Ok(());
    let work = |point: &u64| row(&sweep, *point, &stop, &live);
    pool::each(&rest, pool::threads(&args.runner), &stop, work, |_, row| {
        let Some(row) = row else { return };
        let end = results.add(row);
        if end.is_err() {
            stop.store(true, Ordering::Relaxed);
            written = end;
        }
    });
    live.close();
    written?;
    let rows: Vec<Row> = results.rows.into_values().collect();
    show(&out, &header.vary, &rows, args.csv.as_deref())?;
    if rows.len() < sweep.points().len() {
        let line =
            format!("interrupted; {} of {} settings are done", rows.len(), sweep.points().len());
        let hint = match &args.out {
            Some(path) => format!("the same command goes on; results are in {}", path.display()),
            None => "with --out FILE, what is done is kept and the same command goes on".to_owned(),
        };
        return Err(Failure::new(Exit::Interrupted, line).hint(hint));
    }
    Ok(Exit::Ok)
}

/// One point, with all of its seeds; `None` if it was interrupted.
fn row(sweep: &Sweep, point: u64, stop: &AtomicBool, live: &Live) -> Option<Row> {
    let scenario = sweep.scenario(point).expect("every point was checked at the beginning");
    let last = scenario.seed.saturating_add(scenario.seeds.into());
    let runs: Result<Vec<Outcome>, RunError> = (scenario.seed..last)
        .map(|seed| pool::outcome(&scenario, seed, stop, |progress| live.told(point, progress)))
        .collect();
    live.done(point);
    let set = sweep.set(point);
    match runs {
        Ok(runs) => {
            let hashes = runs.iter().map(|run| run.trace_hash.clone()).collect();
            Some(Row { point, set, summary: Some(Summary::of(&runs)), error: None, hashes })
        }
        Err(RunError::Interrupted) => None,
        Err(error) => {
            let error = Some(error.to_string());
            Some(Row { point, set, summary: None, error, hashes: Vec::new() })
        }
    }
}

/// Puts the parts of a sweep together.
pub(super) fn merge(args: &MergeArgs) -> Result<Exit, Failure> {
    let out = Out::new(&args.output);
    let mut files = Vec::with_capacity(args.files.len());
    for path in &args.files {
        let text = read(path, FILE_BYTES_MAX).map_err(|error| {
            let line = format!("cannot read {}: {error}", path.display());
            Failure::new(Exit::NotFound, line).hint("name files that `bruit sim sweep --out` wrote")
        })?;
        let file = SweepFile::parse(&text)
            .map_err(|error| refused(&error).detail(format!("in {}", path.display())))?;
        files.push(file);
    }
    let (rows, missing) = merge_files(&files).map_err(|error| refused(&error))?;
    let vary = files.first().map(|file| file.header.vary.clone()).unwrap_or_default();
    show(&out, &vary, &rows, args.csv.as_deref())?;
    if missing > 0 {
        let line = format!("{missing} settings of the sweep are in none of these files");
        return Err(Failure::new(Exit::Incomplete, line).hint("name the files of all parts"));
    }
    Ok(Exit::Ok)
}

fn show(out: &Out, vary: &[Vary], rows: &[Row], path: Option<&Path>) -> Result<(), Failure> {
    if let Some(path) = path {
        let head = std::iter::once(Row::head(vary));
        write(path, &csv(head.chain(rows.iter().map(Row::cells))))?;
    }
    match out.format() {
        Format::Table => table(out, vary, rows),
        Format::Json => out.json(&json!({ "version": VERSION, "vary": vary, "settings": rows })),
        Format::Jsonl => rows.iter().try_for_each(|row| out.json(row)),
    }
}

fn table(out: &Out, vary: &[Vary], rows: &[Row]) -> Result<(), Failure> {
    let keys = vary.iter().map(|vary| vary.key.as_str());
    let measures =
        ["LACKING", "P50", "P99", "MAX", "COPIES", "KBIT/S", "DETECTED", "FALSE", "ERROR"];
    let head: Vec<&str> = keys.chain(measures).collect();
    let mut table = Table::new(&head);
    for row in rows {
        let get = |name| row.summary.as_ref().and_then(|summary| summary.get(name));
        let whole = |name| get(name).and_then(|value| u64::try_from(value).ok());
        let time = |name| whole(name).map(print::micros).unwrap_or_default();
        let mut cells: Vec<_> = row.set.iter().map(|(_, value)| value.as_str().into()).collect();
        let lacking = whole("residue_ppm").and_then(|ppm| u32::try_from(ppm).ok());
        cells.extend([
            lacking.map(print::percent).unwrap_or_default().into(),
            time("delay_p50_us").into(),
            time("delay_p99_us").into(),
            time("delay_max_us").into(),
            get("traffic_milli").map(print::thousandths).unwrap_or_default().into(),
            whole("mean_bps").map(print::kbps).unwrap_or_default().into(),
            time("detection_p50_us").into(),
            get("false_failures").map(|count| count.to_string()).unwrap_or_default().into(),
            row.error.as_deref().unwrap_or_default().into(),
        ]);
        table.row(cells);
    }
    out.table(&table)
}
