//! The thread that owns engine and output, and turns one utterance after the other into sound.
#![forbid(unsafe_code)]

use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::idle::Idle;
use super::traits::{Engine, EngineError, Stage, Word};
use crate::audio::device::Device;
use crate::audio::file::WavFile;
use crate::audio::report::Reporter;
use crate::audio::resample::Resampler;
use crate::audio::trim::Trim;
use crate::audio::{Output, OutputError, earcon, milliseconds};
use crate::message::{Earcon, UtteranceId};
use crate::wire::{GAP, Report, Request, Setup, SpeakRequest, Target};

/// The sample rate of earcons where an engine plays its own sound, in Hz.
const EARCON_RATE: u32 = 22_050;

/// How long to wait for a report to be written.
const REPORT_WITHIN: Duration = Duration::from_millis(20);

/// How long to wait until the end is reported; if the listener is gone, the wait ends earlier.
const DONE_WITHIN: Duration = Duration::from_secs(10);

/// Carries out requests until [`Request::Finish`], or until the channel is closed.
pub(super) fn run(setup: &Setup, orders: &Receiver<Request>, reporter: &Reporter) {
    let (engine, output) = match open(setup, reporter) {
        Ok(opened) => opened,
        Err(refused) => return reporter.report(refused),
    };
    let resampler = engine.sample_rate().map(|from| (from, output.sample_rate(from)));
    let mut player = Player {
        engine,
        output,
        resampler: resampler.filter(|(from, to)| from != to).map(|(a, b)| Resampler::new(a, b)),
        reporter: reporter.clone(),
        volume: 100,
        n_stops: 0,
    };
    reporter.report(Report::Ready);
    // With a file, nobody waits for the next line.
    let can_measure = resampler.is_some() && matches!(setup.target, Target::Device(_));
    if let Err(error) = player.run(Idle::new(orders, can_measure)) {
        reporter.report(error.lost());
    }
}

/// An engine, and where its sound goes.
type Opened = (Box<dyn Engine>, Box<dyn Output>);

fn open(setup: &Setup, reporter: &Reporter) -> Result<Opened, Report> {
    let engine = super::open(setup).map_err(|error| Report::Refused {
        why: error.to_string(),
        configuration: error.is_configuration(),
    })?;
    let output = output(setup, engine.sample_rate(), reporter).map_err(|error| {
        let configuration = matches!(error, OutputError::UnknownDevice { .. });
        match error {
            OutputError::NoAnswer => error.lost(), // a server that hangs is waited for
            error => Report::Refused { why: error.to_string(), configuration },
        }
    })?;
    Ok((engine, output))
}

fn output(
    setup: &Setup,
    engine_rate: Option<u32>,
    reporter: &Reporter,
) -> Result<Box<dyn Output>, OutputError> {
    let reporter = reporter.clone();
    let Some(rate) = engine_rate else {
        return Ok(Box::new(WavFile::nothing(EARCON_RATE, reporter))); // it plays its own sound
    };
    Ok(match &setup.target {
        Target::Device(name) => {
            let close_after = Duration::from_millis(setup.close_after_ms);
            let (name, wants_server) = (name.as_deref(), setup.wants_server);
            Box::new(Device::open(name, wants_server, setup.buffer_frames, close_after, reporter)?)
        }
        Target::File(path) if setup.appends => Box::new(WavFile::append(path, rate, reporter)?),
        Target::File(path) => Box::new(WavFile::create(path, rate, reporter)?),
        Target::Null => Box::new(WavFile::nothing(rate, reporter)),
    })
}

struct Player {
    engine: Box<dyn Engine>,
    output: Box<dyn Output>,
    resampler: Option<Resampler>,
    reporter: Reporter,
    /// That of the last utterance, for earcons between utterances.
    volume: u8,
    /// Stops carried out.
    n_stops: u64,
}

impl Player {
    fn run(&mut self, mut idle: Idle<'_>) -> Result<(), OutputError> {
        let mut rest = None;
        loop {
            match idle.next(self.engine.as_mut(), &self.reporter, rest) {
                Ok(Request::Speak(speech)) => self.speak(&speech)?,
                Ok(Request::Earcon(earcon)) => self.play(earcon)?,
                Ok(Request::Measure { .. }) => {} // handled in `Idle`
                Ok(Request::Stop) => self.stop(),
                Ok(Request::Finish) => {
                    self.output.drain()?;
                    // The process exits after this; unreported, that would count as a crash.
                    self.reporter.report_first(Report::Done, DONE_WITHIN);
                    return Ok(());
                }
                Err(RecvTimeoutError::Timeout) => {
                    rest = self.output.rest();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return Ok(()),
            }
            rest = self.output.rest();
        }
    }

    fn speak(&mut self, speech: &SpeakRequest) -> Result<(), OutputError> {
        if !self.reporter.is_wanted() {
            return Ok(()); // a stop is queued behind it
        }
        self.volume = speech.volume;
        self.output.begin(Some(speech.id), GAP, speech.pan)?;
        let n_before = speech.earcon.map_or(Ok(0), |earcon| self.write_earcon(earcon))?;
        if speech.text.is_empty() {
            return self.output.end(Some(speech.id)); // only an earcon
        }
        self.speak_text(speech, n_before)
    }

    /// Has the engine speak the text, after `n_before` samples of an earcon.
    fn speak_text(&mut self, speech: &SpeakRequest, n_before: u64) -> Result<(), OutputError> {
        if let Some(resampler) = &mut self.resampler {
            resampler.reset();
        }
        let rate = self.rate();
        let mut stage = Sounding {
            speech,
            rate,
            n_before,
            n_written: n_before,
            words: VecDeque::new(),
            output: self.output.as_mut(),
            resampler: self.resampler.as_mut(),
            trim: Trim::default(),
            trimmed: Vec::new(),
            ready: Vec::new(),
            reporter: &self.reporter,
            failed: None,
        };
        self.reporter.in_engine(true);
        let spoken = self.engine.speak(speech, &mut stage);
        self.reporter.in_engine(false);
        if let Err(EngineError::Gone { why }) = spoken {
            return Err(OutputError::Gone(why));
        }
        stage.finish()?;
        let is_silent = stage.n_written == 0 && self.engine.sample_rate().is_some();
        self.end(speech.id, spoken, is_silent)?;
        // Before the next text, so that its crash is not blamed on this one.
        self.reporter.report_first(Report::Made { id: speech.id }, REPORT_WITHIN);
        Ok(())
    }

    /// Ends the utterance's sound, with a report where it failed or there was none.
    fn end(
        &mut self,
        id: UtteranceId,
        spoken: Result<(), EngineError>,
        is_silent: bool,
    ) -> Result<(), OutputError> {
        match spoken {
            Ok(()) if is_silent => {
                // In order, with a sample of silence: earlier utterances may still be playing.
                self.output.mark(0, Report::Silent { id });
                self.output.write(&[0.0])?;
                self.output.end(None)
            }
            Ok(()) => self.output.end(Some(id)),
            Err(error) => {
                self.reporter.report(Report::Failed { id, why: error.to_string() });
                self.output.end(None)
            }
        }
    }

    /// Plays an earcon between utterances.
    fn play(&mut self, earcon: Earcon) -> Result<(), OutputError> {
        self.output.begin(None, Duration::ZERO, 0)?;
        self.write_earcon(earcon)?;
        self.output.end(None)
    }

    /// Returns the number of samples written.
    fn write_earcon(&mut self, earcon: Earcon) -> Result<u64, OutputError> {
        let sound = earcon::sound(earcon, self.rate(), self.volume);
        self.output.write(&sound)?;
        Ok(sound.len() as u64)
    }

    /// The rate the output takes, in Hz.
    fn rate(&self) -> u32 {
        self.output.sample_rate(self.engine.sample_rate().unwrap_or(EARCON_RATE))
    }

    fn stop(&mut self) {
        self.output.clear();
        self.n_stops += 1;
        self.reporter.stopped(self.n_stops);
    }
}

/// One utterance on its way from the engine to the output.
struct Sounding<'a> {
    speech: &'a SpeakRequest,
    /// Samples of the earcon, and of everything so far, at the output's rate.
    n_before: u64,
    n_written: u64,
    /// The output's rate, in Hz.
    rate: u32,
    /// Words whose samples are not written yet, and where they begin at the engine's rate.
    words: VecDeque<(u64, Word)>,
    output: &'a mut dyn Output,
    resampler: Option<&'a mut Resampler>,
    trim: Trim,
    trimmed: Vec<i16>,
    ready: Vec<f32>,
    reporter: &'a Reporter,
    failed: Option<OutputError>,
}

impl Sounding<'_> {
    /// Writes the samples that are ready; `false` where the rest is not wanted.
    fn write(&mut self) -> bool {
        self.n_written += self.ready.len() as u64;
        if !self.ready.is_empty() {
            self.mark_words();
        }
        // A late device must not count as a hung engine.
        let was_in_engine = self.reporter.in_engine(false);
        let written = self.output.write(&self.ready);
        self.reporter.in_engine(was_in_engine);
        self.ready.clear();
        written.unwrap_or_else(|error| {
            self.failed = Some(error);
            false
        })
    }

    /// Marks the words that begin among the samples about to be written.
    fn mark_words(&mut self) {
        while let Some(&(at, Word { start, length })) = self.words.front() {
            let at = self.trim.place(at);
            let at = self.resampler.as_ref().map_or(at, |resampler| resampler.place(at));
            let at = self.n_before + at;
            if at >= self.n_written {
                return;
            }
            self.words.pop_front();
            let ms = milliseconds(at, self.rate);
            let id = self.speech.id;
            self.output.mark(at, Report::Word { id, start, length, ms, behind_ms: 0 });
        }
    }

    /// Writes the utterance's last samples.
    fn finish(&mut self) -> Result<(), OutputError> {
        if let Some(resampler) = &mut self.resampler
            && self.reporter.is_wanted()
        {
            resampler.finish(&mut self.ready);
        }
        self.write();
        self.failed.take().map_or(Ok(()), Err)
    }
}

impl Stage for Sounding<'_> {
    fn begin(&mut self) {
        self.ready.clear();
        self.write();
    }

    fn word(&mut self, at: u64, word: Word) {
        self.words.push_back((at, word));
    }

    fn samples(&mut self, samples: &[i16]) -> bool {
        self.reporter.progress();
        self.trimmed.clear();
        self.trim.push(samples, &mut self.trimmed);
        for sample in &mut self.trimmed {
            *sample = at_volume(*sample, self.speech.volume);
        }
        match &mut self.resampler {
            Some(resampler) => resampler.push(&self.trimmed, &mut self.ready),
            None => {
                self.ready.extend(self.trimmed.iter().map(|&it| f32::from(it) / 32_768.0));
            }
        }
        self.write()
    }

    fn wanted(&self) -> bool {
        self.reporter.is_wanted()
    }

    fn alive(&self) {
        self.reporter.progress();
    }
}

/// A sample at `volume` per cent. The engine itself always speaks at 100, so that trimming, and how
/// long an utterance takes, are the same at every volume, even at 0.
fn at_volume(sample: i16, volume: u8) -> i16 {
    let scaled = i32::from(sample) * i32::from(volume) / 100;
    i16::try_from(scaled).unwrap_or(if scaled < 0 { i16::MIN } else { i16::MAX })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_volume_scales_and_does_not_overflow() {
        let at = |volume| [10_000, -30_000, 7].map(|sample| at_volume(sample, volume));
        assert_eq!(at(100), [10_000, -30_000, 7]);
        assert_eq!(at(20), [2_000, -6_000, 1]);
        assert_eq!(at(0), [0, 0, 0]);
        assert_eq!(at(200), [20_000, -32_768, 14]);
    }

    #[test]
    fn an_unknown_engine_is_a_configuration_error() {
        let setup = Setup { engine: "nonesuch".to_owned(), ..Setup::default() };
        let error = crate::engine::open(&setup).err().expect("refused");
        assert!(matches!(error, EngineError::Unknown { .. }));
        assert!(error.is_configuration());
    }
}
