// SPDX-License-Identifier: GPL-2.0

//! Reading lines of framebuffers.

use crate::{
    format::{
        Format,
        Layout,
        Packed8,
        MAX_CPP, //
    },
    pixel::{
        Pixel,
        Rgb8, //
    },
};
use kernel::{
    prelude::*,
    transmute::AsBytes, //
};

/// Memory that holds the lines of a picture.
pub(crate) trait LineSource {
    /// Copies `out.len()` bytes of the line `y` of the memory plane `plane`, from the byte `offset`
    /// of that line on.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the source does not have all of these bytes.
    fn read_line(&self, plane: usize, y: u32, offset: usize, out: &mut [u8]) -> Result;
}

/// Bytes of scratch memory that reading `pixels` pixels of any format takes.
pub(crate) const fn scratch_size(pixels: usize) -> usize {
    pixels.saturating_mul(MAX_CPP)
}

/// Reads pixels of the line `y` from `x` on as narrow ones.
///
/// `scratch` has [`scratch_size`] bytes for them at least.
///
/// # Errors
///
/// `EINVAL` if the source does not have these pixels, or if the format has no narrow form.
pub(crate) fn read_narrow<S: LineSource>(
    source: &S,
    format: Format,
    y: u32,
    x: u32,
    out: &mut [Rgb8],
    scratch: &mut [u8],
) -> Result {
    let Layout::Packed8(layout) = format.layout();
    let start = byte_offset(x, layout.cpp)?;

    match layout {
        Packed8 {
            cpp: 4,
            a: None,
            r: 2,
            g: 1,
            b: 0,
        } => {
            source.read_line(0, y, start, out.as_bytes_mut())?;
            for p in out {
                *p = u32::from_le(*p);
            }
        }
        Packed8 {
            cpp: 4,
            a: None,
            r: 0,
            g: 1,
            b: 2,
        } => {
            source.read_line(0, y, start, out.as_bytes_mut())?;
            for p in out {
                *p = u32::from_be(*p) >> 8;
            }
        }
        Packed8 {
            cpp: 3,
            a: None,
            r: 2,
            g: 1,
            b: 0,
        } => {
            let raw = read_raw(source, y, start, out.len(), 3, scratch)?;

            for (p, raw) in out.iter_mut().zip(raw.chunks_exact(3)) {
                if let [b, g, r] = *raw {
                    *p = u32::from_be_bytes([0, r, g, b]);
                }
            }
        }
        Packed8 {
            cpp: 3,
            a: None,
            r: 0,
            g: 1,
            b: 2,
        } => {
            let raw = read_raw(source, y, start, out.len(), 3, scratch)?;

            for (p, raw) in out.iter_mut().zip(raw.chunks_exact(3)) {
                if let [r, g, b] = *raw {
                    *p = u32::from_be_bytes([0, r, g, b]);
                }
            }
        }
        _ => return Err(EINVAL),
    }
    Ok(())
}

/// Reads pixels of the line `y` from `x` on as wide ones.
///
/// `scratch` has [`scratch_size`] bytes for them at least.
///
/// # Errors
///
/// `EINVAL` if the source does not have these pixels.
pub(crate) fn read_wide<S: LineSource>(
    source: &S,
    format: Format,
    y: u32,
    x: u32,
    out: &mut [Pixel],
    scratch: &mut [u8],
) -> Result {
    let Layout::Packed8(layout) = format.layout();
    let cpp = usize::from(layout.cpp);
    let start = byte_offset(x, layout.cpp)?;
    let raw = read_raw(source, y, start, out.len(), cpp, scratch)?;

    if cpp == 4 {
        let shift = |offset: u8| u32::from(offset) * 8;
        let (r, g, b) = (shift(layout.r), shift(layout.g), shift(layout.b));
        // Pixels without alpha take it from eight set bits above the 32 of the pixel.
        let a = layout.a.map_or(32, shift);

        for (p, raw) in out.iter_mut().zip(raw.chunks_exact(4)) {
            if let [b0, b1, b2, b3] = *raw {
                let v = u64::from_le_bytes([b0, b1, b2, b3, 0xff, 0, 0, 0]);

                *p = Pixel::from_argb8(
                    (v >> a) as u8,
                    (v >> r) as u8,
                    (v >> g) as u8,
                    (v >> b) as u8,
                );
            }
        }
    } else {
        let red_first = layout.r == 0;

        for (p, raw) in out.iter_mut().zip(raw.chunks_exact(3)) {
            if let [first, g, last] = *raw {
                let (r, b) = if red_first {
                    (first, last)
                } else {
                    (last, first)
                };

                *p = Pixel::from_argb8(0xff, r, g, b);
            }
        }
    }
    Ok(())
}

/// Where the pixel `x` starts in its line.
fn byte_offset(x: u32, cpp: u8) -> Result<usize> {
    usize::try_from(x)?
        .checked_mul(usize::from(cpp))
        .ok_or(EINVAL)
}

/// Reads `pixels` pixels of `cpp` bytes each into `scratch` and returns that part of it.
fn read_raw<'a, S: LineSource>(
    source: &S,
    y: u32,
    offset: usize,
    pixels: usize,
    cpp: usize,
    scratch: &'a mut [u8],
) -> Result<&'a [u8]> {
    let raw = scratch
        .get_mut(..pixels.saturating_mul(cpp))
        .ok_or(EINVAL)?;

    source.read_line(0, y, offset, raw)?;
    Ok(raw)
}
