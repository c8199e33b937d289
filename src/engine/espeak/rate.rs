//! Converts words a minute to eSpeak's rate parameter, which is not words a minute: 220 speaks 256.
#![forbid(unsafe_code)]

use crate::units::Wpm;

/// Parameter and its rate, in words a minute: 60 chat lines (549 words, numbers spelled)
/// over their sounding time, measured with eSpeak NG 1.51. From 450 on libsonic does the rest.
const MEASURED: [(f64, f64); 12] = [
    (80.0, 94.0), // by the ratio at 120
    (120.0, 141.0),
    (149.0, 175.0),
    (175.0, 205.0),
    (189.0, 220.0),
    (220.0, 256.0),
    (261.0, 299.0),
    (300.0, 342.0),
    (354.0, 401.0),
    (400.0, 448.0),
    (450.0, 505.0),
    (600.0, 676.0),
];

/// The parameter that speaks `wpm` words a minute, by linear interpolation; extrapolated beyond the
/// last.
pub(super) fn parameter(wpm: Wpm) -> i32 {
    let wpm = f64::from(wpm);
    let above = MEASURED.iter().position(|&(_, real)| real >= wpm).unwrap_or(MEASURED.len() - 1);
    let ((p0, r0), (p1, r1)) = (MEASURED[above.max(1) - 1], MEASURED[above.max(1)]);
    let parameter = p0 + (wpm - r0) * (p1 - p0) / (r1 - r0);
    #[expect(clippy::cast_possible_truncation, reason = "clamped first")]
    let parameter = parameter.round().clamp(80.0, 900.0) as i32;
    parameter
}

#[test]
fn words_a_minute_become_the_measured_parameter() {
    for (wpm, expected) in
        [(0, 80), (94, 80), (141, 120), (220, 189), (256, 220), (448, 400), (505, 450), (676, 600)]
    {
        assert_eq!(parameter(Wpm(wpm)), expected, "{wpm} wpm");
    }
    let of = |wpm| parameter(Wpm(wpm));
    assert!(of(300) > of(299) || of(301) > of(299));
    assert_eq!(of(100_000), 900);
}
