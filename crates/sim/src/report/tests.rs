use super::*;
use crate::run::run;
use crate::scenario::Scenario;
use std::ops::ControlFlow;

const TEXT: &str = "title = \"<b>&\"\nnodes = 6\nduration = \"20s\"\n[node]\nprofile = \"local\"\n\
                    [workload]\nitems = 3\n[[fault]]\nkind = \"crash\"\nat = \"5s\"\nnodes = 1";

fn outcomes() -> (Scenario, Vec<Outcome>) {
    let scenario = Scenario::parse(TEXT, "test", &[]).unwrap();
    let run = |seed| run(&scenario, seed, &mut |_| ControlFlow::Continue(())).unwrap();
    let outcomes = vec![run(1), run(2)];
    (scenario, outcomes)
}

/// Whether every element is closed, by the one that was opened last.
fn is_well_formed(text: &str) -> bool {
    let mut open: Vec<&str> = Vec::new();
    for tag in text.split('<').skip(1) {
        let Some((tag, _)) = tag.split_once('>') else { return false };
        let name = tag.split([' ', '/']).next().unwrap_or_default();
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return false;
            }
        } else if !tag.ends_with('/') && !tag.starts_with('!') && name != "meta" {
            open.push(name);
        }
    }
    open.is_empty()
}

#[test]
fn page_and_picture_need_nothing_else() {
    let (scenario, outcomes) = outcomes();
    let theory = theory(&scenario);
    let report = Report {
        title: &scenario.title,
        command: "bruit sim run 'a&b' --seeds 2",
        outcomes: &outcomes,
        theory: theory.as_ref(),
    };
    for text in [html(&report), svg(&report)] {
        assert!(is_well_formed(&text), "{text}");
        for needed in [
            "&lt;b&gt;&amp;",
            "prefers-color-scheme:dark",
            "bruit sim run &#39;a&amp;b&#39; --seeds 2",
            "time since publication, ",
            "sent, kbit/s",
            "from the crash until an observer held it failed, ",
            "class=\"th\"",
        ] {
            assert!(text.contains(needed), "{needed}");
        }
        for foreign in ["<script", "@import", "url(", "src=", "href=", "@font-face", "NaN", "inf"] {
            assert!(!text.contains(foreign), "{foreign}");
        }
    }
    assert!(html(&report).contains(&outcomes[1].trace_hash));
}

#[test]
fn empty_charts_say_why() {
    let scenario = Scenario::parse("nodes = 2\nduration = \"5s\"\n[workload]\nitems = 0", "", &[]);
    let scenario = scenario.unwrap();
    let outcome = run(&scenario, 1, &mut |_| ControlFlow::Continue(())).unwrap();
    let outcomes = [outcome];
    let report = Report { title: "t", command: "c", outcomes: &outcomes, theory: None };
    for text in [html(&report), svg(&report)] {
        assert!(text.contains("No item was published.") && text.contains("No node crashed"));
        assert!(is_well_formed(&text));
    }
}

#[test]
fn a_page_of_engines_shows_what_they_have_and_stays_small() {
    let text = "scale = \"engine\"\nnodes = 20000\nduration = \"9s\"\n[topic]\nstyle = \
                \"push_pull\"\nstop = \"rounds:30\"\n[workload]\nitems = 2";
    let scenario = Scenario::parse(text, "e", &[]).unwrap();
    let outcomes = [run(&scenario, 1, &mut |_| ControlFlow::Continue(())).unwrap()];
    let theory = theory(&scenario);
    let report = Report { title: "e", command: "c", outcomes: &outcomes, theory: theory.as_ref() };
    for text in [html(&report), svg(&report)] {
        assert!(is_well_formed(&text) && text.len() < 50_000, "{}", text.len());
        assert!(text.contains("20000 nodes (engines only)") && text.contains("class=\"th\""));
        assert!(!text.contains("kbit/s") && !text.contains("Detection time"), "{text}");
    }
}

/// Theory and simulation agree, where theory is about what is simulated.
#[test]
fn theory_is_near_what_is_simulated() {
    let text = "nodes = 120\nduration = \"12s\"\n[topic]\nstyle = \"lazy_push\"\nfanout = 3\n\
                stop = \"rounds:20\"\nrepair = false\n[network]\nlatency = \"10ms\"\n[workload]\n\
                items = 8";
    let scenario = Scenario::parse(text, "", &[]).unwrap();
    let outcome = run(&scenario, 1, &mut |_| ControlFlow::Continue(())).unwrap();
    let points = theory(&scenario).unwrap().points;
    let last = points.last().unwrap().1;
    let simulated = 1.0 - f64::from(outcome.spread.residue_ppm) / 1e6;
    // Fanout 3 reaches about 94 % (s = exp(-3 (1 - s))).
    assert!((last - 0.94).abs() < 0.01, "{points:?}");
    assert!((simulated - last).abs() < 0.03, "{simulated} {last}");
    // Within two hops of 30 ms: the first ones are few, and chance is large.
    let half = points.iter().find(|(_, share)| *share >= 0.5).unwrap().0;
    let reached = outcome.spread.reach_50_us.p50 as f64;
    assert!((half - reached).abs() <= 60_000.0, "{half} {reached}");
}

#[test]
fn theory_knows_that_push_has_a_least_fanout() {
    let reach = |fanout: u8| {
        let text = format!("nodes = 1000\n[topic]\nstyle = \"push\"\nfanout = {fanout}");
        let points = theory(&Scenario::parse(&text, "", &[]).unwrap()).unwrap().points;
        points.last().unwrap().1
    };
    assert!((reach(1) - reach(10)).abs() < 1e-12 && reach(11) > reach(10));
    assert!(theory(&Scenario::parse("nodes = 1", "", &[]).unwrap()).is_none());
}
