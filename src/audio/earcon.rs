//! Short sounds that say what words would take too long to say. Computed: no files.
#![forbid(unsafe_code)]

use std::f32::consts::TAU;

/// "A line was lost": two falling tones, 180 ms, at `rate` Hz.
pub fn lost(rate: u32) -> Vec<f32> {
    [(660.0, 0.08), (440.0, 0.10)].iter().flat_map(|&(hertz, s)| tone(hertz, s, rate)).collect()
}

/// A tone of `hertz` for `seconds` that swells and fades within 10 ms, so that it does not click.
#[expect(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn tone(hertz: f32, seconds: f32, rate: u32) -> impl Iterator<Item = f32> {
    let rate = rate as f32;
    let n_samples = (seconds * rate) as usize;
    let n_fade = 0.01 * rate;
    (0..n_samples).map(move |n| {
        let edge = n.min(n_samples - n) as f32 / n_fade;
        0.25 * edge.min(1.0) * (TAU * hertz * n as f32 / rate).sin()
    })
}

#[test]
fn a_cue_is_heard_and_does_not_clip() {
    let loudest = lost(48_000).into_iter().fold(0.0_f32, |top, sample| top.max(sample.abs()));
    assert!((0.2..0.3).contains(&loudest), "{loudest}");
    assert!(lost(48_000).len().abs_diff(48_000 * 18 / 100) < 3);
}
