use super::*;
use crate::run::run;
use std::ops::ControlFlow;

const TEXT: &str = "nodes = 4\nduration = \"3s\"\nseeds = 2\n[node]\nprofile = \"local\"\n\
                    [workload]\nitems = 2\n";

fn vary(texts: &[&str]) -> Vec<Vary> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn sweep(random: Option<usize>, shard: &str) -> Sweep {
    let vary = vary(&["topic.fanout=1..3", "network.loss=0%,10%"]);
    Sweep::new((TEXT, "t"), &[], vary, random, shard.parse().unwrap()).unwrap()
}

fn row(sweep: &Sweep, point: u64) -> Row {
    let scenario = sweep.scenario(point).unwrap();
    let seeds = scenario.seed..scenario.seed + u64::from(scenario.seeds);
    let run = |seed| run(&scenario, seed, &mut |_| ControlFlow::Continue(())).unwrap();
    let outcomes: Vec<_> = seeds.map(run).collect();
    let hashes = outcomes.iter().map(|outcome| outcome.trace_hash.clone()).collect();
    let summary = Some(crate::measure::Summary::of(&outcomes));
    Row { point, set: sweep.set(point), summary, error: None, hashes }
}

fn file(sweep: &Sweep, points: &[u64]) -> String {
    let mut lines = vec![serde_json::to_string(sweep.header()).unwrap()];
    lines.extend(points.iter().map(|point| serde_json::to_string(&row(sweep, *point)).unwrap()));
    lines.join("\n") + "\n"
}

#[test]
fn what_is_varied_is_keys_and_values() {
    let fanout: Vary = "topic.fanout=2..4".parse().unwrap();
    assert_eq!(
        (fanout.key.as_str(), fanout.values),
        ("topic.fanout", vec!["2".into(), "3".into(), "4".into()])
    );
    let loss: Vary = "network.loss = 1%, 5%".parse().unwrap();
    assert_eq!(loss.values, ["1%", "5%"]);
    for bad in ["", "a", "a=", "=1", "a=1,,2", "a=4..2", "a=0..99999999"] {
        let error = bad.parse::<Vary>().unwrap_err().to_string();
        assert!(error.contains("write KEY=VALUE,VALUE"), "{error}");
    }
    for bad in ["0/2", "3/2", "1/0", "1", "a/b"] {
        let error = bad.parse::<Shard>().unwrap_err().to_string();
        assert!(error.contains("write 1/4 for the first of four"), "{error}");
    }
}

#[test]
fn a_grid_has_every_point_and_parts_have_each_once() {
    let whole = sweep(None, "1/1");
    assert_eq!(whole.points(), [0, 1, 2, 3, 4, 5]);
    let set = |point| whole.set(point).into_iter().map(|(_, value)| value).collect::<Vec<_>>();
    assert_eq!(
        (set(0), set(1), set(5)),
        (
            vec!["1".into(), "0%".into()],
            vec!["1".into(), "10%".into()],
            vec!["3".into(), "10%".into()]
        )
    );
    let mut parts: Vec<u64> = Vec::new();
    for shard in ["1/4", "2/4", "3/4", "4/4"] {
        parts.extend(sweep(None, shard).points());
    }
    parts.sort_unstable();
    assert_eq!(parts, whole.points());
    let drawn = sweep(Some(3), "1/1");
    assert_eq!((drawn.points().len(), drawn.points()), (3, sweep(Some(3), "1/1").points()));
}

#[test]
fn a_bad_point_is_found_before_anything_runs() {
    let bad = vary(&["topic.fanout=1,0"]);
    let error = Sweep::new((TEXT, "t"), &[], bad, None, Shard::default()).unwrap_err();
    assert!(error.to_string().contains("--set topic.fanout=0: `topic.fanout`"), "{error}");
    let many = vary(&["seed=0..9998", "nodes=1..200"]);
    let error = Sweep::new((TEXT, "t"), &[], many, None, Shard::default()).unwrap_err();
    assert!(error.to_string().contains("1999800 settings; use at most 1000000"), "{error}");
}

#[test]
fn what_is_done_is_kept_and_the_rest_goes_on() {
    let sweep = sweep(None, "1/1");
    let text = file(&sweep, &[0, 3]);
    // A kill in the middle of a line.
    let cut = format!("{text}{{\"point\":4,\"se");
    let done = sweep.resume(&cut).unwrap();
    assert_eq!(done.rows.keys().copied().collect::<Vec<_>>(), [0, 3]);
    assert_eq!(&cut[..done.whole_bytes], text);
    let rest: Vec<u64> =
        sweep.points().iter().copied().filter(|point| !done.rows.contains_key(point)).collect();
    let whole = SweepFile::parse(&file(&sweep, &[0, 3, 1, 2, 4, 5])).unwrap();
    let resumed = format!("{}{}", &cut[..done.whole_bytes], {
        let rows = rest.iter().map(|point| serde_json::to_string(&row(&sweep, *point)).unwrap());
        rows.map(|row| row + "\n").collect::<String>()
    });
    assert_eq!(SweepFile::parse(&resumed).unwrap().rows, whole.rows);
}

#[test]
fn parts_merge_into_the_whole() {
    let (one, two) = (sweep(None, "1/2"), sweep(None, "2/2"));
    let whole = sweep(None, "1/1");
    let parse = |sweep: &Sweep| SweepFile::parse(&file(sweep, sweep.points())).unwrap();
    let (rows, missing) = merge(&[parse(&two), parse(&one)]).unwrap();
    assert_eq!((rows.len(), missing), (6, 0));
    assert_eq!(rows, merge(&[parse(&whole)]).unwrap().0);
    assert_eq!(merge(&[parse(&one)]).unwrap().1, 3);
    let head = Row::head(&whole.header().vary);
    assert!(rows.iter().all(|row| row.cells().len() == head.len()));
}

#[test]
fn results_of_something_else_are_refused() {
    let whole = sweep(None, "1/1");
    for (other, expected) in [
        (sweep(None, "1/2"), "the part differs"),
        (sweep(Some(2), "1/1"), "what is varied differs"),
    ] {
        let error = whole.resume(&file(&other, &[])).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
    let text = TEXT.replace("3s", "4s");
    let vary = whole.header().vary.clone();
    let other = Sweep::new((&text, "t"), &[], vary, None, Shard::default()).unwrap();
    let error = whole.resume(&file(&other, &[])).unwrap_err().to_string();
    assert!(error.contains("the scenario differs"), "{error}");
    let old = file(&whole, &[]).replace(crate::measure::VERSION, "0.0.9");
    let error = whole.resume(&old).unwrap_err().to_string();
    assert!(error.contains("of version 0.0.9, and this is version"), "{error}");
    for (text, expected) in
        [("", "line 1"), ("x\n", "line 1"), (&*(file(&whole, &[]) + "x\n"), "line 2")]
    {
        let error = SweepFile::parse(text).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

fn goal() -> Goal {
    Goal {
        nodes: 6,
        loss_ppm: 10_000,
        latency: "1ms..3ms".to_owned(),
        profile: "local".to_owned(),
        reach_ppm: 990_000,
        within: std::time::Duration::from_millis(500),
        bps_max: Some(1_000_000),
        items: 4,
        every: std::time::Duration::from_millis(100),
        payload_bytes: 100,
    }
}

#[test]
fn every_candidate_is_a_scenario_that_can_be_pasted() {
    let goal = goal();
    for candidate in goal.candidates() {
        let scenario = goal.with(&candidate).unwrap();
        let pasted = format!("{}\n{}", goal.scenario(), candidate.toml());
        assert_eq!(crate::scenario::Scenario::parse(&pasted, "goal", &[]).unwrap(), scenario);
    }
    assert!(goal.candidates().len() <= SETTINGS_MAX);
    let direct = &goal.candidates()[0];
    assert_eq!(direct.topic_parameters(), "style=direct");
    assert_eq!(direct.flags(), "--set topic.style=direct");
    let bad = Goal { latency: "soon".to_owned(), ..goal };
    assert!(bad.with(direct).unwrap_err().to_string().contains("`soon` is no time"));
}

#[test]
fn what_meets_the_goal_comes_first_and_the_cheapest_of_it() {
    let goal = goal();
    let judged = |settings: &Candidate| {
        let scenario = goal.with(settings).unwrap();
        let run = |seed| run(&scenario, seed, &mut |_| ControlFlow::Continue(())).unwrap();
        goal.judge(settings.clone(), &[run(1), run(2)])
    };
    let slow = Candidate {
        set: vec![
            ("topic.style".into(), "pull".into()),
            ("topic.period-ms".into(), "3600000".into()),
            ("topic.repair".into(), "false".into()),
        ],
    };
    let direct = goal.candidates()[0].clone();
    let mut all = vec![judged(&slow), judged(&direct)];
    assert!(!all[0].meets, "{:?}", all[0]);
    assert!(all[1].meets, "{:?}", all[1]);
    goal.rank(&mut all);
    assert_eq!(all[0].candidate, direct);
    let cheap = Goal { bps_max: Some(1), ..goal };
    let outcomes =
        [run(&cheap.with(&direct).unwrap(), 1, &mut |_| ControlFlow::Continue(())).unwrap()];
    assert!(!cheap.judge(direct, &outcomes).meets);
}
