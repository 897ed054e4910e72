// SPDX-License-Identifier: GPL-2.0

//! The composed output of a CRTC, in the precision that VKMS composes in.
//!
//! A pixel is four 16-bit channels in the order alpha, red, green, blue. The CRC of a frame runs
//! over these eight bytes of each pixel, line after line, little-endian, with neither an initial
//! value nor a final inversion.

use crate::format::Layout;
use crate::gamma::Table;
use anyhow::{Context, Result};
use drm::buffer::DrmFourcc;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// One pixel, alpha premultiplied.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pixel {
    /// Alpha.
    pub a: u16,
    /// Red.
    pub r: u16,
    /// Green.
    pub g: u16,
    /// Blue.
    pub b: u16,
}

impl Pixel {
    /// An opaque pixel from DRM's ARGB64 notation, whose alpha the output ignores.
    pub fn opaque_from_argb64(value: u64) -> Self {
        let channel = |shift: u32| (value >> shift) as u16;
        Pixel {
            a: u16::MAX,
            r: channel(32),
            g: channel(16),
            b: channel(0),
        }
    }

    /// Lays `self` over `below`; the result is opaque. The 32-bit sum wraps for colours that
    /// exceed their alpha, as it does in the kernel.
    pub fn over(self, below: Pixel) -> Pixel {
        let blend = |src: u16, dst: u16| {
            let sum = u32::from(src)
                .wrapping_mul(0xffff)
                .wrapping_add(u32::from(dst).wrapping_mul(0xffff - u32::from(self.a)));
            (sum.wrapping_add(0xffff / 2) / 0xffff) as u16
        };
        Pixel {
            a: u16::MAX,
            r: blend(self.r, below.r),
            g: blend(self.g, below.g),
            b: blend(self.b, below.b),
        }
    }

    fn bytes(self) -> [u8; 8] {
        let mut out = [0; 8];
        for (slot, channel) in out
            .chunks_exact_mut(2)
            .zip([self.a, self.r, self.g, self.b])
        {
            slot.copy_from_slice(&channel.to_le_bytes());
        }
        out
    }
}

/// A rectangle in pixels, within a frame or a framebuffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    /// Left edge.
    pub x: u32,
    /// Top edge.
    pub y: u32,
    /// Width.
    pub width: u32,
    /// Height.
    pub height: u32,
}

/// A whole frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canvas {
    width: usize,
    height: usize,
    pixels: Vec<Pixel>,
}

impl Canvas {
    /// The number of different colours.
    pub fn colours(&self) -> usize {
        let mut colours: Vec<_> = self
            .pixels
            .iter()
            .map(|pixel| (pixel.r, pixel.g, pixel.b))
            .collect();
        colours.sort_unstable();
        colours.dedup();
        colours.len()
    }

    /// A frame of one colour.
    pub fn filled(width: usize, height: usize, colour: Pixel) -> Self {
        Canvas {
            width,
            height,
            pixels: vec![colour; width * height],
        }
    }

    /// What the CRTC composes from one XRGB8888 framebuffer, of whose lines `memory` has the
    /// bytes, `pitch` bytes apart, and of which the frame shows the part that begins at `at`.
    pub fn of_xrgb8888(
        memory: &[u8],
        pitch: usize,
        at: (usize, usize),
        size: (u32, u32),
    ) -> Result<Self> {
        let layout = Layout::of(DrmFourcc::Xrgb8888).context("XRGB8888")?;
        let (width, height) = (size.0 as usize, size.1 as usize);
        let mut canvas = Canvas::filled(width, height, Pixel::default());
        for (y, line) in memory.chunks(pitch).skip(at.1).take(height).enumerate() {
            let pixels = line.chunks_exact(layout.bytes).skip(at.0).take(width);
            for (x, bytes) in pixels.enumerate() {
                if let Some(pixel) = canvas.pixel_mut(x as i64, y as i64) {
                    *pixel = layout.read(bytes);
                }
            }
        }
        Ok(canvas)
    }

    /// Takes the pixels of `area` over from `other`, which has the same size.
    pub fn copy_area(&mut self, other: &Canvas, area: Area) {
        let (width, height) = (self.width, self.height);
        let columns = area.x as usize..((area.x + area.width) as usize).min(width);
        for y in area.y as usize..((area.y + area.height) as usize).min(height) {
            let line = y * width;
            let range = line + columns.start..line + columns.end;
            if let (Some(to), Some(from)) =
                (self.pixels.get_mut(range.clone()), other.pixels.get(range))
            {
                to.copy_from_slice(from);
            }
        }
    }

    /// Pixels in a line and lines.
    pub fn size(&self) -> (usize, usize) {
        (self.width, self.height)
    }

    /// The pixel at `x`, `y`, or `None` outside of the frame.
    pub fn pixel_mut(&mut self, x: i64, y: i64) -> Option<&mut Pixel> {
        let (x, y) = (usize::try_from(x).ok()?, usize::try_from(y).ok()?);
        if x >= self.width || y >= self.height {
            return None;
        }
        self.pixels.get_mut(y * self.width + x)
    }

    /// Sends every colour channel through a gamma table.
    pub fn apply(&mut self, table: &Table) {
        for pixel in &mut self.pixels {
            *pixel = table.map(*pixel);
        }
    }

    /// The CRC that VKMS gives for this frame.
    pub fn crc(&self) -> u32 {
        // The crate inverts before and after; the kernel's crc32_le() does neither.
        let mut hasher = crc32fast::Hasher::new_with_initial(u32::MAX);
        let mut line = Vec::with_capacity(self.width * 8);
        for row in self.pixels.chunks_exact(self.width.max(1)) {
            line.clear();
            line.extend(row.iter().flat_map(|pixel| pixel.bytes()));
            hasher.update(&line);
        }
        !hasher.finalize()
    }

    /// Writes the frame as a PNG file with 8 bits per channel.
    pub fn write_png(&self, path: &Path) -> Result<()> {
        let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
        self.encode_png(BufWriter::new(file))
            .with_context(|| format!("writing {}", path.display()))
    }

    fn encode_png(&self, out: impl Write) -> Result<(), png::EncodingError> {
        let bytes: Vec<u8> = self
            .pixels
            .iter()
            .flat_map(|pixel| [pixel.r, pixel.g, pixel.b])
            .map(|channel| (channel >> 8) as u8)
            .collect();
        let mut encoder = png::Encoder::new(out, self.width as u32, self.height as u32);
        encoder.set_color(png::ColorType::Rgb);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&bytes)?;
        writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn areas_are_taken_over() {
        let old = Canvas::filled(3, 2, Pixel::default());
        let new = Canvas::filled(3, 2, WHITE);
        let mut canvas = old.clone();
        let area = Area {
            x: 1,
            y: 1,
            width: 9,
            height: 1,
        };
        canvas.copy_area(&new, area);
        let white: Vec<_> = canvas.pixels.iter().map(|&pixel| pixel == WHITE).collect();
        assert_eq!(white, [false, false, false, false, true, true]);
        let outside = Area { x: 3, y: 2, ..area };
        canvas.copy_area(&old, outside);
        assert_eq!(canvas.pixels[5], WHITE);
    }

    #[test]
    fn a_part_of_a_framebuffer_is_read() {
        let mut memory = vec![0; 2 * 16];
        memory[16 + 4..16 + 7].fill(0xff);
        let canvas = Canvas::of_xrgb8888(&memory, 16, (1, 1), (1, 1)).unwrap();
        assert_eq!(canvas.pixels, [WHITE]);
        let canvas = Canvas::of_xrgb8888(&memory, 16, (0, 1), (1, 1)).unwrap();
        assert_ne!(canvas.pixels, [WHITE]);
    }

    const WHITE: Pixel = Pixel {
        a: 0xffff,
        r: 0xffff,
        g: 0xffff,
        b: 0xffff,
    };

    /// The bit-serial definition of the CRC, as a second opinion.
    fn crc32_le(mut crc: u32, bytes: &[u8]) -> u32 {
        for &byte in bytes {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
            }
        }
        crc
    }

    #[test]
    fn crc_runs_over_alpha_red_green_blue_without_inversion() {
        let mut canvas = Canvas::filled(2, 2, WHITE);
        *canvas.pixel_mut(1, 0).unwrap() = Pixel {
            a: 0xffff,
            r: 0x0102,
            g: 0x0304,
            b: 0x0506,
        };
        let mut bytes = vec![0xff; 8];
        bytes.extend([0xff, 0xff, 2, 1, 4, 3, 6, 5]);
        bytes.extend([0xff; 16]);
        assert_eq!(canvas.crc(), crc32_le(0, &bytes));
    }

    #[test]
    fn opaque_pixels_cover() {
        let top = Pixel {
            a: 0xffff,
            r: 1,
            g: 0x8000,
            b: 0xfffe,
        };
        assert_eq!(top.over(WHITE), top);
    }

    #[test]
    fn transparent_pixels_let_through() {
        let clear = Pixel::default();
        let below = Pixel {
            a: 0xffff,
            r: 1,
            g: 0x8000,
            b: 0xfffe,
        };
        assert_eq!(clear.over(below), below);
    }

    #[test]
    fn half_of_white_over_black_is_half() {
        let half = Pixel {
            a: 0x8000,
            r: 0x8000,
            g: 0x8000,
            b: 0x8000,
        };
        let black = Pixel {
            a: 0xffff,
            ..Pixel::default()
        };
        assert_eq!(half.over(black).r, 0x8000);
    }

    #[test]
    fn the_file_holds_the_high_bytes() {
        let mut canvas = Canvas::filled(2, 1, WHITE);
        *canvas.pixel_mut(1, 0).unwrap() = Pixel {
            a: 0xffff,
            r: 0x1234,
            g: 0x5678,
            b: 0x9abc,
        };
        let mut file = Vec::new();
        canvas.encode_png(&mut file).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(file))
            .read_info()
            .unwrap();
        let mut bytes = vec![0; 6];
        let info = reader.next_frame(&mut bytes).unwrap();
        assert_eq!((info.width, info.height), (2, 1));
        assert_eq!(bytes, [0xff, 0xff, 0xff, 0x12, 0x56, 0x9a]);
    }

    #[test]
    fn outside_is_nothing() {
        let mut canvas = Canvas::filled(2, 2, WHITE);
        assert!(canvas.pixel_mut(-1, 0).is_none());
        assert!(canvas.pixel_mut(2, 0).is_none());
        assert!(canvas.pixel_mut(0, 2).is_none());
    }
}
