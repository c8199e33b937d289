//! Earcons: short sounds instead of words, which would take too long. Computed, without files.
#![forbid(unsafe_code)]

use std::f32::consts::{PI, TAU};

use crate::message::Earcon;

/// The loudest sample, of 1: as loud as speech, and twice of it (volume 200) does not clip.
const LEVEL: f32 = 0.25;

/// How long a tone fades in and out, in seconds, so that it does not click.
const EDGE: f32 = 0.008;

/// A tone that glides from one pitch to another.
#[derive(Clone, Copy)]
struct Tone {
    /// In hertz.
    from: f32,
    to: f32,
    /// In seconds.
    lasts: f32,
    /// How much of it is its third harmonic, 0 to 1: without it, small speakers do not reproduce
    /// low tones.
    third: f32,
}

const fn tone(hertz: f32, lasts: f32) -> Tone {
    glide(hertz, hertz, lasts)
}

const fn glide(from: f32, to: f32, lasts: f32) -> Tone {
    Tone { from, to, lasts, third: 0.0 }
}

const REST: Tone = tone(0.0, 0.02);

/// The tones of each earcon. The one before words delays them, and is over in 90 ms.
fn tones(earcon: Earcon) -> &'static [Tone] {
    const TICK: Tone = Tone { third: 0.4, ..tone(330.0, 0.03) };
    const DRONE: Tone = Tone { third: 0.4, ..tone(185.0, 0.19) };
    match earcon {
        Earcon::Lost => const { &[tone(660.0, 0.08), tone(440.0, 0.10)] },
        Earcon::Highlight => const { &[tone(1_175.0, 0.035), tone(1_568.0, 0.045)] },
        Earcon::Join => const { &[glide(392.0, 1_047.0, 0.11)] },
        Earcon::Part => const { &[glide(1_047.0, 392.0, 0.11)] },
        Earcon::Topic => const { &[tone(988.0, 0.05), tone(740.0, 0.05), tone(988.0, 0.05)] },
        Earcon::Skipped => const { &[TICK, REST, TICK, REST, TICK] },
        Earcon::Behind => const { &[DRONE] },
    }
}

/// The sound of `earcon` at `rate` Hz and `volume` per cent.
pub(crate) fn sound(earcon: Earcon, rate: u32, volume: u8) -> Vec<f32> {
    let level = LEVEL * f32::from(volume) / 100.0;
    tones(earcon).iter().flat_map(|&tone| samples(tone, rate, level)).collect()
}

#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn samples(tone: Tone, rate: u32, level: f32) -> impl Iterator<Item = f32> {
    let rate = rate as f32;
    let n_samples = (tone.lasts * rate) as usize;
    let mut phase = 0.0;
    (0..n_samples).map(move |n| {
        let along = n as f32 / n_samples as f32;
        phase = (phase + TAU * (tone.from + (tone.to - tone.from) * along) / rate) % TAU;
        let wave = (1.0 - tone.third) * phase.sin() + tone.third * (3.0 * phase).sin();
        let from_end = n.min(n_samples - 1 - n) as f32 / (EDGE * rate);
        level * wave * 0.5 * (1.0 - (PI * from_end.min(1.0)).cos())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Earcon; 7] = [
        Earcon::Lost,
        Earcon::Highlight,
        Earcon::Join,
        Earcon::Part,
        Earcon::Topic,
        Earcon::Skipped,
        Earcon::Behind,
    ];

    fn loudest(samples: &[f32]) -> f32 {
        samples.iter().fold(0.0, |top, sample| sample.abs().max(top))
    }

    #[test]
    fn each_is_audible_and_short_and_neither_clips_nor_clicks() {
        for (earcon, rate) in ALL.into_iter().flat_map(|it| [(it, 22_050_u32), (it, 48_000)]) {
            let samples = sound(earcon, rate, 100);
            let ms = samples.len() * 1_000 / rate as usize;
            let longest = if earcon == Earcon::Highlight { 90 } else { 200 };
            assert!((50..=longest).contains(&ms), "{earcon:?}: {ms} ms");
            assert!((0.15..0.3).contains(&loudest(&samples)), "{earcon:?}");
            assert!(loudest(&sound(earcon, rate, 200)) <= 0.5, "{earcon:?} at the loudest");
            // Adjacent samples differ by no more than in a tone of 1.6 kHz.
            let most = LEVEL * TAU * 1_600.0 / rate as f32;
            let ends = [0.0].iter().chain(&samples).chain(&[0.0]).copied().collect::<Vec<_>>();
            assert!(ends.windows(2).all(|it| (it[1] - it[0]).abs() < most), "{earcon:?} clicks");
        }
    }

    #[test]
    fn each_sounds_different() {
        // How often the wave crosses zero in each 10 ms: its melody, and its rhythm.
        let melody = |earcon| -> Vec<usize> {
            let mut samples = sound(earcon, 48_000, 100);
            samples.resize(9_600, 0.0);
            let crossings =
                |piece: &[f32]| piece.windows(2).filter(|it| it[0] * it[1] < 0.0).count();
            samples.chunks(480).map(crossings).collect()
        };
        for (n, one) in ALL.into_iter().enumerate() {
            for other in ALL.into_iter().skip(n + 1) {
                let (a, b) = (melody(one), melody(other));
                let differs: usize = a.iter().zip(&b).map(|(a, b)| a.abs_diff(*b)).sum();
                assert!(differs > 50, "{one:?} {a:?} and {other:?} {b:?}");
            }
        }
    }
}
