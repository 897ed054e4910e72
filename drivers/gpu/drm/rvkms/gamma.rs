// SPDX-License-Identifier: GPL-2.0

//! The look-up table that a CRTC applies to the finished picture.

use crate::{
    fixed::Fixed,
    pixel::{
        Pixel,
        Rgb8, //
    },
};
use kernel::prelude::*;

/// Largest number of entries of a table.
pub(crate) const MAX_ENTRIES: usize = 256;

/// A look-up table for the channels of a picture.
///
/// Between entries it is interpolated in fixed point, as VKMS does.
pub(crate) struct Gamma {
    /// Red, green and blue for intensities that are evenly spread from 0 to full.
    entries: KVec<[u16; 3]>,
    /// Entries per step of a 16-bit channel.
    ratio: Fixed,
    /// The output for each 8-bit input.
    narrow: KVec<[u16; 3]>,
}

impl Gamma {
    /// Makes a table of its entries: red, green and blue for intensities evenly spread from 0 to
    /// full.
    ///
    /// # Errors
    ///
    /// `EINVAL` without entries or with more than [`MAX_ENTRIES`]; `ENOMEM`.
    pub(crate) fn new(from: impl Iterator<Item = [u16; 3]>) -> Result<Self> {
        let mut entries = KVec::with_capacity(MAX_ENTRIES, GFP_KERNEL)?;

        for entry in from {
            if entries.len() == MAX_ENTRIES {
                return Err(EINVAL);
            }
            entries.push(entry, GFP_KERNEL)?;
        }

        let last = i32::try_from(entries.len())? - 1;

        if last < 0 {
            return Err(EINVAL);
        }

        let mut gamma = Self {
            entries,
            ratio: Fixed::from_int(last).div(Fixed::from_int(0xffff)),
            narrow: KVec::with_capacity(256, GFP_KERNEL)?,
        };

        for v in 0..=u8::MAX {
            let v = u16::from(v) * Pixel::RATIO;
            let out = [
                gamma.channel(v, 0),
                gamma.channel(v, 1),
                gamma.channel(v, 2),
            ];

            gamma.narrow.push(out, GFP_KERNEL)?;
        }
        Ok(gamma)
    }

    /// The output of a channel (0 for red, 1 for green, 2 for blue).
    fn channel(&self, v: u16, channel: usize) -> u16 {
        interpolate(v, self.ratio, self.entries.len(), |i| {
            self.entries.get(i).map_or(0, |e| e[channel])
        })
    }

    /// Applies the table to wide pixels.
    pub(crate) fn wide(&self, line: &mut [Pixel]) {
        for p in line {
            *p = Pixel::new(
                p.a(),
                self.channel(p.r(), 0),
                self.channel(p.g(), 1),
                self.channel(p.b(), 2),
            );
        }
    }

    /// Applies the table to narrow pixels. The output is wide.
    pub(crate) fn narrow(&self, line: &[Rgb8], out: &mut [Pixel]) {
        let at = |v: Rgb8, channel: usize| {
            self.narrow
                .get((v & 0xff) as usize)
                .map_or(0, |e| e[channel])
        };

        for (p, out) in line.iter().zip(out) {
            *out = Pixel::new(0xffff, at(p >> 16, 0), at(p >> 8, 1), at(*p, 2));
        }
    }
}

/// The output of a table of `len` entries, `ratio` of them per step of the input, for a channel.
pub(crate) fn interpolate(v: u16, ratio: Fixed, len: usize, entry: impl Fn(usize) -> u16) -> u16 {
    let position = Fixed::from_int(i32::from(v)).mul(ratio);
    let floor = usize::try_from(position.floor()).unwrap_or(0);
    let fraction = position.fraction();
    let low = entry(floor);

    if floor + 1 >= len || fraction == Fixed::from_int(0) {
        return low;
    }

    let low = Fixed::from_int(i32::from(low));
    let step = Fixed::from_int(i32::from(entry(floor + 1))).sub(low);

    low.add(step.mul(fraction)).round() as u16
}
