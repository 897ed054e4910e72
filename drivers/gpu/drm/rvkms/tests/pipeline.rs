// SPDX-License-Identifier: GPL-2.0

//! Unit tests of the colour pipeline.
//!
//! The check sums are those of what VKMS's functions give, run on their own.

use crate::{
    curve::{
        SRGB_EOTF,
        SRGB_INVERSE_EOTF, //
    },
    pipeline::{
        Step,
        Transform, //
    },
    pixel::Pixel, //
};
use kernel::{
    drm::kms::color::S31_32,
    prelude::*, //
};

fn sum(values: impl Iterator<Item = u32>) -> u32 {
    values.fold(0, |sum: u32, v| sum.wrapping_mul(31).wrapping_add(v))
}

/// A matrix of lines of 32.32 fixed-point numbers.
fn matrix(values: [i64; 12]) -> Step {
    Step::matrix(&values.map(|v| {
        let sign = u64::from(v < 0) << 63;

        S31_32::from_bits(sign | v.unsigned_abs())
    }))
}

const ONE: i64 = 1 << 32;
const HALF: i64 = ONE / 2;
const QUARTER: i64 = ONE / 4;

/// Half-way to grey.
fn desaturate() -> Step {
    matrix([
        HALF, QUARTER, QUARTER, 0, QUARTER, HALF, QUARTER, 0, QUARTER, QUARTER, HALF, 0,
    ])
}

fn apply(steps: [Option<Step>; 4], [r, g, b]: [u16; 3]) -> [u16; 3] {
    let mut line = [Pixel::new(0x1234, r, g, b)];

    Transform::new(steps).apply(&mut line);
    assert_eq!(line[0].a(), 0x1234);
    [line[0].r(), line[0].g(), line[0].b()]
}

#[kunit_tests(rvkms_pipeline)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_those_of_vkms() {
        let entries = |e: &[u16; 256]| sum(e.iter().map(|v| u32::from(*v)));

        assert_eq!(entries(SRGB_EOTF.entries()), 0x3543_be9c);
        assert_eq!(entries(SRGB_INVERSE_EOTF.entries()), 0x75b3_6f96);
        for (curve, expected) in [(&SRGB_EOTF, 0x8bc0_b652), (&SRGB_INVERSE_EOTF, 0x3959_e755)] {
            assert_eq!(
                sum((0..=u16::MAX).map(|v| u32::from(curve.apply(v)))),
                expected
            );
        }
    }

    #[test]
    fn curves_undo_each_other() {
        for v in 0..=u8::MAX {
            let v = u16::from(v) * Pixel::RATIO;
            let back = SRGB_INVERSE_EOTF.apply(SRGB_EOTF.apply(v));

            assert!(back.abs_diff(v) < Pixel::RATIO);
        }
    }

    #[test]
    fn matrices_round_as_those_of_vkms() {
        let mut state: u64 = 0x2545_f491_4f6c_dd1d;
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state
        };
        let mut results = 0u32;

        for _ in 0..1000 {
            let mut m = [S31_32::from_bits(0); 12];

            for (i, m) in m.iter_mut().enumerate() {
                let bits = next();

                if i % 4 != 3 {
                    *m = S31_32::from_bits(bits & 1 << 63 | bits >> 13 & 0x3_ffff_ffff);
                }
            }

            let p = next();
            let rgb = [16, 32, 48].map(|shift| i32::from((p >> shift) as u16));

            for v in Step::matrix(&m).apply(rgb) {
                results = results.wrapping_mul(31).wrapping_add(v as u32);
            }
        }
        assert_eq!(results, 0xde27_f14e);
    }

    #[test]
    fn grey_has_no_saturation() {
        for v in [0, 0x8000, 0xffff] {
            assert_eq!(
                apply([Some(desaturate()), None, None, None], [v; 3]),
                [v; 3]
            );
        }
        assert_eq!(
            apply([Some(desaturate()), None, None, None], [0xffff, 0, 0]),
            [0x8000, 0x4000, 0x4000]
        );
    }

    // Only the end of the pipeline cuts off what is out of range.
    #[test]
    fn matrices_leave_headroom() {
        let double = matrix([2 * ONE, 0, 0, 0, 0, 2 * ONE, 0, 0, 0, 0, 2 * ONE, 0]);
        let halve = matrix([HALF, 0, 0, 0, 0, HALF, 0, 0, 0, 0, HALF, 0]);
        let rgb = [0xffff, 0x9000, 2];

        assert_eq!(apply([None, Some(double), Some(halve), None], rgb), rgb);
        assert_eq!(
            apply([None, Some(double), None, None], rgb),
            [0xffff, 0xffff, 4]
        );
    }

    // Here VKMS takes the low 16 bits.
    #[test]
    fn curves_bring_their_input_into_range() {
        let double = matrix([2 * ONE, 0, 0, 0, 0, -ONE, 0, 0, 0, 0, ONE, 0]);
        let curve = Step::Curve(&SRGB_INVERSE_EOTF);

        assert_eq!(
            apply([None, Some(double), None, Some(curve)], [0x9000, 0x9000, 0]),
            [0xffff, 0, 0]
        );
    }

    // Here VKMS adds 1 / 65535 of it.
    #[test]
    fn last_column_is_of_full_intensity() {
        let offset = matrix([ONE, 0, 0, HALF, 0, ONE, 0, -QUARTER, 0, 0, ONE, 0]);

        assert_eq!(
            apply([Some(offset), None, None, None], [0, 0xffff, 7]),
            [0x8000, 0xbfff, 7]
        );
    }

    #[test]
    fn nothing_does_nothing() {
        assert_eq!(apply([None; 4], [1, 0x8000, 0xffff]), [1, 0x8000, 0xffff]);
    }
}
