// SPDX-License-Identifier: GPL-2.0

//! The two representations of a pixel inside the composer.
//!
//! - [`Pixel`], *wide*: 16 bits for each of alpha, red, green and blue. Every supported format can
//!   be converted to it, and everything that is observable (blending, colour transformations, the
//!   CRC) is defined on it.
//! - [`Rgb8`], *narrow*: an opaque pixel whose channels are multiples of 257, that is, one which
//!   came from an 8-bit format. A line of these takes half the memory and needs no arithmetic.
//!
//! Going from narrow to wide loses nothing, so a composer may use the narrow one for as long as no
//! step needs more.

/// An opaque pixel with 8 bits per channel: `0x??RRGGBB`.
///
/// The top byte has no meaning, so that a line of `XRGB8888` can be used as it lies in memory.
pub(crate) type Rgb8 = u32;

/// A pixel with 8 bits per channel, not necessarily opaque: `0xAARRGGBB`.
///
/// Not a representation for the finished picture, but for layers that are put over it.
pub(crate) type Argb8 = u32;

/// Alpha of an opaque [`Argb8`].
pub(crate) const OPAQUE: Argb8 = 0xff00_0000;

/// A pixel with 16 bits per channel.
///
/// Bits 0 to 15 hold alpha, then follow red, green and blue. In little-endian memory this is the
/// order in which VKMS keeps a pixel, and therefore the order in which the CRC sees it.
#[repr(transparent)]
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Pixel(u64);

impl Pixel {
    /// Opaque black, the background of a CRTC unless user space asks for another one.
    pub(crate) const BLACK: Self = Self::new(0xffff, 0, 0, 0);

    /// The ratio between a 16-bit and an 8-bit channel of the same intensity.
    pub(crate) const RATIO: u16 = 257;

    /// Makes a pixel of its four channels.
    #[inline(always)]
    pub(crate) const fn new(a: u16, r: u16, g: u16, b: u16) -> Self {
        Self(a as u64 | (r as u64) << 16 | (g as u64) << 32 | (b as u64) << 48)
    }

    /// Widens four 8-bit channels.
    #[inline(always)]
    pub(crate) const fn from_argb8(a: u8, r: u8, g: u8, b: u8) -> Self {
        Self::new(
            a as u16 * Self::RATIO,
            r as u16 * Self::RATIO,
            g as u16 * Self::RATIO,
            b as u16 * Self::RATIO,
        )
    }

    /// Makes a pixel of all four channels as one number, alpha in the low bits.
    #[inline(always)]
    pub(crate) const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Widens a pixel, all channels at once.
    #[inline(always)]
    pub(crate) const fn from_argb(p: Argb8) -> Self {
        // Each byte into the low half of 16 bits, alpha first.
        let p = p.swap_bytes() as u64;
        let p = (p | p << 16) & 0x0000_ffff_0000_ffff;
        let p = (p | p << 8) & 0x00ff_00ff_00ff_00ff;

        Self(p * Self::RATIO as u64)
    }

    /// Widens an opaque pixel.
    #[inline(always)]
    pub(crate) const fn from_rgb8(p: Rgb8) -> Self {
        Self::from_argb(p | OPAQUE)
    }

    /// Narrows the pixel if that loses nothing.
    pub(crate) const fn to_rgb8(self) -> Option<Rgb8> {
        let (r, g, b) = (self.r(), self.g(), self.b());

        if self.a() == 0xffff && r >> 8 == r & 0xff && g >> 8 == g & 0xff && b >> 8 == b & 0xff {
            Some((r as u32 & 0xff) << 16 | (g as u32 & 0xff) << 8 | (b as u32 & 0xff))
        } else {
            None
        }
    }

    /// Alpha: 0 is transparent, 0xffff is opaque.
    #[inline(always)]
    pub(crate) const fn a(self) -> u16 {
        self.0 as u16
    }

    /// Red, multiplied with alpha.
    #[inline(always)]
    pub(crate) const fn r(self) -> u16 {
        (self.0 >> 16) as u16
    }

    /// Green, multiplied with alpha.
    #[inline(always)]
    pub(crate) const fn g(self) -> u16 {
        (self.0 >> 32) as u16
    }

    /// Blue, multiplied with alpha.
    #[inline(always)]
    pub(crate) const fn b(self) -> u16 {
        (self.0 >> 48) as u16
    }

    /// All four channels as one number, alpha in the low bits.
    #[inline(always)]
    pub(crate) const fn bits(self) -> u64 {
        self.0
    }
}
