//! How many lines each rule decided or changed, and which never matched.
#![forbid(unsafe_code)]

use std::fmt::Write as _;

use super::row::{Fate, Row};
use crate::diagnostics::escaped;
use crate::filter::{Effect, Rule};

/// Counts of lines.
#[derive(Debug, Default)]
pub(super) struct RuleStats {
    n_lines: u64,
    n_spoken: u64,
    /// Speakable lines that no rule decided.
    n_undecided: u64,
    /// Lines with nothing to say.
    n_empty: u64,
    /// For each rule, the lines that it decided or changed.
    by_rule: Vec<u64>,
}

impl RuleStats {
    pub(super) fn new(n_rules: usize) -> Self {
        Self { by_rule: vec![0; n_rules], ..Self::default() }
    }

    /// Counts `row`, with the `effects` of rules on it.
    pub(super) fn count(&mut self, effects: &[(usize, Effect)], row: &Row<'_>) {
        self.n_lines += 1;
        match (row.fate, row.by) {
            (Fate::Spoken, by) => {
                self.n_spoken += 1;
                self.n_undecided += u64::from(by.is_none());
            }
            (Fate::Dropped, None) => self.n_empty += 1,
            (Fate::Dropped, Some(_)) => {}
        }
        for (number, _) in effects {
            if let Some(count) = self.by_rule.get_mut(*number) {
                *count += 1;
            }
        }
    }

    /// The counts of the rules, the busiest first, and the rules that never matched.
    pub(super) fn summary(&self, rules: &[Rule]) -> String {
        let n_dropped = self.n_lines - self.n_spoken;
        let mut text =
            format!("{}: {} spoken, {n_dropped} dropped\n", lines(self.n_lines), self.n_spoken);
        let mut rows: Vec<_> = rules
            .iter()
            .zip(&self.by_rule)
            .filter(|&(_, &n)| n > 0)
            .map(|(rule, &n)| (n, rule.label(), rule.written()))
            .collect();
        rows.sort_by_key(|&(n, ..)| std::cmp::Reverse(n));
        let others = [(self.n_empty, "nothing to say"), (self.n_undecided, "no rule: spoken")];
        rows.extend(others.iter().filter(|(n, _)| *n > 0).map(|&(n, what)| (n, what, "")));
        let width = rows.iter().map(|(_, label, _)| label.chars().count()).max().unwrap_or(0);
        for (n, label, written) in rows {
            let row = format!("{n:>9}  {:width$}  {}", escaped(label), escaped(written));
            let _ = writeln!(text, "{}", row.trim_end());
        }
        text + &self.never(rules)
    }

    /// The rules that never matched.
    pub(super) fn never(&self, rules: &[Rule]) -> String {
        let idle = rules.iter().zip(&self.by_rule).filter(|&(_, &n)| n == 0);
        let rows: Vec<_> = idle.map(|(rule, _)| (rule.label(), rule.written())).collect();
        let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        for (label, written) in rows {
            let row = format!("    never  {:width$}  {}", escaped(label), escaped(written));
            let _ = writeln!(text, "{}", row.trim_end());
        }
        text
    }
}

/// `n` lines, in words.
pub(super) fn lines(n: u64) -> String {
    if n == 1 { "1 line".to_owned() } else { format!("{n} lines") }
}
