// SPDX-License-Identifier: GPL-2.0

//! The transfer functions of sRGB as tables.
//!
//! The piecewise functions of IEC 61966-2-1, sampled at 256 points and cut to whole numbers of 0 to
//! 65535. They are irrational at most points, but the exponent is 12/5, so whether a whole number
//! lies below such a value can be found out without roots: `y < t^(12/5)` where `y^5 < t^12`.

use crate::{
    fixed::Fixed,
    gamma, //
};

/// How many entries a table has.
const SIZE: usize = 256;

/// From sRGB to linear light.
pub(crate) static SRGB_EOTF: Curve = Curve(eotf());

/// From linear light to sRGB.
pub(crate) static SRGB_INVERSE_EOTF: Curve = Curve(inverse_eotf());

/// A transfer function.
#[derive(PartialEq, Eq, Debug)]
pub(crate) struct Curve([u16; SIZE]);

impl Curve {
    /// The entries, for inputs that are evenly spread over 0 to 65535.
    #[cfg(CONFIG_DRM_RVKMS_KUNIT_TEST)]
    pub(crate) fn entries(&self) -> &[u16; SIZE] {
        &self.0
    }

    /// The output for a channel.
    pub(crate) fn apply(&self, v: u16) -> u16 {
        // 255 entries per 65535, as VKMS has it rounded.
        const RATIO: Fixed = Fixed::from_bits(0xff_00ff);

        gamma::interpolate(v, RATIO, SIZE, |i| self.0.get(i).copied().unwrap_or(0))
    }
}

/// 1 with 62 bits after the point.
const ONE: u64 = 1 << 62;

/// The fraction `num / den`, which is below 4, with 62 bits after the point.
const fn fraction(num: u64, den: u64) -> u64 {
    (((num as u128) << 62) / den as u128) as u64
}

const fn mul(a: u64, b: u64) -> u64 {
    ((a as u128 * b as u128) >> 62) as u64
}

/// `(v + 0.055) / 1.055`, for `v = num / den`.
const fn shifted(num: u64, den: u64) -> u64 {
    fraction(num * 1000 + den * 55, den * 1055)
}

/// `linear^5` and `t^12`, divided by `t^10`, which keeps the numbers large and therefore exact, for
/// `t` of 1 at most. Where the first one is above 1, and thereby above the second, it is cut to 2.
const fn powers(linear: u64, t: u64) -> (u64, u64) {
    let square = mul(t, t);

    if linear > square {
        return (2 * ONE, square);
    }

    let q = fraction(linear, square);
    let q2 = mul(q, q);

    (mul(mul(q2, q2), q), square)
}

/// The linear light of `v / 255`, in units of 1 / 65535.
const fn linear(v: u64) -> u64 {
    if v * 100_000 <= 4045 * 255 {
        return v * 65535 * 100 / (255 * 1292);
    }

    let t = shifted(v, 255);
    let (mut low, mut high): (u64, u64) = (0, 65535);

    while low < high {
        let middle = (low + high).div_ceil(2);
        let (a, b) = powers(fraction(middle, 65535), t);

        if a <= b {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

/// The sRGB value of the linear light `v / 255`, in units of 1 / 65535.
const fn encoded(v: u64) -> u64 {
    if v * 10_000_000 <= 31308 * 255 {
        return v * 65535 * 1292 / (255 * 100);
    }

    let linear = fraction(v, 255);
    let (mut low, mut high): (u64, u64) = (0, 65535);

    while low < high {
        let middle = (low + high).div_ceil(2);
        let (a, b) = powers(linear, shifted(middle, 65535));

        if b <= a {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    low
}

const fn eotf() -> [u16; SIZE] {
    let mut table = [0; SIZE];
    let mut v = 0;

    while v < SIZE {
        table[v] = linear(v as u64) as u16;
        v += 1;
    }
    table
}

const fn inverse_eotf() -> [u16; SIZE] {
    let mut table = [0; SIZE];
    let mut v = 0;

    while v < SIZE {
        table[v] = encoded(v as u64) as u16;
        v += 1;
    }
    // VKMS's table was made in floating point. There this value, 60161.9988, came out above the
    // next whole number.
    table[210] += 1;
    table
}
