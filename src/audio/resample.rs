//! Resamples from the engine's rate to the device's: a windowed-sinc filter, one phase for each
//! place an output sample can have between two input samples (Crochiere and Rabiner, *Multirate
//! Digital Signal Processing*, 1983, ch. 2). Done here for its low latency: an output sample is
//! ready as soon as the 16 input samples after it have come, and an utterance's first comes at
//! once.
#![forbid(unsafe_code)]

use std::f64::consts::PI;

/// How many input samples contribute to one output sample.
const N_TAPS: usize = 32;
const HALF: usize = N_TAPS / 2;

/// Converts samples from one rate to another.
pub(crate) struct Resampler {
    /// `N_TAPS` weights for each phase.
    weights: Vec<[f32; N_TAPS]>,
    /// Input samples are taken `down` steps of `1/up` apart.
    up: usize,
    down: usize,
    /// The last input samples, and the place of the next output among them, in steps.
    input: Vec<f32>,
    place: usize,
}

impl Resampler {
    /// From `from` Hz to `to` Hz; both above zero.
    pub(crate) fn new(from: u32, to: u32) -> Self {
        let divisor = gcd(from, to);
        let (up, down) = ((to / divisor) as usize, (from / divisor) as usize);
        // A little below the lower Nyquist limit, since the filter is not sharp.
        let cutoff = 0.95 * f64::from(to.min(from)) / f64::from(from);
        let weights = (0..up).map(|phase| weights(cutoff, phase as f64 / up as f64)).collect();
        let mut resampler = Self { weights, up, down, input: Vec::new(), place: 0 };
        resampler.reset();
        resampler
    }

    /// Clears the state of the previous utterance.
    pub(crate) fn reset(&mut self) {
        self.input.clear();
        self.input.resize(HALF - 1, 0.0);
        self.place = 0;
    }

    /// Appends to `out` the samples that are ready after `samples`, between -1 and 1.
    pub(crate) fn push(&mut self, samples: &[i16], out: &mut Vec<f32>) {
        self.input.extend(samples.iter().map(|&sample| f32::from(sample) / 32_768.0));
        self.run(out);
    }

    /// The new place of the sample that was at `place` of the utterance.
    pub(crate) fn place(&self, place: u64) -> u64 {
        place * self.up as u64 / self.down as u64
    }

    /// Appends the utterance's last samples.
    pub(crate) fn finish(&mut self, out: &mut Vec<f32>) {
        self.input.extend([0.0; HALF]);
        self.run(out);
        self.reset();
    }

    fn run(&mut self, out: &mut Vec<f32>) {
        let mut first = self.place / self.up;
        while let Some(window) = self.input.get(first..first + N_TAPS) {
            let weights = &self.weights[self.place % self.up];
            out.push(window.iter().zip(weights).map(|(sample, weight)| sample * weight).sum());
            self.place += self.down;
            first = self.place / self.up;
        }
        let done = first.min(self.input.len());
        self.input.drain(..done);
        self.place -= done * self.up;
    }
}

/// The weights for an output that lies `phase` (0 to 1) behind the window's middle: a sinc under a
/// Blackman window, summing to one so that no phase is louder.
fn weights(cutoff: f64, phase: f64) -> [f32; N_TAPS] {
    let mut weights = [0.0; N_TAPS];
    for (tap, weight) in weights.iter_mut().enumerate() {
        let x = tap as f64 - (HALF - 1) as f64 - phase;
        let sinc = if x.abs() < 1e-9 { 1.0 } else { (PI * cutoff * x).sin() / (PI * cutoff * x) };
        let at = PI * x / HALF as f64;
        *weight = sinc * (0.42 + 0.5 * at.cos() + 0.08 * (2.0 * at).cos());
    }
    let sum: f64 = weights.iter().sum();
    #[expect(clippy::cast_possible_truncation, reason = "weights need no more than f32 holds")]
    weights.map(|weight| (weight / sum) as f32)
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::cast_possible_truncation, reason = "within half of what i16 holds")]
    fn tone(hertz: f64, rate: u32, n_samples: usize) -> Vec<i16> {
        (0..n_samples)
            .map(|n| (16_384.0 * (2.0 * PI * hertz * n as f64 / f64::from(rate)).sin()) as i16)
            .collect()
    }

    fn resampled(from: u32, to: u32, samples: &[i16], piece: usize) -> Vec<f32> {
        let (mut resampler, mut out) = (Resampler::new(from, to), Vec::new());
        samples.chunks(piece).for_each(|samples| resampler.push(samples, &mut out));
        resampler.finish(&mut out);
        out
    }

    #[test]
    fn a_tone_keeps_its_pitch_its_level_and_its_beginning() {
        for (from, to) in [(22_050, 48_000), (22_050, 44_100), (48_000, 22_050), (22_050, 22_050)] {
            let out = resampled(from, to, &tone(1_000.0, from, from as usize / 10), 1_000);
            let expected = tone(1_000.0, to, to as usize / 10);
            assert!(out.len().abs_diff(expected.len()) <= 3, "{from} to {to}: {}", out.len());
            for (n, (got, want)) in out.iter().zip(&expected).enumerate().skip(40) {
                let want = f32::from(*want) / 32_768.0;
                let at_the_end = n + 40 > expected.len();
                assert!(
                    at_the_end || (got - want).abs() < 0.005,
                    "{from} to {to}, {n}: {got} {want}"
                );
            }
        }
    }

    #[test]
    fn chunks_make_no_difference() {
        let samples = tone(440.0, 22_050, 3_000);
        let whole = resampled(22_050, 48_000, &samples, samples.len());
        assert_eq!(resampled(22_050, 48_000, &samples, 7), whole);
    }

    #[test]
    fn frequencies_above_the_lower_limit_are_removed() {
        let out = resampled(48_000, 22_050, &tone(15_000.0, 48_000, 4_800), 512);
        let loudest = out[100..2_000].iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
        assert!(loudest < 0.01, "{loudest}");
    }
}
