// SPDX-License-Identifier: GPL-2.0

//! Unit tests of the composer.
//!
//! The composer is held against a reference that is as plain as can be: it looks at each pixel of
//! each layer on its own, always with 16 bits per channel, and sums up bit by bit.

mod pipeline;

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
    fixed::Fixed,
    format::Format,
    gamma::Gamma,
    line::{
        LineSource,
        Reader, //
    },
    pixel::{
        Pixel,
        Rgb8, //
    },
    writeback::{
        self,
        LineTarget,
        Writer, //
    },
    yuv::{
        Encoding,
        Range, //
    },
};
use kernel::{
    drm::kms::{
        self,
        Angle,
        Rotation, //
    },
    new_mutex,
    prelude::*,
    sync::Mutex, //
};

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

/// A picture in memory: three memory planes with lines of the same length.
struct Picture {
    pitch: usize,
    planes: [KVVec<u8>; 3],
}

impl Picture {
    /// A picture of noise, large enough for pixels of 8 bytes.
    fn noise(noise: &mut Noise, width: u32, height: u32) -> Result<Self> {
        let pitch = width as usize * 8;
        let mut planes = [KVVec::new(), KVVec::new(), KVVec::new()];

        for plane in &mut planes {
            plane.resize(pitch * height as usize, 0, GFP_KERNEL)?;
            for b in plane.iter_mut() {
                *b = noise.byte();
            }
        }
        Ok(Self { pitch, planes })
    }

    /// Makes all pixels of four bytes either opaque, whichever end alpha is at, or nothing.
    fn cut_out(&mut self, noise: &mut Noise) {
        for plane in &mut self.planes {
            for p in plane.chunks_exact_mut(4) {
                match noise.below(3) {
                    0 => p.fill(0),
                    _ => (p[0], p[3]) = (0xff, 0xff),
                }
            }
        }
    }

    /// A byte, for the reference.
    fn at(&self, plane: usize, y: u32, offset: u32) -> u64 {
        u64::from(self.planes[plane][y as usize * self.pitch + offset as usize])
    }

    /// A little-endian number of two bytes, for the reference.
    fn at16(&self, plane: usize, y: u32, offset: u32) -> u64 {
        self.at(plane, y, offset) | self.at(plane, y, offset + 1) << 8
    }
}

impl LineSource for &Picture {
    fn read_line(&self, plane: usize, y: u32, offset: usize, out: &mut [u8]) -> Result {
        let line = self.planes[plane].chunks(self.pitch).nth(y as usize);
        let part = line.and_then(|l| l.get(offset..)?.get(..out.len()));

        out.copy_from_slice(part.ok_or(EINVAL)?);
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

/// A framebuffer to write to.
struct Target {
    pitch: usize,
    bytes: Pin<KBox<Mutex<KVVec<u8>>>>,
}

impl Target {
    fn new(pitch: usize, lines: usize) -> Result<Self> {
        let mut bytes = KVVec::new();

        bytes.resize(pitch * lines, 0, GFP_KERNEL)?;
        Ok(Self {
            pitch,
            bytes: KBox::pin_init(new_mutex!(bytes), GFP_KERNEL)?,
        })
    }

    /// Checks what the pixel (`x`, `y`) was written as.
    fn expect<const N: usize>(&self, y: u32, x: u32, pixel: [u8; N]) {
        let start = y as usize * self.pitch + x as usize * N;

        assert_eq!(self.bytes.lock()[start..start + N], pixel);
    }
}

impl LineTarget for Target {
    fn write_line(&self, y: u32, offset: usize, bytes: &[u8]) -> Result {
        let mut target = self.bytes.lock();
        let line = target.chunks_mut(self.pitch).nth(y as usize);
        let part = line.and_then(|l| l.get_mut(offset..)?.get_mut(..bytes.len()));

        part.ok_or(EINVAL)?.copy_from_slice(bytes);
        Ok(())
    }
}

/// A layer as the reference sees it.
struct Shown<'a> {
    picture: &'a Picture,
    code: [u8; 4],
    encoding: Encoding,
    range: Range,
    src: (u32, u32),
    rotation: Rotation,
    dst: Rect,
}

impl Shown<'_> {
    /// The channels alpha, red, green, blue of the layer at a place of the frame.
    fn argb(&self, x: u32, y: u32) -> Option<[u64; 4]> {
        let d = self.dst;

        if x < d.x1 || x >= d.x2 || y < d.y1 || y >= d.y2 {
            return None;
        }

        // Where the pixel comes from is for the DRM core to say.
        let (u, v) = ((x - d.x1) as i32, (y - d.y1) as i32);
        let (width, height) = ((d.x2 - d.x1) as i32, (d.y2 - d.y1) as i32);
        let size = if self.rotation.swaps_axes() {
            (height, width)
        } else {
            (width, height)
        };
        let pixel = kms::Rect {
            x1: u,
            y1: v,
            x2: u + 1,
            y2: v + 1,
        };
        let pixel = self.rotation.undo(pixel, size);
        let (x, y) = (self.src.0 + pixel.x1 as u32, self.src.1 + pixel.y1 as u32);
        let p = self.picture;
        let byte = |cpp: u32, i: u32| p.at(0, y, x * cpp + i) * 257;
        let word = |cpp: u32, i: u32| p.at16(0, y, x * cpp + 2 * i);
        let grey = |bits: u32| {
            let in_byte = x % (8 / bits);
            let v = p.at(0, y, x * bits / 8) >> (8 - bits - in_byte * bits) & ((1 << bits) - 1);
            let v = v * 0xffff / ((1 << bits) - 1);

            [0xffff, v, v, v]
        };
        let rgb565 = || {
            let v = word(2, 0);
            // Round to the nearest.
            let wide = |v: u64, max: u64| (v * 0xffff * 2 + max) / (max * 2);

            [
                0xffff,
                wide(v >> 11, 31),
                wide(v >> 5 & 63, 63),
                wide(v & 31, 31),
            ]
        };
        // Pairs of chroma with `hsub` and `vsub`; components have 8 bits.
        let pairs = |hsub: u32, vsub: u32| {
            let c = |i: u32| p.at(1, y / vsub, x / hsub * 2 + i) * 257;

            (byte(1, 0), c(0), c(1))
        };
        let planes = |hsub: u32, vsub: u32| {
            let c = |plane| p.at(plane, y / vsub, x / hsub) * 257;

            (byte(1, 0), c(1), c(2))
        };
        let swapped = |(y, cr, cb)| (y, cb, cr);

        let yuv = match &self.code {
            b"AR24" => return Some([byte(4, 3), byte(4, 2), byte(4, 1), byte(4, 0)]),
            b"AB24" => return Some([byte(4, 3), byte(4, 0), byte(4, 1), byte(4, 2)]),
            b"BA24" => return Some([byte(4, 0), byte(4, 1), byte(4, 2), byte(4, 3)]),
            b"RA24" => return Some([byte(4, 0), byte(4, 3), byte(4, 2), byte(4, 1)]),
            b"XR24" => return Some([0xffff, byte(4, 2), byte(4, 1), byte(4, 0)]),
            b"XB24" => return Some([0xffff, byte(4, 0), byte(4, 1), byte(4, 2)]),
            b"RG24" => return Some([0xffff, byte(3, 2), byte(3, 1), byte(3, 0)]),
            b"BG24" => return Some([0xffff, byte(3, 0), byte(3, 1), byte(3, 2)]),
            b"AR48" => return Some([word(8, 3), word(8, 2), word(8, 1), word(8, 0)]),
            b"AB48" => return Some([word(8, 3), word(8, 0), word(8, 1), word(8, 2)]),
            b"XR48" => return Some([0xffff, word(8, 2), word(8, 1), word(8, 0)]),
            b"XB48" => return Some([0xffff, word(8, 0), word(8, 1), word(8, 2)]),
            b"RG16" => return Some(rgb565()),
            b"BG16" => {
                let [a, r, g, b] = rgb565();

                return Some([a, b, g, r]);
            }
            b"R1  " => return Some(grey(1)),
            b"R2  " => return Some(grey(2)),
            b"R4  " => return Some(grey(4)),
            b"R8  " => return Some(grey(8)),
            b"NV12" => pairs(2, 2),
            b"NV16" => pairs(2, 1),
            b"NV24" => pairs(1, 1),
            b"NV21" => swapped(pairs(2, 2)),
            b"NV61" => swapped(pairs(2, 1)),
            b"NV42" => swapped(pairs(1, 1)),
            b"YU12" => planes(2, 2),
            b"YU16" => planes(2, 1),
            b"YU24" => planes(1, 1),
            b"YV12" => swapped(planes(2, 2)),
            b"YV16" => swapped(planes(2, 1)),
            b"YV24" => swapped(planes(1, 1)),
            b"P010" | b"P012" | b"P016" => {
                let c = |i: u32| p.at16(1, y / 2, x / 2 * 4 + 2 * i);

                (word(2, 0), c(0), c(1))
            }
            _ => return None,
        };

        Some(rgb_of_yuv(self.encoding, self.range, yuv))
    }
}

const CODES: [&[u8; 4]; 33] = [
    b"AR24", b"AB24", b"BA24", b"RA24", b"XR24", b"XB24", b"RG24", b"BG24", b"XR48", b"XB48",
    b"AR48", b"AB48", b"RG16", b"BG16", b"NV12", b"NV16", b"NV24", b"NV21", b"NV61", b"NV42",
    b"YU12", b"YU16", b"YU24", b"YV12", b"YV16", b"YV24", b"P010", b"P012", b"P016", b"R1  ",
    b"R2  ", b"R4  ", b"R8  ",
];

const ENCODINGS: [Encoding; 3] = [Encoding::Bt601, Encoding::Bt709, Encoding::Bt2020];

const RANGES: [Range; 2] = [Range::Limited, Range::Full];

/// `drm_fixp_mul()`, a bit at a time.
fn fixp_mul(mut a: i64, mut b: i64) -> i64 {
    let msbset = |v: i64| {
        let sign = v >> 63 & 1;

        (1..=62).rev().find(|s| v >> s & 1 != sign).unwrap_or(0)
    };
    let mut shift = msbset(a) + msbset(b);

    if shift > 61 {
        shift -= 61;
        a >>= (shift >> 1) + (shift & 1);
        b >>= shift >> 1;
    } else {
        shift = 0;
    }
    if shift > 32 {
        a.wrapping_mul(b) << (shift - 32)
    } else {
        a.wrapping_mul(b) >> (32 - shift)
    }
}

/// The channels of a YCbCr pixel. The factors are those of the C driver.
fn rgb_of_yuv(encoding: Encoding, range: Range, (y, cb, cr): (u64, u64, u64)) -> [u64; 4] {
    let (black, [fy, r_cr, g_cb, g_cr, b_cb]) = match (encoding, range) {
        (Encoding::Bt601, Range::Full) => (
            0,
            [4294967296, 6021544149, -1478054095, -3067191994, 7610682049],
        ),
        (Encoding::Bt601, Range::Limited) => (
            16,
            [5020601039, 6881764740, -1689204679, -3505362278, 8697922339],
        ),
        (Encoding::Bt709, Range::Full) => (
            0,
            [4294967296, 6763714498, -804551626, -2010578443, 7969741314],
        ),
        (Encoding::Bt709, Range::Limited) => (
            16,
            [5020601039, 7729959424, -919487572, -2297803934, 9108275786],
        ),
        (Encoding::Bt2020, Range::Full) => (
            0,
            [4294967296, 6333358775, -706750298, -2453942994, 8080551471],
        ),
        (Encoding::Bt2020, Range::Limited) => (
            16,
            [5020601039, 7238124312, -807714626, -2804506279, 9234915964],
        ),
    };
    let (y, cb, cr) = (
        (y as i64 - black * 257) << 32,
        (cb as i64 - 128 * 257) << 32,
        (cr as i64 - 128 * 257) << 32,
    );
    let channel = |f_cb, f_cr| {
        let sum = fixp_mul(fy, y) + fixp_mul(f_cb, cb) + fixp_mul(f_cr, cr);

        ((sum + (1 << 31)) >> 32).clamp(0, 0xffff) as u64
    };

    [
        0xffff,
        channel(0, r_cr),
        channel(g_cb, g_cr),
        channel(b_cb, 0),
    ]
}

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

/// A reader for the format with this code.
fn reader(code: &[u8; 4]) -> Result<Reader> {
    let format = Format::from_fourcc(u32::from_le_bytes(*code)).ok_or(EINVAL)?;

    Ok(Reader::new(format, Encoding::default(), Range::default()))
}

/// Any rotation.
fn rotation(noise: &mut Noise) -> Rotation {
    let angles = [Angle::Deg0, Angle::Deg90, Angle::Deg180, Angle::Deg270];

    Rotation {
        angle: angles[noise.below(4) as usize],
        reflect_x: noise.below(2) == 0,
        reflect_y: noise.below(2) == 0,
    }
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
mod composer {
    use super::*;

    #[test]
    fn formats_are_found_by_code() {
        assert_eq!(Format::ALL.len(), CODES.len());
        for (code, (format, number)) in CODES.iter().zip(Format::ALL.iter().zip(Format::CODES)) {
            assert_eq!(number, u32::from_le_bytes(**code));
            assert_eq!(Format::from_fourcc(number), Some(*format));
        }
        assert!(Format::from_fourcc(0).is_none());
        assert!(Format::from_fourcc(u32::from_le_bytes(*b"NV99")).is_none());
    }

    #[test]
    fn products_drop_the_bits_that_c_drops() {
        let mut noise = Noise(8);

        for _ in 0..20000 {
            let mut number = || {
                let v = i64::from(noise.next()) << 32 | i64::from(noise.next());

                // All magnitudes, both signs.
                v >> noise.below(64)
            };
            let (a, b) = (number(), number());

            assert_eq!(
                Fixed::from_bits(a).mul(Fixed::from_bits(b)),
                Fixed::from_bits(fixp_mul(a, b))
            );
        }
    }

    #[test]
    fn gamma_interpolates_between_entries() -> Result {
        let identity = Gamma::new((0..256).map(|i| [i * 257; 3]))?;
        let step = Gamma::new((0..3).map(|i| [i * 0x4000, 0xffff - i * 0x4000, 0]))?;
        let one = Gamma::new([[1, 2, 3]].into_iter())?;
        let white = Pixel::from_rgb8(0xff_ffff);
        let mut line = [
            Pixel::new(0xffff, 0, 0x8080, 0xffff),
            Pixel::new(0xffff, 0x101, 0x102, 0xfefe),
        ];
        let before = line;

        identity.wide(&mut line);
        assert_eq!(line, before);

        let mut line = [
            Pixel::BLACK,
            Pixel::new(0xffff, 0x8000, 0x4000, 0x4000),
            white,
        ];

        step.wide(&mut line);
        assert_eq!(line[0], Pixel::new(0xffff, 0, 0xffff, 0));
        assert_eq!(line[1], Pixel::new(0xffff, 0x4000, 0xdfff, 0));
        assert_eq!(line[2], Pixel::new(0xffff, 0x8000, 0x7fff, 0));

        let mut line = [white];

        one.wide(&mut line);
        assert_eq!(line[0], Pixel::new(0xffff, 1, 2, 3));

        for gamma in [identity, step, one] {
            for p in [0, 0x12_3456, 0x80_ff01, 0xff_ffff] {
                let mut wide = [Pixel::from_rgb8(p)];
                let mut out = [Pixel::BLACK];

                gamma.wide(&mut wide);
                gamma.narrow(&[p], &mut out);
                assert_eq!(wide, out);
            }
        }
        assert!(Gamma::new([].into_iter()).is_err());
        assert!(Gamma::new((0..257).map(|i| [i; 3])).is_err());
        Ok(())
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

    // All alphas, with colours that are multiplied with them and with ones that are not.
    #[test]
    fn blending_two_channels_at_a_time_changes_nothing() {
        let mut noise = Noise(10);
        let one = |s: u64, d: u64, a: u64| {
            let sum = (s * 0xffff + d * (0xffff - a)) & 0xffff_ffff;

            (((sum + 0x7fff) & 0xffff_ffff) / 0xffff) as u16
        };

        for i in 0..0x1_0000u32 {
            let a = i as u16;
            let most = u32::from(a) + 1 + noise.below(2) * noise.below(0x100);
            let mut colour = || noise.below(most).min(0xffff) as u16;
            let src = Pixel::new(a, colour(), colour(), colour());
            let (low, high) = (noise.next(), noise.next());
            let dst = Pixel::new(0xffff, low as u16, (low >> 16) as u16, high as u16);
            let expected = |src: Pixel| {
                let channel = |s: u16, d: u16| one(s.into(), d.into(), src.a().into());

                Pixel::new(
                    0xffff,
                    channel(src.r(), dst.r()),
                    channel(src.g(), dst.g()),
                    channel(src.b(), dst.b()),
                )
            };
            let src8 = u32::from(a) << 24 | noise.next() & 0xff_ffff & i.wrapping_mul(0x101);
            let mut line = [dst];

            assert_eq!(blend::over(src, dst), expected(src));
            blend::over_line_8(&[src8], &mut line);
            assert_eq!(line[0], expected(Pixel::from_argb(src8)));
        }
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
        let mut narrow = Crc::new();
        let mut wide = [Crc::by_kernel(false), Crc::by_kernel(true)];
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
            assert_eq!(narrow.value(), expected);
            for wide in &mut wide {
                wide.wide(&wide_line);
                assert_eq!(wide.value(), expected);
            }
        }
        Ok(())
    }

    #[test]
    fn crc_of_wide_noise() -> Result {
        let mut noise = Noise(3);
        let mut expected = 0;
        let mut line = KVec::new();

        for _ in 0..301 {
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
        for by_kernel in [false, true] {
            let mut crc = Crc::by_kernel(by_kernel);

            crc.wide(&line);
            assert_eq!(crc.value(), expected);
        }
        Ok(())
    }

    #[test]
    fn layers_outside_the_frame_are_refused() -> Result {
        let picture = Picture::noise(&mut Noise(4), 8, 8)?;
        let mut frame = Frame::new(8, 8, Pixel::BLACK, 1)?;

        for (x1, y1, x2, y2) in [(0, 0, 9, 8), (0, 0, 8, 9), (4, 0, 4, 8), (0, 5, 8, 4)] {
            let dst = Rect { x1, y1, x2, y2 };

            assert!(frame
                .push(Layer::new(&picture, reader(b"XR24")?, 0, 0, dst))
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

        for (x, y) in [(512, 0), (0, 16), (u32::MAX, 0), (0, u32::MAX)] {
            for code in CODES {
                for angle in [Angle::Deg0, Angle::Deg90, Angle::Deg180, Angle::Deg270] {
                    let mut frame = Frame::new(64, 8, Pixel::BLACK, 1)?;
                    let rotation = Rotation {
                        angle,
                        ..Rotation::NONE
                    };
                    let layer = Layer::new(&picture, reader(code)?, x, y, dst);

                    frame.push(layer.rotated(rotation))?;
                    assert!(Composer::new().compose(&frame, &mut Crc::new()).is_err());
                }
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
        frame.push(Layer::new(&picture, reader(b"AR24")?, 0, 0, part))?;
        frame.push(Layer::new(&picture, reader(b"XB24")?, 0, 0, all))?;
        frame.push(Layer::new(&picture, reader(b"RG24")?, 0, 0, part))?;
        Composer::new().compose(&frame, &mut screen)?;
        assert_eq!(screen.narrow, 256);
        Ok(())
    }

    /// `drm_fixp_div()` of a number by 65535 / `max`, without the fraction.
    fn fixp_reduce(v: u16, max: i64) -> u16 {
        let ratio = Fixed::from_int(0xffff).div(Fixed::from_int(max as i32));

        Fixed::from_int(i32::from(v)).div(ratio).floor() as u16
    }

    #[test]
    fn reducing_is_what_c_does() {
        for v in 0..=u16::MAX {
            for max in [31, 63] {
                assert_eq!(writeback::reduce(v, max), fixp_reduce(v, max.into()));
            }
        }
    }

    // All formats, at once from the wide and from the narrow representation.
    #[test]
    fn pictures_are_written() -> Result {
        let mut noise = Noise(9);
        let picture = Picture::noise(&mut noise, 48, 16)?;
        let dst = Rect {
            x1: 3,
            y1: 2,
            x2: 43,
            y2: 14,
        };

        for code in [b"XR24", b"XR48", b"RG24", b"RG16"] {
            let layer = Shown {
                picture: &picture,
                code: *code,
                encoding: Encoding::default(),
                range: Range::default(),
                src: (0, 0),
                rotation: Rotation::NONE,
                dst,
            };

            for (format, number) in writeback::Format::ALL {
                let mut frame = Frame::new(48, 16, Pixel::BLACK, 1)?;
                let target = Target::new(48 * 8, 16)?;
                let mut line = KVVec::new();
                let mut crc = Crc::new();

                assert_eq!(writeback::Format::from_fourcc(number), Some(format));
                frame.push(Layer::new(&picture, reader(code)?, 0, 0, dst))?;
                let writer = Writer::new(&target, format, 48, &mut line)?;
                Composer::new().compose(&frame, &mut (&mut crc, writer))?;

                let mut expected = 0;
                for i in 0..48 * 16 {
                    let (x, y) = (i % 48, i / 48);
                    let p = reference(Pixel::BLACK, core::slice::from_ref(&layer), x, y);
                    let [a, r, g, b] = [p.a(), p.r(), p.g(), p.b()];
                    let [a8, r8, g8, b8] = [a, r, g, b].map(|v| ((u32::from(v) + 128) / 257) as u8);
                    let rgb565 =
                        fixp_reduce(r, 31) << 11 | fixp_reduce(g, 63) << 5 | fixp_reduce(b, 31);

                    match &number.code().to_le_bytes() {
                        b"AR24" => target.expect(y, x, [b8, g8, r8, a8]),
                        b"XR24" => target.expect(y, x, [b8, g8, r8, 0xff]),
                        b"AB24" => target.expect(y, x, [r8, g8, b8, a8]),
                        b"RG16" => target.expect(y, x, rgb565.to_le_bytes()),
                        _ => {
                            for (i, v) in [b, g, r, a].into_iter().enumerate() {
                                target.expect(y, x * 4 + i as u32, v.to_le_bytes());
                            }
                        }
                    }
                    expected = crc_by_bits(expected, p);
                }
                assert_eq!(crc.value(), expected);

                // One line is missing.
                let target = Target::new(48 * 8, 15)?;
                let mut writer = Writer::new(&target, format, 48, &mut line)?;
                assert!(Composer::new().compose(&frame, &mut writer).is_err());
            }
        }
        Ok(())
    }

    // Whatever order they come in, and whichever frame they come from.
    #[test]
    fn layers_are_stacked_by_their_numbers() -> Result {
        let mut noise = Noise(8);
        let pictures = [
            Picture::noise(&mut noise, 24, 16)?,
            Picture::noise(&mut noise, 24, 16)?,
            Picture::noise(&mut noise, 24, 16)?,
        ];
        let all = Rect {
            x1: 0,
            y1: 0,
            x2: 16,
            y2: 16,
        };
        let layer = |index: u32| -> Result<_> {
            let picture = &pictures[index as usize];

            Ok(Layer::new(picture, reader(b"AR24")?, index, 0, all).at_index(index))
        };
        let crc = |frame: &Frame<_>| -> Result<_> {
            let mut crc = Crc::new();

            Composer::new().compose(frame, &mut crc)?;
            Ok(crc.value())
        };

        let mut sorted = Frame::new(16, 16, Pixel::BLACK, 3)?;
        let mut other = Frame::new(16, 16, Pixel::BLACK, 2)?;
        let mut next = Frame::new(1, 1, Pixel::new(0xffff, 1, 2, 3), 3)?;

        for index in 0..3 {
            sorted.push(layer(index)?)?;
        }
        for index in [2, 0] {
            other.push(layer(index)?)?;
        }
        assert_ne!(crc(&other)?, crc(&sorted)?);
        next.look_like(&other);
        next.push(layer(1)?)?;
        next.keep(&other, |_| true)?;
        assert_eq!(crc(&next)?, crc(&sorted)?);

        let mut fewer = Frame::new(16, 16, Pixel::BLACK, 2)?;

        fewer.keep(&next, |index| index != 1)?;
        assert_eq!(crc(&fewer)?, crc(&other)?);
        Ok(())
    }

    #[test]
    fn frames_equal_the_reference() -> Result {
        let mut noise = Noise(7);
        let mut composer = Composer::new();

        for round in 0..400 {
            // Some frames are wider than a piece.
            let most = if round % 20 == 0 { (640, 3) } else { (44, 44) };
            let (width, height) = (1 + noise.below(most.0), 1 + noise.below(most.1));
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
                let size = width.max(height) + 12;
                let mut picture = Picture::noise(&mut noise, size, size)?;

                if noise.below(2) == 0 {
                    picture.cut_out(&mut noise);
                }
                pictures.push(picture, GFP_KERNEL)?;
            }
            for picture in &pictures {
                let code = *CODES[noise.below(33) as usize];
                let layer = Shown {
                    picture,
                    code,
                    encoding: ENCODINGS[noise.below(3) as usize],
                    range: RANGES[noise.below(2) as usize],
                    src: (noise.below(9), noise.below(5)),
                    rotation: rotation(&mut noise),
                    dst: rectangle(&mut noise, width, height),
                };
                let format = Format::from_fourcc(u32::from_le_bytes(code)).ok_or(EINVAL)?;
                let reader = Reader::new(format, layer.encoding, layer.range);
                let (x, y) = layer.src;

                frame.push(Layer::new(picture, reader, x, y, layer.dst).rotated(layer.rotation))?;
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
