// SPDX-License-Identifier: GPL-2.0

//! Blending of wide pixels.
//!
//! The only mode is DRM's default: the colour of the upper pixel has already been multiplied with
//! its alpha, and the lower pixel is opaque. Results equal VKMS's bit for bit, and that includes
//! what happens to pixels which break the rule (a colour above its alpha): the sum wraps around at
//! 32 bits.

use crate::pixel::{
    Argb8,
    Pixel,
    Rgb8,
    OPAQUE, //
};

/// Two of four 16-bit channels, each with room for 32 bits.
const LANES: u64 = 0x0000_ffff_0000_ffff;

/// A 1 in each of two lanes of 32 bits.
const ONES: u64 = 0x1_0000_0001;

/// Blends one channel: `src + dst * (1 - alpha)`, rounded to the nearest.
#[inline(always)]
const fn channel(src: u16, dst: u16, alpha: u16) -> u16 {
    let sum = (src as u32 * 0xffff).wrapping_add(dst as u32 * (0xffff - alpha as u32));

    (sum.wrapping_add(0xffff / 2) / 0xffff) as u16
}

/// Puts `src` over the opaque `dst`. The result is opaque.
#[inline(always)]
pub(crate) const fn over(src: Pixel, dst: Pixel) -> Pixel {
    let a = src.a() as u64;

    if a == 0xffff {
        return src;
    }

    // Channels are blended two at a time, alpha with green, and red with blue. If no colour is above
    // alpha, a sum is at most 0xffff * 0xffff and does not reach into the other lane.
    let (s0, s1) = (src.bits() & LANES, src.bits() >> 16 & LANES);
    let (d0, d1) = (dst.bits() & LANES, dst.bits() >> 16 & LANES);
    let guard = ONES << 16;
    let limit = (a * ONES) | guard;

    if (limit - s0) & (limit - s1) & guard != guard {
        return Pixel::new(
            0xffff,
            channel(src.r(), dst.r(), src.a()),
            channel(src.g(), dst.g(), src.a()),
            channel(src.b(), dst.b(), src.a()),
        );
    }
    let rest = 0xffff - a;

    Pixel::from_bits(lanes(s0 * 0xffff, d0, rest) | lanes(s1 * 0xffff, d1, rest) << 16)
}

/// As [`over`], for a translucent pixel with 8 bits per channel.
#[inline(always)]
const fn over_8(src: Argb8, dst: Pixel) -> Pixel {
    /// What makes 16 bits of 8, multiplied by full intensity.
    const SCALE: u64 = Pixel::RATIO as u64 * 0xffff;

    let p = src as u64;
    let a = p >> 24;
    let (s0, s1) = (a | (p & 0xff00) << 24, p >> 16 & 0xff | (p & 0xff) << 32);
    let guard = ONES << 8;
    let limit = (a * ONES) | guard;

    if (limit - s0) & (limit - s1) & guard != guard {
        return over(Pixel::from_argb(src), dst);
    }

    let (d0, d1) = (dst.bits() & LANES, dst.bits() >> 16 & LANES);
    let rest = 0xffff - a * Pixel::RATIO as u64;

    Pixel::from_bits(lanes(s0 * SCALE, d0, rest) | lanes(s1 * SCALE, d1, rest) << 16)
}

/// Blends two channels as [`channel`] does. `src` is multiplied by full intensity already, and
/// `rest` is 1 - alpha.
#[inline(always)]
const fn lanes(src: u64, dst: u64, rest: u64) -> u64 {
    let sum = src + dst * rest + 0x7fff * ONES;
    // For sums up to 0xffff * 0xffff + 0x7fff this divides by 0xffff.
    let sum = sum + ONES;

    (sum + (sum >> 16 & LANES)) >> 16 & LANES
}

/// Puts each pixel of `src` over the pixel of `dst` at the same place.
///
/// Where one line is longer than the other, its rest is left alone.
pub(crate) fn over_line(src: &[Pixel], dst: &mut [Pixel]) {
    for (s, d) in src.iter().zip(dst.iter_mut()) {
        *d = over(*s, *d);
    }
}

/// As [`over_line`], for pixels with 8 bits per channel.
pub(crate) fn over_line_8(src: &[Argb8], dst: &mut [Pixel]) {
    for (s, d) in src.iter().zip(dst.iter_mut()) {
        if *s >= OPAQUE {
            *d = Pixel::from_argb(*s);
        } else if *s != 0 {
            *d = over_8(*s, *d);
        }
    }
}

/// Puts `src` over `dst` if each pixel is opaque or not there at all. Returns whether that is so;
/// if not, `dst` is as it was.
pub(crate) fn cover_line(src: &[Argb8], dst: &mut [Rgb8]) -> bool {
    if src.iter().any(|s| *s < OPAQUE && *s != 0) {
        return false;
    }
    for (s, d) in src.iter().zip(dst.iter_mut()) {
        if *s != 0 {
            *d = *s;
        }
    }
    true
}

/// Widens a line.
pub(crate) fn widen_line(src: &[Rgb8], dst: &mut [Pixel]) {
    for (s, d) in src.iter().zip(dst.iter_mut()) {
        *d = Pixel::from_rgb8(*s);
    }
}
