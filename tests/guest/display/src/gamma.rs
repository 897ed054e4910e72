// SPDX-License-Identifier: GPL-2.0

//! Gamma tables, interpolated in the kernel's 32.32 fixed point.
//!
//! A `GAMMA_LUT` blob is an array of `struct drm_color_lut`: red, green, blue and one reserved
//! 16-bit value. The rounding of each fixed-point step is visible in the CRC, so the steps here
//! are those of include/drm/drm_fixed.h.

use crate::canvas::Pixel;

const POINT: u32 = 32;
const ONE: i64 = 1 << POINT;

fn msb(value: i64) -> u32 {
    let sign = (value >> 63) & 1;
    (1..=62)
        .rev()
        .find(|&shift| (value >> shift) & 1 != sign)
        .unwrap_or(0)
}

fn multiply(mut a: i64, mut b: i64) -> i64 {
    // Drop low bits of both factors until the product fits.
    let excess = (msb(a) + msb(b)).saturating_sub(61);
    a >>= excess.div_ceil(2);
    b >>= excess / 2;
    let product = a.wrapping_mul(b);
    if excess > POINT {
        product << (excess - POINT)
    } else {
        product >> (POINT - excess)
    }
}

fn divide(a: i64, mut b: i64) -> i64 {
    let shift = 62 - msb(a);
    if shift < POINT {
        b >>= POINT - shift;
    }
    let quotient = (a << shift) / b;
    if shift > POINT {
        quotient >> (shift - POINT)
    } else {
        quotient
    }
}

/// A gamma table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    entries: Vec<[u16; 3]>,
    ratio: i64,
}

impl Table {
    /// Reads the blob of a `GAMMA_LUT` property; `None` if it has no entry.
    pub fn from_blob(blob: &[u8]) -> Option<Self> {
        let entries: Vec<[u16; 3]> = blob
            .chunks_exact(8)
            .map(|entry| [0, 2, 4].map(|at| u16::from_le_bytes([entry[at], entry[at + 1]])))
            .collect();
        let last = i64::try_from(entries.len()).ok()?.checked_sub(1)?;
        if last < 0 {
            return None;
        }
        let ratio = divide(last << POINT, 0xffff << POINT);
        Some(Table { entries, ratio })
    }

    /// Maps the colours of one pixel; alpha stays.
    pub fn map(&self, pixel: Pixel) -> Pixel {
        Pixel {
            a: pixel.a,
            r: self.channel(pixel.r, 0),
            g: self.channel(pixel.g, 1),
            b: self.channel(pixel.b, 2),
        }
    }

    fn channel(&self, value: u16, channel: usize) -> u16 {
        let last = self.entries.len() - 1;
        let index = multiply(i64::from(value) << POINT, self.ratio);
        let floor = ((index >> POINT) as usize).min(last);
        let ceil = (((index + ONE - 1) >> POINT) as usize).min(last);
        let from = i64::from(self.entries[floor][channel]) << POINT;
        let to = i64::from(self.entries[ceil][channel]) << POINT;
        let step = multiply(to - from, index & (ONE - 1));
        ((from + step + ONE / 2) >> POINT) as u16
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(values: impl IntoIterator<Item = u16>) -> Table {
        let blob: Vec<u8> = values
            .into_iter()
            .flat_map(|v| [v, v, v, 0])
            .flat_map(u16::to_le_bytes)
            .collect();
        Table::from_blob(&blob).unwrap()
    }

    fn grey(v: u16) -> Pixel {
        Pixel {
            a: 0xffff,
            r: v,
            g: v,
            b: v,
        }
    }

    #[test]
    fn fixed_point_agrees_with_arithmetic() {
        assert_eq!(multiply(3 << POINT, ONE / 2), ONE + ONE / 2);
        assert_eq!(multiply(-3 << POINT, ONE / 2), -(ONE + ONE / 2));
        assert_eq!(divide(3 << POINT, 2 << POINT), ONE + ONE / 2);
    }

    /// modetest sets this ramp, whose end is not white.
    #[test]
    fn the_ramp_of_modetest_maps_byte_values_to_their_high_byte() {
        let ramp = table((0..256).map(|i| i << 8));
        for byte in [0u16, 1, 127, 128, 254, 255] {
            let out = ramp.map(grey(byte * 257)).r;
            assert!(out.abs_diff(byte << 8) <= 1, "{byte}: {out:#x}");
        }
        assert_eq!(ramp.map(grey(0xffff)).r, 0xff00);
    }

    #[test]
    fn values_between_entries_are_interpolated() {
        let two = table([0, 0xffff]);
        assert_eq!(two.map(grey(0x8000)).g, 0x8000);
        let inverted = table([0xffff, 0]);
        assert_eq!(inverted.map(grey(0)).b, 0xffff);
        // The kernel's product loses a low bit, so the last entry is not quite reached.
        assert_eq!(inverted.map(grey(0xffff)).b, 1);
    }

    #[test]
    fn an_empty_blob_is_no_table() {
        assert_eq!(Table::from_blob(&[]), None);
    }
}
