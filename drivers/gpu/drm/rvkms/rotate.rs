// SPDX-License-Identifier: GPL-2.0

//! Reading rotated pictures line by line.
//!
//! A line of the frame is a run of pixels of the source: along one of its lines, in either
//! direction, or along one of its columns. Reading columns pixel by pixel would touch as many lines
//! of memory for each line of the frame, so a [`Strip`] of some columns is read at a time and turned.

use crate::{
    line::{
        LineSource,
        Reader, //
    },
    pixel::{
        Pixel,
        Rgb8, //
    },
};
use kernel::{
    drm::kms::{
        Angle,
        Rotation, //
    },
    prelude::*, //
};

/// Columns of a strip.
pub(crate) const STRIP: u32 = 32;

/// Pixels between columns of a strip, which would otherwise meet in the same lines of the cache.
const PADDING: usize = 16;

/// A representation in which lines can be read.
pub(crate) trait Representation: Copy {
    /// Any value.
    const BLANK: Self;

    /// Reads pixels of the line `y` from `x` on; see [`Reader`].
    fn read<S: LineSource>(
        reader: &Reader,
        source: &S,
        y: u32,
        x: u32,
        out: &mut [Self],
        scratch: &mut [u8],
    ) -> Result;
}

impl Representation for Rgb8 {
    const BLANK: Self = 0;

    fn read<S: LineSource>(
        reader: &Reader,
        source: &S,
        y: u32,
        x: u32,
        out: &mut [Self],
        scratch: &mut [u8],
    ) -> Result {
        reader.narrow(source, y, x, out, scratch)
    }
}

impl Representation for Pixel {
    const BLANK: Self = Self::BLACK;

    fn read<S: LineSource>(
        reader: &Reader,
        source: &S,
        y: u32,
        x: u32,
        out: &mut [Self],
        scratch: &mut [u8],
    ) -> Result {
        reader.wide(source, y, x, out, scratch)
    }
}

/// The way through the source for a line of the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Direction {
    /// Along a line.
    Right,
    /// Along a line, backwards.
    Left,
    /// Along a column.
    Down,
    /// Along a column, backwards.
    Up,
}

impl Direction {
    /// The direction for a rotation.
    pub(crate) const fn new(rotation: Rotation) -> Self {
        let (forward, flip) = match rotation.angle {
            Angle::Deg0 => (true, rotation.reflect_x),
            Angle::Deg90 => (true, rotation.reflect_y),
            Angle::Deg180 => (false, rotation.reflect_x),
            Angle::Deg270 => (false, rotation.reflect_y),
        };

        match (rotation.swaps_axes(), forward != flip) {
            (false, true) => Self::Right,
            (false, false) => Self::Left,
            (true, true) => Self::Down,
            (true, false) => Self::Up,
        }
    }
}

/// Where the pixel (`u`, `v`) of a rotated picture is in the picture, which has `width` by `height`
/// pixels.
///
/// # Errors
///
/// `EINVAL` if there is no such pixel.
pub(crate) fn unrotate(
    rotation: Rotation,
    (u, v): (u32, u32),
    (width, height): (u32, u32),
) -> Result<(u32, u32)> {
    let from_end = |size: u32, pos: u32| size.checked_sub(1)?.checked_sub(pos);
    let flip = |on, size, pos| if on { from_end(size, pos) } else { Some(pos) };
    let (x, y) = match rotation.angle {
        Angle::Deg0 => (Some(u), Some(v)),
        Angle::Deg90 => (from_end(width, v), Some(u)),
        Angle::Deg180 => (from_end(width, u), from_end(height, v)),
        Angle::Deg270 => (Some(v), from_end(height, u)),
    };

    Ok((
        x.and_then(|x| flip(rotation.reflect_x, width, x))
            .ok_or(EINVAL)?,
        y.and_then(|y| flip(rotation.reflect_y, height, y))
            .ok_or(EINVAL)?,
    ))
}

/// Some columns of a source, each as a run of pixels.
pub(crate) struct Strip<P> {
    /// The number of the strip that is there.
    number: Option<u32>,
    /// Pixels from one column to the next.
    stride: usize,
    pixels: KVVec<P>,
}

impl<P: Representation> Strip<P> {
    /// Makes a strip of nothing.
    pub(crate) const fn new() -> Self {
        Self {
            number: None,
            stride: 0,
            pixels: KVVec::new(),
        }
    }

    /// Forgets the source that was read last.
    pub(crate) fn clear(&mut self) {
        self.number = None;
    }

    /// Returns the column `x` of the part of `source` that starts at (`x0`, `y0`) and has `width` by
    /// `height` pixels.
    ///
    /// `scratch` is as for reading [`STRIP`] pixels. Until [`clear`](Self::clear), all calls must be
    /// about the same part.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINVAL` if the source does not have these pixels.
    pub(crate) fn column<S: LineSource>(
        &mut self,
        reader: &Reader,
        source: &S,
        (x0, y0): (u32, u32),
        (width, height): (u32, u32),
        x: u32,
        scratch: &mut [u8],
    ) -> Result<&[P]> {
        let number = x / STRIP;
        let end = y0.checked_add(height).ok_or(EINVAL)?;
        let height = height as usize;

        if self.number != Some(number) {
            let first = number * STRIP;
            let count = width.checked_sub(first).ok_or(EINVAL)?.min(STRIP) as usize;
            let mut line = [P::BLANK; STRIP as usize];
            let line = line.get_mut(..count).ok_or(EINVAL)?;
            let x0 = x0.checked_add(first).ok_or(EINVAL)?;

            self.number = None;
            self.stride = height + PADDING;
            self.pixels
                .resize(self.stride * STRIP as usize, P::BLANK, GFP_KERNEL)?;
            for (i, y) in (y0..end).enumerate() {
                P::read(reader, source, y, x0, line, scratch)?;

                let out = self.pixels.iter_mut().skip(i).step_by(self.stride);

                for (out, p) in out.zip(line.iter()) {
                    *out = *p;
                }
            }
            self.number = Some(number);
        }

        let start = (x % STRIP) as usize * self.stride;

        self.pixels.get(start..start + height).ok_or(EINVAL)
    }
}
