//! Explains lines by one set of rules, and counts the effects of each rule.
#![forbid(unsafe_code)]

use std::path::Path;

use super::row::{Fate, Row};
use super::rule_stats::RuleStats;
use crate::config::settings::Settings;
use crate::diagnostics::escaped;
use crate::filter::{Effect, Rule};
use crate::format::{self, time};
use crate::message::{Line, SourceId};
use crate::pipeline::{Outcome, Pipeline};
use crate::source::lines::Lines;

/// A set of rules, and its effects so far.
pub(super) struct RuleRun {
    pipeline: Pipeline,
    rules: Vec<Rule>,
    pub(super) tally: RuleStats,
}

impl RuleRun {
    /// Explains the log `name` by `settings`.
    pub(super) fn new(settings: Settings, name: &Path) -> Self {
        let Settings { filter, format, grammars, phrasing, .. } = settings;
        let rules: Vec<_> = filter.rules().cloned().collect();
        let name = name.to_string_lossy().into_owned();
        let tally = RuleStats::new(rules.len());
        let pipeline = Pipeline::new([name], &grammars, format.as_deref(), filter, phrasing);
        Self { pipeline, rules, tally }
    }

    /// The recognised format, and how sure that is.
    pub(super) fn recognised(&self) -> String {
        let (name, sureness) = self.pipeline.recognised(SourceId(0));
        if name == format::PLAIN {
            return "read as plain text: no format is sure; --format names one\n".to_owned();
        }
        let percent = sureness * 100.0;
        format!("read as {}: it describes {percent:.0} % of the first lines\n", escaped(name))
    }

    pub(super) fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// Takes lines to recognise the format by.
    pub(super) fn sample(&mut self, lines: &Lines) {
        self.pipeline.sample(lines);
    }

    /// Explains `line` to `take`.
    pub(super) fn explain<R>(&mut self, line: Line<'_>, take: impl FnOnce(&Row<'_>) -> R) -> R {
        let Self { pipeline, rules, tally } = self;
        pipeline.explain(line, |explained| {
            let (mut by, mut also) = (None, Vec::new());
            for &(number, effect) in explained.effects {
                match effect {
                    Effect::Kept | Effect::Dropped => by = rules.get(number),
                    Effect::Highlighted | Effect::Replaced | Effect::Relayed | Effect::Expires => {
                        also.extend(rules.get(number).map(|rule| (effect, rule)));
                    }
                }
            }
            let (fate, rule, spoken) = match explained.outcome {
                Outcome::Words(words, ..) => (Fate::Spoken, by.map(Rule::label), Some(words)),
                Outcome::Dropped(rule) => (Fate::Dropped, Some(rule), None),
            };
            // No rule dropped a line without words, even if one would have kept it.
            let by = by.filter(|by| Some(by.label()) == rule);
            let message = &explained.message;
            let stamp = message.stamp.as_deref();
            let time =
                stamp.map(|it| time::parse(it).map_or(it.to_owned(), |time| time.to_string()));
            let row = Row {
                line: explained.number,
                format: explained.format,
                kind: message.kind,
                time: time.as_deref(),
                channel: message.channel.as_deref(),
                sender: message.sender.as_deref(),
                text: &message.text,
                fate,
                rule,
                spoken,
                by,
                also: &also,
            };
            tally.count(explained.effects, &row);
            take(&row)
        })
    }
}
