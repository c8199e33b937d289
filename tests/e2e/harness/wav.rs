//! WAV files of 16-bit samples, and how much of a recording is loud.

use std::path::Path;
use std::time::Duration;

/// A sample above this is heard; of 32,768.
pub(crate) const LOUD: u16 = 200;

/// Blocks in which loudness is counted, in milliseconds: shorter than a sound of speech, longer
/// than the period of a voice.
const BLOCK_MS: usize = 20;

/// A sound in memory: mono.
#[derive(Clone, Debug)]
pub(crate) struct Wav {
    pub(crate) rate: u32,
    pub(crate) samples: Vec<i16>,
}

impl Wav {
    /// Reads a file that must be a whole one: its header must agree with its length.
    pub(crate) fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let name = path.display();
        let number = |at: usize, n: usize| -> u32 {
            bytes[at..at + n].iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte))
        };
        assert_eq!((&bytes[..4], &bytes[8..12]), (&b"RIFF"[..], &b"WAVE"[..]), "{name}");
        assert_eq!(number(4, 4) as usize + 8, bytes.len(), "{name}: length in the header");
        let (mut at, mut format) = (12, None);
        loop {
            let (part, length) = (&bytes[at..at + 4], number(at + 4, 4) as usize);
            let body = at + 8;
            match part {
                b"fmt " => format = Some((number(body + 2, 2), number(body + 4, 4))),
                b"data" => {
                    assert!(body + length <= bytes.len(), "{name}: the data are cut off");
                    let (channels, rate) = format.expect("fmt comes before data");
                    let samples = bytes[body..body + length]
                        .chunks_exact(2)
                        .step_by(channels as usize)
                        .map(|pair| i16::from_le_bytes([pair[0], pair[1]]))
                        .collect();
                    return Self { rate, samples };
                }
                _ => {}
            }
            at = body + length + length % 2;
        }
    }

    /// Writes a file of 16-bit mono.
    pub(crate) fn write(&self, path: &Path) {
        let length = u32::try_from(self.samples.len() * 2).expect("a recording fits a WAV file");
        let mut bytes = Vec::with_capacity(44 + self.samples.len() * 2);
        bytes.extend_from_slice(b"RIFF");
        bytes.extend_from_slice(&(36 + length).to_le_bytes());
        bytes.extend_from_slice(b"WAVEfmt \x10\0\0\0\x01\0\x01\0");
        bytes.extend_from_slice(&self.rate.to_le_bytes());
        bytes.extend_from_slice(&(self.rate * 2).to_le_bytes());
        bytes.extend_from_slice(b"\x02\0\x10\0data");
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend(self.samples.iter().flat_map(|sample| sample.to_le_bytes()));
        std::fs::write(path, bytes).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    /// How long it lasts.
    pub(crate) fn duration(&self) -> Duration {
        lasting(self.samples.len(), self.rate)
    }

    /// How long it is loud, in all.
    pub(crate) fn loud(&self) -> Duration {
        let block = self.rate as usize * BLOCK_MS / 1000;
        let n_loud = self.samples.chunks(block).filter(|block| is_loud(block)).count();
        Duration::from_millis((n_loud * BLOCK_MS) as u64)
    }
}

/// How long `n_samples` last at `rate` Hz.
pub(crate) fn lasting(n_samples: usize, rate: u32) -> Duration {
    Duration::from_nanos(n_samples as u64 * 1_000_000_000 / u64::from(rate))
}

/// Whether anything is heard of `samples`.
pub(crate) fn is_loud(samples: &[i16]) -> bool {
    samples.iter().any(|sample| sample.unsigned_abs() > LOUD)
}
