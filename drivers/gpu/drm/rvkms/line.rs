// SPDX-License-Identifier: GPL-2.0

//! Reading lines of framebuffers.

use crate::{
    fixed::Fixed,
    format::{
        Format,
        Layout,
        Packed16,
        Packed8,
        Yuv, //
    },
    pixel::{
        Argb8,
        Pixel,
        Rgb8, //
    },
    yuv::{
        Conversion,
        Encoding,
        Range, //
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
    // The largest pixel has 8 bytes. Chroma may need a component more than there are pixels.
    pixels.saturating_add(1).saturating_mul(8)
}

/// How the pixels of a framebuffer are read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Reader {
    format: Format,
    conversion: Conversion,
}

impl Reader {
    /// Makes a reader for framebuffers of a format. `encoding` and `range` matter for YCbCr.
    pub(crate) const fn new(format: Format, encoding: Encoding, range: Range) -> Self {
        Self {
            format,
            conversion: Conversion::new(encoding, range, format.is_cr_first()),
        }
    }

    /// Whether [`Reader::narrow`] gives opaque pixels.
    pub(crate) const fn is_narrow(&self) -> bool {
        self.format.is_narrow()
    }

    /// Whether [`Reader::narrow`] gives pixels with alpha.
    pub(crate) const fn has_alpha_8(&self) -> bool {
        self.format.has_alpha_8()
    }

    /// Whether every pixel hides what lies below it.
    pub(crate) const fn is_opaque(&self) -> bool {
        self.format.is_opaque()
    }

    /// Reads pixels of the line `y` from `x` on as narrow ones, or as ones with 8 bits of alpha.
    ///
    /// `scratch` has [`scratch_size`] bytes for them at least.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the source does not have these pixels, or if the format has no narrow form.
    pub(crate) fn narrow<S: LineSource>(
        &self,
        source: &S,
        y: u32,
        x: u32,
        out: &mut [Rgb8],
        scratch: &mut [u8],
    ) -> Result {
        match self.format.layout() {
            Layout::Packed8(layout) => {
                if layout.cpp == 4 {
                    narrow_32(source, layout, y, x, out)
                } else {
                    narrow_24(source, layout, y, x, out, scratch)
                }
            }
            Layout::Grey { bits } => {
                // Pixels before the first one in its byte.
                let before = x as usize % pixels_per_byte(bits);
                let raw = read_grey(source, bits, y, x, out.len(), scratch)?;

                for (i, p) in out.iter_mut().enumerate() {
                    *p = u32::from(grey(raw, bits, before + i)) * 0x01_0101;
                }
                Ok(())
            }
            _ => Err(EINVAL),
        }
    }

    /// Reads pixels of the line `y` from `x` on as wide ones.
    ///
    /// `scratch` has [`scratch_size`] bytes for them at least.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the source does not have these pixels.
    pub(crate) fn wide<S: LineSource>(
        &self,
        source: &S,
        y: u32,
        x: u32,
        out: &mut [Pixel],
        scratch: &mut [u8],
    ) -> Result {
        match self.format.layout() {
            Layout::Packed8(layout) => wide_8(source, layout, y, x, out, scratch),
            Layout::Packed16(layout) => wide_16(source, layout, y, x, out, scratch),
            Layout::Packed565 { blue_high } => wide_565(source, blue_high, y, x, out, scratch),
            Layout::Grey { bits } => {
                let before = x as usize % pixels_per_byte(bits);
                let raw = read_grey(source, bits, y, x, out.len(), scratch)?;

                for (i, p) in out.iter_mut().enumerate() {
                    let v = grey(raw, bits, before + i);

                    *p = Pixel::from_argb8(0xff, v, v, v);
                }
                Ok(())
            }
            Layout::SemiPlanar(yuv) => self.semi_planar(source, yuv, y, x, out, scratch),
            Layout::Planar(yuv) => self.planar(source, yuv, y, x, out, scratch),
        }
    }

    fn semi_planar<S: LineSource>(
        &self,
        source: &S,
        yuv: Yuv,
        y: u32,
        x: u32,
        out: &mut [Pixel],
        scratch: &mut [u8],
    ) -> Result {
        let bytes = usize::from(yuv.bytes);
        let chroma = Chroma::new(yuv, y, x, out.len());
        let (luma, rest) = split(scratch, out.len() * bytes)?;
        let (pairs, _) = split(rest, chroma.count * 2 * bytes)?;

        source.read_line(0, y, byte_offset(x, bytes)?, luma)?;
        source.read_line(1, chroma.y, byte_offset(chroma.x, 2 * bytes)?, pairs)?;
        for (i, p) in out.iter_mut().enumerate() {
            let c = chroma.index(x, i) * 2;

            *p = self.conversion.pixel(
                component(luma, bytes, i),
                component(pairs, bytes, c),
                component(pairs, bytes, c + 1),
            );
        }
        Ok(())
    }

    fn planar<S: LineSource>(
        &self,
        source: &S,
        yuv: Yuv,
        y: u32,
        x: u32,
        out: &mut [Pixel],
        scratch: &mut [u8],
    ) -> Result {
        let bytes = usize::from(yuv.bytes);
        let chroma = Chroma::new(yuv, y, x, out.len());
        let (luma, rest) = split(scratch, out.len() * bytes)?;
        let (first, rest) = split(rest, chroma.count * bytes)?;
        let (second, _) = split(rest, chroma.count * bytes)?;

        source.read_line(0, y, byte_offset(x, bytes)?, luma)?;
        source.read_line(1, chroma.y, byte_offset(chroma.x, bytes)?, first)?;
        source.read_line(2, chroma.y, byte_offset(chroma.x, bytes)?, second)?;
        for (i, p) in out.iter_mut().enumerate() {
            let c = chroma.index(x, i);

            *p = self.conversion.pixel(
                component(luma, bytes, i),
                component(first, bytes, c),
                component(second, bytes, c),
            );
        }
        Ok(())
    }
}

/// Which chroma components belong to a part of a line.
struct Chroma {
    hsub: u32,
    /// The line that they are in.
    y: u32,
    /// The first one.
    x: u32,
    count: usize,
}

impl Chroma {
    fn new(yuv: Yuv, y: u32, x: u32, pixels: usize) -> Self {
        let hsub = u32::from(yuv.hsub);
        let before = (x % hsub) as usize;

        Self {
            hsub,
            y: y / u32::from(yuv.vsub),
            x: x / hsub,
            count: (before + pixels).div_ceil(hsub as usize),
        }
    }

    /// The component of the pixel `i` of a part that starts at `x`, counted from the first one.
    #[inline(always)]
    fn index(&self, x: u32, i: usize) -> usize {
        ((x % self.hsub) as usize + i) / self.hsub as usize
    }
}

/// A component widened to 16 bits. Absent ones read as 0.
#[inline(always)]
fn component(raw: &[u8], bytes: usize, i: usize) -> u16 {
    if bytes == 1 {
        raw.get(i).map_or(0, |v| u16::from(*v) * Pixel::RATIO)
    } else {
        match raw.get(2 * i..) {
            Some([low, high, ..]) => u16::from_le_bytes([*low, *high]),
            _ => 0,
        }
    }
}

/// 32 bits per pixel. Without alpha, the top byte of the result means nothing.
fn narrow_32<S: LineSource>(
    source: &S,
    layout: Packed8,
    y: u32,
    x: u32,
    out: &mut [Argb8],
) -> Result {
    /// Converts pixels from how they lie in memory.
    #[inline(always)]
    fn order(out: &mut [Argb8], convert: impl Fn(u32) -> Argb8) {
        for p in out {
            *p = convert(*p);
        }
    }

    source.read_line(0, y, byte_offset(x, 4)?, AsBytes::as_bytes_mut(out))?;
    match [layout.r, layout.g, layout.b] {
        [2, 1, 0] => order(out, u32::from_le),
        [1, 2, 3] => order(out, u32::from_be),
        [0, 1, 2] => order(out, |p| u32::from_be(p).rotate_right(8)),
        [3, 2, 1] => order(out, |p| u32::from_le(p).rotate_right(8)),
        _ => return Err(EINVAL),
    }
    Ok(())
}

/// 24 bits per pixel.
fn narrow_24<S: LineSource>(
    source: &S,
    layout: Packed8,
    y: u32,
    x: u32,
    out: &mut [Rgb8],
    scratch: &mut [u8],
) -> Result {
    let raw = read_raw(source, y, x, out.len(), 3, scratch)?;

    for (p, raw) in out.iter_mut().zip(raw.chunks_exact(3)) {
        if let [first, g, last] = *raw {
            *p = match layout.r {
                0 => u32::from_be_bytes([0, first, g, last]),
                _ => u32::from_be_bytes([0, last, g, first]),
            };
        }
    }
    Ok(())
}

fn wide_8<S: LineSource>(
    source: &S,
    layout: Packed8,
    y: u32,
    x: u32,
    out: &mut [Pixel],
    scratch: &mut [u8],
) -> Result {
    let cpp = usize::from(layout.cpp);
    let raw = read_raw(source, y, x, out.len(), cpp, scratch)?;
    let shift = |offset: u8| u32::from(offset) * 8;
    let (r, g, b) = (shift(layout.r), shift(layout.g), shift(layout.b));
    // Pixels without alpha take it from set bits above those of the pixel.
    let a = layout.a.map_or(32, shift);
    let convert = |p: &mut Pixel, bytes: [u8; 4]| {
        let v = u64::from(u32::from_le_bytes(bytes)) | 0xff << 32;

        *p = Pixel::from_argb8(
            (v >> a) as u8,
            (v >> r) as u8,
            (v >> g) as u8,
            (v >> b) as u8,
        );
    };

    if cpp == 4 {
        for (p, raw) in out.iter_mut().zip(raw.chunks_exact(4)) {
            if let [b0, b1, b2, b3] = *raw {
                convert(p, [b0, b1, b2, b3]);
            }
        }
    } else {
        for (p, raw) in out.iter_mut().zip(raw.chunks_exact(3)) {
            if let [b0, b1, b2] = *raw {
                convert(p, [b0, b1, b2, 0]);
            }
        }
    }
    Ok(())
}

fn wide_16<S: LineSource>(
    source: &S,
    layout: Packed16,
    y: u32,
    x: u32,
    out: &mut [Pixel],
    scratch: &mut [u8],
) -> Result {
    let raw = read_raw(source, y, x, out.len(), 8, scratch)?;

    for (p, raw) in out.iter_mut().zip(raw.chunks_exact(8)) {
        let first = component(raw, 2, 0);
        let g = component(raw, 2, 1);
        let last = component(raw, 2, 2);
        let a = if layout.alpha {
            component(raw, 2, 3)
        } else {
            0xffff
        };

        *p = if layout.red_first {
            Pixel::new(a, first, g, last)
        } else {
            Pixel::new(a, last, g, first)
        };
    }
    Ok(())
}

/// Intensities of 5 bits with 16 bits.
static FIVE_BITS: [u16; 32] = intensities();

/// Intensities of 6 bits with 16 bits.
static SIX_BITS: [u16; 64] = intensities();

const fn intensities<const N: usize>() -> [u16; N] {
    let ratio = Fixed::from_int(0xffff).div(Fixed::from_int(N as i32 - 1));
    let mut table = [0; N];
    let mut v = 0;

    while v < N {
        table[v] = Fixed::from_int(v as i32).mul(ratio).round() as u16;
        v += 1;
    }
    table
}

fn wide_565<S: LineSource>(
    source: &S,
    blue_high: bool,
    y: u32,
    x: u32,
    out: &mut [Pixel],
    scratch: &mut [u8],
) -> Result {
    let raw = read_raw(source, y, x, out.len(), 2, scratch)?;

    for (p, raw) in out.iter_mut().zip(raw.chunks_exact(2)) {
        let v = usize::from(component(raw, 2, 0));
        let high = FIVE_BITS[v >> 11 & 0x1f];
        let g = SIX_BITS[v >> 5 & 0x3f];
        let low = FIVE_BITS[v & 0x1f];
        let (r, b) = if blue_high { (low, high) } else { (high, low) };

        *p = Pixel::new(0xffff, r, g, b);
    }
    Ok(())
}

/// How many intensities of `bits` bits are in a byte.
#[inline(always)]
fn pixels_per_byte(bits: u8) -> usize {
    8 / usize::from(bits)
}

/// The intensity `i` of those in `raw`, with 8 bits.
#[inline(always)]
fn grey(raw: &[u8], bits: u8, i: usize) -> u8 {
    let per_byte = pixels_per_byte(bits);
    let max = 0xff >> (8 - bits);
    let byte = raw.get(i / per_byte).copied().unwrap_or(0);
    let shift = (per_byte - 1 - i % per_byte) * usize::from(bits);

    (byte >> shift & max) * (0xff / max)
}

/// Reads the bytes that hold `pixels` intensities of `bits` bits.
fn read_grey<'a, S: LineSource>(
    source: &S,
    bits: u8,
    y: u32,
    x: u32,
    pixels: usize,
    scratch: &'a mut [u8],
) -> Result<&'a [u8]> {
    let per_byte = pixels_per_byte(bits);
    let x = x as usize;
    let raw = scratch
        .get_mut(..(x % per_byte + pixels).div_ceil(per_byte))
        .ok_or(EINVAL)?;

    source.read_line(0, y, x / per_byte, raw)?;
    Ok(raw)
}

/// Where the pixel `x` starts in its line.
fn byte_offset(x: u32, cpp: usize) -> Result<usize> {
    usize::try_from(x)?.checked_mul(cpp).ok_or(EINVAL)
}

/// Takes `bytes` bytes off the scratch memory.
fn split(scratch: &mut [u8], bytes: usize) -> Result<(&mut [u8], &mut [u8])> {
    scratch.split_at_mut_checked(bytes).ok_or(EINVAL)
}

/// Reads `pixels` pixels of `cpp` bytes each into `scratch` and returns that part of it.
fn read_raw<'a, S: LineSource>(
    source: &S,
    y: u32,
    x: u32,
    pixels: usize,
    cpp: usize,
    scratch: &'a mut [u8],
) -> Result<&'a [u8]> {
    let raw = scratch
        .get_mut(..pixels.saturating_mul(cpp))
        .ok_or(EINVAL)?;

    source.read_line(0, y, byte_offset(x, cpp)?, raw)?;
    Ok(raw)
}
