// SPDX-License-Identifier: GPL-2.0

//! Pixel formats: from the bytes of a framebuffer to 16 bits per channel.

use crate::canvas::Pixel;
use drm::buffer::DrmFourcc;

/// How one channel is found in a pixel: the byte at this offset, or a constant full value.
type Byte = Option<usize>;

/// A packed RGB format with one byte per channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Bytes per pixel.
    pub bytes: usize,
    a: Byte,
    r: usize,
    g: usize,
    b: usize,
}

impl Layout {
    /// The layout of `format`, or `None` if the format is not a plain RGB one.
    pub fn of(format: DrmFourcc) -> Option<Self> {
        let layout = |bytes, a, r, g, b| Layout { bytes, a, r, g, b };
        Some(match format {
            DrmFourcc::Xrgb8888 => layout(4, None, 2, 1, 0),
            DrmFourcc::Argb8888 => layout(4, Some(3), 2, 1, 0),
            DrmFourcc::Xbgr8888 => layout(4, None, 0, 1, 2),
            DrmFourcc::Abgr8888 => layout(4, Some(3), 0, 1, 2),
            DrmFourcc::Rgba8888 => layout(4, Some(0), 3, 2, 1),
            DrmFourcc::Rgbx8888 => layout(4, None, 3, 2, 1),
            DrmFourcc::Bgra8888 => layout(4, Some(0), 1, 2, 3),
            DrmFourcc::Bgrx8888 => layout(4, None, 1, 2, 3),
            DrmFourcc::Rgb888 => layout(3, None, 2, 1, 0),
            DrmFourcc::Bgr888 => layout(3, None, 0, 1, 2),
            _ => return None,
        })
    }

    /// Reads the pixel that `bytes` starts with.
    pub fn read(&self, bytes: &[u8]) -> Pixel {
        // 0xff has to become 0xffff: repeat the byte.
        let channel = |at: usize| u16::from(bytes[at]) * 0x0101;
        Pixel {
            a: self.a.map_or(u16::MAX, channel),
            r: channel(self.r),
            g: channel(self.g),
            b: channel(self.b),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// DRM names channels from the most significant bit of a little-endian word.
    #[test]
    fn channels_lie_where_the_name_says() {
        let word = 0x11223344u32.to_le_bytes();
        let read = |f| Layout::of(f).unwrap().read(&word);
        let px = |a: u16, r: u16, g: u16, b: u16| Pixel {
            a: a * 257,
            r: r * 257,
            g: g * 257,
            b: b * 257,
        };
        assert_eq!(read(DrmFourcc::Argb8888), px(0x11, 0x22, 0x33, 0x44));
        assert_eq!(read(DrmFourcc::Abgr8888), px(0x11, 0x44, 0x33, 0x22));
        assert_eq!(read(DrmFourcc::Rgba8888), px(0x44, 0x11, 0x22, 0x33));
        assert_eq!(read(DrmFourcc::Bgra8888), px(0x44, 0x33, 0x22, 0x11));
        assert_eq!(read(DrmFourcc::Xrgb8888), px(0xff, 0x22, 0x33, 0x44));
        assert_eq!(read(DrmFourcc::Rgb888), px(0xff, 0x22, 0x33, 0x44));
        assert_eq!(read(DrmFourcc::Bgr888), px(0xff, 0x44, 0x33, 0x22));
    }

    #[test]
    fn other_formats_are_declined() {
        assert_eq!(Layout::of(DrmFourcc::Nv12), None);
    }
}
