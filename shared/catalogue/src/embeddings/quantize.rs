//! The forms in which a vector is stored: half precision, and 8-bit integers with a scale for each half.

use half::f16;
use half::slice::HalfFloatSliceExt;

use super::dimensions::{DIMENSIONS, HALF};

/// Bytes of a vector in half precision.
pub(super) const EXACT_BYTES: usize = DIMENSIONS * 2;
/// Bytes of a vector as integers: a scale for each half (32-bit float), then the integers.
pub(super) const CODE_BYTES: usize = 2 * 4 + DIMENSIONS;

/// A vector as integers; times its half's scale, each is about the number.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Codes {
    pub(super) scales: [f32; 2],
    pub(super) codes: Box<[i8; DIMENSIONS]>,
}

/// Rounds a vector to integers of 8 bits, each half by a scale of its own.
pub(super) fn quantize(vector: &[f32; DIMENSIONS]) -> Codes {
    let mut codes = Box::new([0; DIMENSIONS]);
    let mut scales = [0.0; 2];
    let halves = vector.chunks(HALF).zip(codes.chunks_mut(HALF)).zip(&mut scales);
    for ((numbers, codes), scale) in halves {
        let largest = numbers.iter().fold(0.0_f32, |largest, number| largest.max(number.abs()));
        *scale = largest / 127.0;
        if largest == 0.0 {
            continue;
        }
        for (number, code) in numbers.iter().zip(codes) {
            #[expect(clippy::cast_possible_truncation, reason = "-127 to 127")]
            let rounded = (number / *scale).round() as i8;
            *code = rounded;
        }
    }
    Codes { scales, codes }
}

/// Writes the integers as they are stored.
pub(super) fn write_codes(codes: &Codes, row: &mut Vec<u8>) {
    for scale in codes.scales {
        row.extend_from_slice(&scale.to_le_bytes());
    }
    row.extend(codes.codes.iter().map(|code| code.cast_unsigned()));
}

/// Writes a vector in half precision.
pub(super) fn write_exact(vector: &[f32; DIMENSIONS], row: &mut Vec<u8>) {
    for number in vector {
        row.extend_from_slice(&f16::from_f32(*number).to_le_bytes());
    }
}

/// Reads a vector in half precision.
pub(super) fn read_exact(row: &[u8; EXACT_BYTES]) -> Box<[f32; DIMENSIONS]> {
    let mut halves = [f16::ZERO; DIMENSIONS];
    for (half, bytes) in halves.iter_mut().zip(row.as_chunks::<2>().0) {
        *half = f16::from_le_bytes(*bytes);
    }
    let mut vector = Box::new([0.0; DIMENSIONS]);
    halves.convert_to_f32_slice(vector.as_mut_slice());
    vector
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::embeddings::parser::normalize;

    proptest! {
        #[test]
        fn what_is_stored_is_near_what_was_given(seed in prop::collection::vec(-1.0_f32..1.0, DIMENSIONS)) {
            let mut vector: Box<[f32; DIMENSIONS]> = seed.into_boxed_slice().try_into().unwrap();
            for half in vector.chunks_mut(HALF) {
                prop_assume!(normalize(half).is_some());
            }
            let mut row = Vec::new();
            write_exact(&vector, &mut row);
            let exact = read_exact(row.as_slice().try_into().unwrap());
            let Codes { scales, codes } = quantize(&vector);
            for index in 0..DIMENSIONS {
                prop_assert!((exact[index] - vector[index]).abs() < 1e-3);
                let about = f32::from(codes[index]) * scales[index / HALF];
                prop_assert!((about - vector[index]).abs() <= scales[index / HALF] / 2.0 + 1e-6);
            }
            row.clear();
            write_codes(&Codes { scales, codes }, &mut row);
            prop_assert_eq!(row.len(), CODE_BYTES);
        }
    }
}
