// SPDX-License-Identifier: GPL-2.0

//! Unit tests of the composer.
//!
//! The composer is held against a reference that is as plain as can be: it looks at each pixel of
//! each layer on its own, always with 16 bits per channel, and sums up bit by bit.

use crate::{
    blend,
    compose::{
        Composer,
        Frame,
        Layer,
        Rect,
        Sink, //
    },
    crc::Crc,
    format::Format,
    line::LineSource,
    pixel::{
        Pixel,
        Rgb8, //
    },
};
use kernel::prelude::*;

/// A generator of repeatable noise (xorshift).
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 32) as u32
    }

    fn below(&mut self, limit: u32) -> u32 {
        self.next() % limit
    }

    fn byte(&mut self) -> u8 {
        // Extremes are what arithmetic breaks on, so they come more often.
        match self.below(4) {
            0 => 0,
            1 => 0xff,
            _ => self.next() as u8,
        }
    }
}

/// A picture in memory.
struct Picture {
    pitch: usize,
    bytes: KVVec<u8>,
}

impl Picture {
    fn noise(noise: &mut Noise, width: u32, height: u32) -> Result<Self> {
        let pitch = width as usize * 4;
        let mut bytes = KVVec::new();

        bytes.resize(pitch * height as usize, 0, GFP_KERNEL)?;
        for b in &mut bytes {
            *b = noise.byte();
        }
        Ok(Self { pitch, bytes })
    }
}

impl LineSource for &Picture {
    fn read_line(&self, plane: usize, y: u32, offset: usize, out: &mut [u8]) -> Result {
        let line = self.bytes.chunks(self.pitch).nth(y as usize);
        let part = line.and_then(|l| l.get(offset..)?.get(..out.len()));

        match (plane, part) {
            (0, Some(part)) => out.copy_from_slice(part),
            _ => return Err(EINVAL),
        }
        Ok(())
    }
}

/// A sink that keeps the picture in the wide representation, and sums it up.
struct Screen {
    width: u32,
    pixels: KVVec<Pixel>,
    crc: Crc,
    narrow: usize,
}

impl Screen {
    fn new(width: u32) -> Self {
        Self {
            width,
            pixels: KVVec::new(),
            crc: Crc::new(),
            narrow: 0,
        }
    }

    /// Segments have to arrive in order, without gaps.
    fn expect_at(&self, y: u32, x: u32) -> Result {
        if self.pixels.len() == (y * self.width + x) as usize {
            Ok(())
        } else {
            Err(ERANGE)
        }
    }
}

impl Sink for Screen {
    fn narrow(&mut self, y: u32, x: u32, segment: &[Rgb8]) -> Result {
        self.expect_at(y, x)?;
        for p in segment {
            self.pixels.push(Pixel::from_rgb8(*p), GFP_KERNEL)?;
        }
        self.narrow += segment.len();
        self.crc.narrow(segment);
        Ok(())
    }

    fn wide(&mut self, y: u32, x: u32, segment: &[Pixel]) -> Result {
        self.expect_at(y, x)?;
        for p in segment {
            self.pixels.push(*p, GFP_KERNEL)?;
        }
        self.crc.wide(segment);
        Ok(())
    }
}

/// A layer as the reference sees it.
struct Shown<'a> {
    picture: &'a Picture,
    code: [u8; 4],
    src: (u32, u32),
    dst: Rect,
}

impl Shown<'_> {
    /// The channels alpha, red, green, blue of the layer at a place of the frame.
    fn argb(&self, x: u32, y: u32) -> Option<[u64; 4]> {
        let d = self.dst;

        if x < d.x1 || x >= d.x2 || y < d.y1 || y >= d.y2 {
            return None;
        }

        let (sx, sy) = (
            (self.src.0 + x - d.x1) as usize,
            (self.src.1 + y - d.y1) as usize,
        );
        let cpp = if self.code[1] == b'G' { 3 } else { 4 };
        let at = |i: usize| u64::from(self.picture.bytes[sy * self.picture.pitch + sx * cpp + i]);
        let argb = match &self.code {
            b"AR24" => [at(3), at(2), at(1), at(0)],
            b"AB24" => [at(3), at(0), at(1), at(2)],
            b"BA24" => [at(0), at(1), at(2), at(3)],
            b"RA24" => [at(0), at(3), at(2), at(1)],
            b"XR24" | b"RG24" => [255, at(2), at(1), at(0)],
            b"XB24" | b"BG24" => [255, at(0), at(1), at(2)],
            _ => return None,
        };

        Some(argb.map(|c| c * 257))
    }
}

const CODES: [&[u8; 4]; 8] = [
    b"AR24", b"AB24", b"BA24", b"RA24", b"XR24", b"XB24", b"RG24", b"BG24",
];

/// What the pixel (`x`, `y`) of the frame has to be.
fn reference(background: Pixel, layers: &[Shown<'_>], x: u32, y: u32) -> Pixel {
    let mut out = [background.r(), background.g(), background.b()].map(u64::from);

    for layer in layers {
        if let Some([a, colour @ ..]) = layer.argb(x, y) {
            for (below, above) in out.iter_mut().zip(colour) {
                // The arithmetic of VKMS has 32 bits.
                let sum = (above * 0xffff + *below * (0xffff - a)) & 0xffff_ffff;

                *below = ((sum + 0x7fff) & 0xffff_ffff) / 0xffff;
            }
        }
    }
    Pixel::new(0xffff, out[0] as u16, out[1] as u16, out[2] as u16)
}

/// The CRC, a bit at a time.
fn crc_by_bits(mut crc: u32, pixel: Pixel) -> u32 {
    for channel in [pixel.a(), pixel.r(), pixel.g(), pixel.b()] {
        for byte in channel.to_le_bytes() {
            crc ^= u32::from(byte);
            for _ in 0..8 {
                crc = if crc & 1 == 1 {
                    crc >> 1 ^ 0xedb8_8320
                } else {
                    crc >> 1
                };
            }
        }
    }
    crc
}

/// A rectangle that is not empty, in a frame of `width` times `height`.
fn rectangle(noise: &mut Noise, width: u32, height: u32) -> Rect {
    let x1 = noise.below(width);
    let y1 = noise.below(height);

    Rect {
        x1,
        y1,
        x2: x1 + 1 + noise.below(width - x1),
        y2: y1 + 1 + noise.below(height - y1),
    }
}

#[kunit_tests(rvkms_composer)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_found_by_code() {
        for code in CODES {
            let format = Format::from_fourcc(u32::from_le_bytes(*code));

            assert_eq!(format.map(Format::fourcc), Some(u32::from_le_bytes(*code)));
        }
        assert!(Format::from_fourcc(0).is_none());
        assert!(Format::from_fourcc(u32::from_le_bytes(*b"NV99")).is_none());
        assert_eq!(Format::CODES.len(), CODES.len());
    }

    #[test]
    fn narrowing_loses_nothing() {
        let mut noise = Noise(1);

        for _ in 0..1000 {
            let p = noise.next() & 0xff_ffff;

            assert_eq!(Pixel::from_rgb8(p).to_rgb8(), Some(p));
        }
        assert!(Pixel::new(0xffff, 1, 0, 0).to_rgb8().is_none());
        assert!(Pixel::new(0xffff, 0, 0x100, 0).to_rgb8().is_none());
        assert!(Pixel::new(0xffff, 0, 0, 0xfffe).to_rgb8().is_none());
        assert!(Pixel::new(0xfffe, 0, 0, 0).to_rgb8().is_none());
    }

    #[test]
    fn blending_keeps_the_extremes() {
        let below = Pixel::new(0xffff, 0x1234, 0xfffe, 0x8000);
        let above = Pixel::new(0xffff, 0x4321, 0, 0xffff);

        assert_eq!(blend::over(above, below), above);
        assert_eq!(blend::over(Pixel::new(0, 0, 0, 0), below), below);
        // Half of white over black, and over white.
        let half = Pixel::new(0x8000, 0x8000, 0x8000, 0x8000);
        let white = Pixel::new(0xffff, 0xffff, 0xffff, 0xffff);

        assert_eq!(
            blend::over(half, Pixel::BLACK),
            Pixel::new(0xffff, 0x8000, 0x8000, 0x8000)
        );
        assert_eq!(blend::over(half, white), white);
    }

    #[test]
    fn crc_of_known_bytes() {
        // crc32_le(0, "\xff\xff\x00\x00\x00\x00\x00\x00", 8)
        let mut crc = Crc::new();

        crc.wide(&[Pixel::BLACK]);
        assert_eq!(crc.value(), crc_by_bits(0, Pixel::BLACK));
        assert_eq!(crc.value(), 0xb47d_4cd6);
    }

    #[test]
    fn crc_of_lines_of_every_length() -> Result {
        let mut noise = Noise(2);
        let (mut narrow, mut wide) = (Crc::new(), Crc::new());
        let mut expected = 0;

        for length in 0..40 {
            let mut line = KVec::<Rgb8>::new();
            let mut wide_line = KVec::new();

            for _ in 0..length {
                // The top byte of a narrow pixel means nothing.
                let p = noise.next();

                line.push(p, GFP_KERNEL)?;
                wide_line.push(Pixel::from_rgb8(p), GFP_KERNEL)?;
                expected = crc_by_bits(expected, Pixel::from_rgb8(p));
            }
            narrow.narrow(&line);
            wide.wide(&wide_line);
            assert_eq!(narrow.value(), expected);
            assert_eq!(wide.value(), expected);
        }
        Ok(())
    }

    #[test]
    fn crc_of_wide_noise() -> Result {
        let mut noise = Noise(3);
        let mut crc = Crc::new();
        let mut expected = 0;
        let mut line = KVec::new();

        for _ in 0..101 {
            let (low, high) = (noise.next(), noise.next());
            let p = Pixel::new(
                low as u16,
                (low >> 16) as u16,
                high as u16,
                (high >> 16) as u16,
            );

            line.push(p, GFP_KERNEL)?;
            expected = crc_by_bits(expected, p);
        }
        crc.wide(&line);
        assert_eq!(crc.value(), expected);
        Ok(())
    }

    #[test]
    fn layers_outside_the_frame_are_refused() -> Result {
        let picture = Picture::noise(&mut Noise(4), 8, 8)?;
        let mut frame = Frame::new(8, 8, Pixel::BLACK, 1)?;

        for (x1, y1, x2, y2) in [(0, 0, 9, 8), (0, 0, 8, 9), (4, 0, 4, 8), (0, 5, 8, 4)] {
            let dst = Rect { x1, y1, x2, y2 };

            assert!(frame
                .push(Layer::new(&picture, Format::XRGB8888, 0, 0, dst))
                .is_err());
        }
        Ok(())
    }

    #[test]
    fn layers_larger_than_their_source_fail() -> Result {
        let picture = Picture::noise(&mut Noise(5), 8, 8)?;
        let dst = Rect {
            x1: 0,
            y1: 0,
            x2: 8,
            y2: 8,
        };

        for (x, y) in [(1, 0), (0, 1), (u32::MAX, 0), (0, u32::MAX)] {
            for format in [Format::XRGB8888, Format::ARGB8888] {
                let mut frame = Frame::new(8, 8, Pixel::BLACK, 1)?;

                frame.push(Layer::new(&picture, format, x, y, dst))?;
                assert!(Composer::new().compose(&frame, &mut Crc::new()).is_err());
            }
        }
        Ok(())
    }

    #[test]
    fn empty_frames_are_background() -> Result {
        for background in [Pixel::BLACK, Pixel::new(0xffff, 0x1234, 0x5678, 0x9abc)] {
            let frame = Frame::<&Picture>::new(7, 3, background, 0)?;
            let mut screen = Screen::new(7);
            let mut expected = 0;

            Composer::new().compose(&frame, &mut screen)?;
            assert_eq!(screen.pixels.len(), 21);
            for p in &screen.pixels {
                assert_eq!(*p, background);
                expected = crc_by_bits(expected, background);
            }
            assert_eq!(screen.crc.value(), expected);
        }
        Ok(())
    }

    #[test]
    fn opaque_8_bit_lines_stay_narrow() -> Result {
        let mut noise = Noise(6);
        let picture = Picture::noise(&mut noise, 16, 16)?;
        let mut frame = Frame::new(16, 16, Pixel::BLACK, 3)?;
        let mut screen = Screen::new(16);
        let all = Rect {
            x1: 0,
            y1: 0,
            x2: 16,
            y2: 16,
        };
        let part = Rect {
            x1: 3,
            y1: 2,
            x2: 13,
            y2: 11,
        };

        // The translucent layer is hidden, so it must not cost anything.
        frame.push(Layer::new(&picture, Format::ARGB8888, 0, 0, part))?;
        frame.push(Layer::new(&picture, Format::XBGR8888, 0, 0, all))?;
        frame.push(Layer::new(&picture, Format::RGB888, 0, 0, part))?;
        Composer::new().compose(&frame, &mut screen)?;
        assert_eq!(screen.narrow, 256);
        Ok(())
    }

    #[test]
    fn frames_equal_the_reference() -> Result {
        let mut noise = Noise(7);
        let mut composer = Composer::new();

        for _ in 0..200 {
            let (width, height) = (1 + noise.below(40), 1 + noise.below(12));
            let background = match noise.below(3) {
                0 => Pixel::from_argb8(0xff, noise.byte(), noise.byte(), noise.byte()),
                1 => Pixel::new(0xffff, noise.next() as u16, noise.next() as u16, 0),
                _ => Pixel::BLACK,
            };
            let count = noise.below(6) as usize;
            let mut pictures = KVec::new();
            let mut shown = KVec::new();
            let mut frame = Frame::new(width, height, background, 0)?;
            let mut screen = Screen::new(width);
            let mut crc = Crc::new();
            let mut expected = 0;

            for _ in 0..count {
                pictures.push(Picture::noise(&mut noise, 48, 16)?, GFP_KERNEL)?;
            }
            for picture in &pictures {
                let code = *CODES[noise.below(8) as usize];
                let layer = Shown {
                    picture,
                    code,
                    src: (noise.below(9), noise.below(5)),
                    dst: rectangle(&mut noise, width, height),
                };
                let format = Format::from_fourcc(u32::from_le_bytes(code)).ok_or(EINVAL)?;
                let (x, y) = layer.src;

                frame.push(Layer::new(picture, format, x, y, layer.dst))?;
                shown.push(layer, GFP_KERNEL)?;
            }

            composer.compose(&frame, &mut screen)?;
            composer.compose(&frame, &mut crc)?;
            assert_eq!(screen.pixels.len(), (width * height) as usize);
            for (i, p) in screen.pixels.iter().enumerate() {
                let i = i as u32;
                let wanted = reference(background, &shown, i % width, i / width);

                assert_eq!(*p, wanted);
                expected = crc_by_bits(expected, wanted);
            }
            assert_eq!(screen.crc.value(), expected);
            assert_eq!(crc.value(), expected);
        }
        Ok(())
    }
}
