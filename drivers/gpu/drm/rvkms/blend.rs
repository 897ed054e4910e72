// SPDX-License-Identifier: GPL-2.0

//! Blending of wide pixels.
//!
//! The only mode is DRM's default: the colour of the upper pixel has already been multiplied with
//! its alpha, and the lower pixel is opaque. Results equal VKMS's bit for bit, and that includes
//! what happens to pixels which break the rule (a colour above its alpha): the sum wraps around at
//! 32 bits.

use crate::pixel::Pixel;

/// Blends one channel: `src + dst * (1 - alpha)`, rounded to the nearest.
#[inline(always)]
const fn channel(src: u16, dst: u16, alpha: u16) -> u16 {
    let sum = (src as u32 * 0xffff).wrapping_add(dst as u32 * (0xffff - alpha as u32));

    (sum.wrapping_add(0xffff / 2) / 0xffff) as u16
}

/// Puts `src` over the opaque `dst`. The result is opaque.
#[inline(always)]
pub(crate) const fn over(src: Pixel, dst: Pixel) -> Pixel {
    let a = src.a();

    if a == 0xffff {
        return src;
    }
    Pixel::new(
        0xffff,
        channel(src.r(), dst.r(), a),
        channel(src.g(), dst.g(), a),
        channel(src.b(), dst.b(), a),
    )
}

/// Puts each pixel of `src` over the pixel of `dst` at the same place.
///
/// Where one line is longer than the other, its rest is left alone.
pub(crate) fn over_line(src: &[Pixel], dst: &mut [Pixel]) {
    for (s, d) in src.iter().zip(dst.iter_mut()) {
        *d = over(*s, *d);
    }
}
