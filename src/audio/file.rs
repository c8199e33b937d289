//! Writes speech to a WAV file (mono, 16 bits, at the engine's rate), or discards it. Mono even
//! where speakers are panned: a recording is for keeping and sending, at half the size.
#![forbid(unsafe_code)]

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::report::Reporter;
use super::{Output, OutputError, samples};
use crate::diagnostics::{escaped, quoted};
use crate::message::UtteranceId;
use crate::wire::Report;

/// A WAV file, or nothing.
pub(crate) struct WavFile {
    writer: Option<hound::WavWriter<BufWriter<File>>>,
    path: PathBuf,
    reporter: Reporter,
    rate: u32,
    /// Something was written: the next utterance begins after a gap.
    begun: bool,
    /// The utterance whose first sample is not written yet.
    starting: Option<UtteranceId>,
    /// Samples of the current utterance.
    n_samples: u64,
}

impl WavFile {
    /// Creates or replaces the file at `path`, for samples at `rate` Hz.
    pub(crate) fn create(path: &Path, rate: u32, reporter: Reporter) -> Result<Self, OutputError> {
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: rate,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        let writer = hound::WavWriter::create(path, spec).map_err(|error| failed(path, &error))?;
        Ok(Self { writer: Some(writer), path: path.to_owned(), ..Self::nothing(rate, reporter) })
    }

    /// Appends to the file at `path`, after the length in its header: an earlier process wrote it.
    pub(crate) fn append(path: &Path, rate: u32, reporter: Reporter) -> Result<Self, OutputError> {
        let writer = hound::WavWriter::append(path).map_err(|error| failed(path, &error))?;
        let begun = writer.len() > 0;
        let nothing = Self::nothing(rate, reporter);
        Ok(Self { writer: Some(writer), path: path.to_owned(), begun, ..nothing })
    }

    /// Flushes the buffer, and updates the length in the header.
    fn keep(&mut self) -> Result<(), OutputError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        writer.flush().map_err(|error| failed(&self.path, &error))
    }

    /// Discards all samples.
    pub(crate) fn nothing(rate: u32, reporter: Reporter) -> Self {
        Self {
            writer: None,
            path: PathBuf::new(),
            reporter,
            rate,
            begun: false,
            starting: None,
            n_samples: 0,
        }
    }

    fn report_start(&mut self) {
        if let Some(id) = self.starting.take() {
            self.reporter.report(Report::Started { id });
        }
    }

    fn put(&mut self, sample: f32) -> Result<(), OutputError> {
        let Some(writer) = &mut self.writer else { return Ok(()) };
        #[expect(clippy::cast_possible_truncation, reason = "clamped, and `as` saturates")]
        let sample = (sample.clamp(-1.0, 1.0) * 32_767.0).round() as i16;
        writer.write_sample(sample).map_err(|error| failed(&self.path, &error))
    }
}

impl Output for WavFile {
    fn sample_rate(&self, engine_rate: u32) -> u32 {
        engine_rate
    }

    fn begin(
        &mut self,
        id: Option<UtteranceId>,
        gap: Duration,
        _pan: i8,
    ) -> Result<(), OutputError> {
        let n_gap = if self.begun { samples(gap, self.rate) } else { 0 };
        self.starting = id;
        self.n_samples = 0;
        self.begun = true;
        (0..n_gap).try_for_each(|_| self.put(0.0))
    }

    fn write(&mut self, samples: &[f32]) -> Result<bool, OutputError> {
        self.report_start();
        self.n_samples += samples.len() as u64;
        samples.iter().try_for_each(|&sample| self.put(sample))?;
        self.reporter.progress();
        Ok(self.reporter.is_wanted())
    }

    /// What is written counts as heard: the next process would resume here.
    fn mark(&mut self, _at: u64, report: Report) {
        self.report_start();
        self.rest();
        self.reporter.report(report);
    }

    fn end(&mut self, id: Option<UtteranceId>) -> Result<(), OutputError> {
        self.keep()?;
        if let Some(id) = id {
            self.report_start();
            let ms = super::milliseconds(self.n_samples, self.rate);
            self.reporter.report(Report::Finished { id, ms });
        }
        Ok(())
    }

    fn clear(&mut self) {}

    fn drain(&mut self) -> Result<(), OutputError> {
        match self.writer.take() {
            Some(writer) => writer.finalize().map_err(|error| failed(&self.path, &error)),
            None => Ok(()),
        }
    }

    /// Updates the header, so that the file can be played now.
    fn rest(&mut self) -> Option<Duration> {
        if let Err(error) = self.keep() {
            self.reporter.report(error.lost());
        }
        None
    }
}

fn failed(path: &Path, error: &hound::Error) -> OutputError {
    OutputError::File { path: quoted(path), why: escaped(&error.to_string()) }
}

#[test]
fn the_next_process_keeps_what_an_earlier_one_wrote() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x.wav");
    let reporter = Reporter::unread();
    let mut first = WavFile::create(&path, 8_000, reporter.clone()).expect("a file");
    first.write(&vec![0.5; 6_000]).expect("written");
    first.end(None).expect("kept");
    first.write(&vec![0.25; 6_000]).expect("written, and not counted in the header");
    std::mem::forget(first); // a killed process runs no destructor
    let mut next = WavFile::append(&path, 8_000, reporter).expect("the same file");
    next.begin(None, Duration::from_millis(100), 0).expect("a gap");
    next.write(&[0.75; 10]).expect("written");
    next.drain().expect("finalized");
    let mut reader = hound::WavReader::open(&path).expect("a WAV file");
    let samples: Vec<i16> = reader.samples().map(|it| it.expect("a sample")).collect();
    let n_of = |level: f32| {
        let level = (level * 32_767.0).round();
        samples.iter().filter(|&&it| (f32::from(it) - level).abs() < 1.0).count()
    };
    assert_eq!((n_of(0.5), n_of(0.0), n_of(0.75)), (6_000, 800, 10));
    assert_eq!(samples.len(), 6_810);
}
