//! A log replayed on a virtual clock, with the durations that the engine measures.

use crate::harness::{directory, run};

#[test]
fn durations_are_measured_on_request() {
    let folder = directory();
    let log = folder.path().join("meeting.tsv");
    let line = |minute| format!("{}\tsay\tmira\tthe build of item {minute} is green", minute * 60);
    let header = "seconds_since_start\tkind\tsender\ttext".to_owned();
    let table: Vec<_> = std::iter::once(header).chain((0..5).map(line)).collect();
    std::fs::write(&log, table.join("\n")).expect("a log");
    let median = |options: &[&str]| {
        let log = log.to_str().expect("a path in UTF-8");
        let output = run(folder.path(), [&["simulate", "--json"], options, &[log]].concat(), "");
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("a report");
        assert_eq!(report["lines"], 5, "{report}");
        report["lag_s"]["median"].as_f64().expect("a number")
    };
    let (estimated, measured) = (median(&[]), median(&["--measure"]));
    assert!((0.6..1.6).contains(&(measured / estimated)), "{measured} s, estimated {estimated} s");
    assert!((measured - estimated).abs() > 1e-3, "nothing was measured: {measured}");
}
