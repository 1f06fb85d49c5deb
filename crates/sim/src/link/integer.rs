//! Logarithms, powers and normal draws by integers and tables.

use super::tables::{EXP2, LOG2, NORMAL, OCTAVES};

/// A standard normal draw, times 2¹⁶.
pub(super) fn normal(bits: u64) -> i64 {
    let tail = bits << 1;
    let octave = usize::try_from(tail.leading_zeros()).expect("at most 64");
    let size = if octave >= OCTAVES {
        i64::from(NORMAL[8 * (OCTAVES - 1)])
    } else {
        // Behind the leading one: three bits choose the step, the next 16 the place in it.
        let behind = tail << octave << 1;
        let step = usize::try_from(behind >> 61).expect("three bits");
        let place = i64::try_from(behind << 3 >> 48).expect("16 bits");
        let above = match (octave, step) {
            (0, 7) => 0,
            (_, 7) => NORMAL[8 * (octave - 1)],
            _ => NORMAL[8 * octave + step + 1],
        };
        let (here, above) = (i64::from(NORMAL[8 * octave + step]), i64::from(above));
        here - (((here - above) * place) >> 16)
    };
    if bits >> 63 == 0 { size } else { -size }
}

/// A draw of the exponential distribution with mean 1, times 2³².
pub(super) fn exponential(bits: u64) -> u64 {
    /// ln 2, times 2³².
    const LN2: u128 = 2_977_044_472;
    // −log2 of a number in (0, 1]: 64 less the logarithm of an integer up to 2⁶⁴.
    let log = (64_u64 << 32).saturating_sub(u64::try_from(log2(bits.max(1))).expect("positive"));
    u64::try_from((u128::from(log) * LN2) >> 32).expect("at most 45, times 2³²")
}

/// The logarithm of a positive integer, base 2, times 2³²; exact to 5 × 10⁻⁵.
pub(super) fn log2(value: u64) -> i64 {
    let zeros = value.leading_zeros();
    let behind = value << zeros << 1;
    let step = usize::try_from(behind >> 58).expect("six bits");
    let place = behind << 6 >> 32;
    let (low, high) = (LOG2[step], LOG2[step + 1]);
    let fraction = low + (((high - low) * place) >> 32);
    let whole = u64::from(63 - zeros) << 32;
    i64::try_from(whole + fraction).expect("at most 64, times 2³²")
}

/// `value × 2^(exponent / 2³²)`, at most `2⁶²`.
pub(super) fn scale(value: u64, exponent: i64) -> u64 {
    const CEILING: u128 = 1 << 62;
    let behind = u64::try_from(exponent & 0xffff_ffff).expect("32 bits");
    let step = usize::try_from(behind >> 26).expect("six bits");
    let place = (behind << 6) & 0xffff_ffff;
    let (low, high) = (EXP2[step], EXP2[step + 1]);
    let factor = low + (((high - low) * place) >> 32);
    let scaled = u128::from(value) * u128::from(factor);
    let shift = exponent >> 32;
    let scaled = if shift > 30 {
        if value == 0 { 0 } else { CEILING }
    } else if shift >= 0 {
        scaled >> (32 - shift)
    } else {
        scaled.checked_shr(u32::try_from(32 - shift).unwrap_or(u32::MAX)).unwrap_or(0)
    };
    u64::try_from(scaled.min(CEILING)).expect("below 2⁶³")
}
