// SPDX-License-Identifier: GPL-2.0

//! The writeback connector, and writing lines of the composed picture into framebuffers.

use crate::{
    compose::Sink,
    crtc::RvkmsCrtc,
    pixel::{
        Pixel,
        Rgb8, //
    },
    RvkmsDriver,
    MAX_SIZE, //
};
use kernel::{
    drm::kms::{
        DriverWriteback,
        Fourcc,
        FramebufferMap,
        OwnedVblankRef,
        WritebackCommit,
        WritebackJob,
        WritebackProbe, //
    },
    prelude::*,
};

/// The data of a writeback connector.
pub(crate) struct RvkmsWriteback;

#[vtable]
impl DriverWriteback for RvkmsWriteback {
    type Driver = RvkmsDriver;
    type State = ();

    const MAP_FRAMEBUFFERS: bool = true;

    fn get_modes(probe: &WritebackProbe<'_, Self>) -> Result {
        probe.add_modes_noedid(MAX_SIZE.0, MAX_SIZE.1);
        Ok(())
    }

    fn commit(commit: &WritebackCommit<'_, Self>, job: WritebackJob<Self>) {
        let Some(crtc) = commit.new().crtc() else {
            return job.fail(EINVAL);
        };

        // The picture is written with the next vblank.
        match crtc.vblank_get() {
            Ok(vblanks) => crtc.write_back(Writeback {
                job,
                _vblanks: vblanks.into_owned(),
            }),
            Err(error) => job.fail(error),
        }
    }
}

/// A picture that is to be written. Dropping it fails the job.
pub(crate) struct Writeback {
    job: WritebackJob<RvkmsWriteback>,
    /// Keeps vblanks coming until it is written.
    _vblanks: OwnedVblankRef<RvkmsCrtc>,
}

impl Writeback {
    /// Makes what writes pictures of `width` pixels a line. `line` is memory to work with.
    ///
    /// # Errors
    ///
    /// `ENOMEM`; `EINVAL` if the format of the framebuffer is not one of [`Format::ALL`].
    pub(crate) fn writer<'a>(
        &'a self,
        width: u32,
        line: &'a mut KVVec<u8>,
    ) -> Result<Writer<'a, FramebufferMap<RvkmsDriver>>> {
        let map = self.job.map().ok_or(EINVAL)?;
        let code = map.framebuffer().format().fourcc();

        Writer::new(map, Format::from_fourcc(code).ok_or(EINVAL)?, width, line)
    }

    /// Tells user space that the picture is written, or why it is not. Sleeps.
    pub(crate) fn end(self, result: Result) {
        match result {
            Ok(()) => self.job.complete(),
            Err(error) => self.job.fail(error),
        }
    }
}

/// A format of framebuffers that the picture can be written to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Format {
    Argb8888,
    Xrgb8888,
    Abgr8888,
    Xrgb16161616,
    Argb16161616,
    Rgb565,
}

impl Format {
    /// All formats with their codes, in the order in which connectors announce them.
    pub(crate) const ALL: [(Self, Fourcc); 6] = [
        (Self::Argb8888, Fourcc::new(*b"AR24")),
        (Self::Xrgb8888, Fourcc::new(*b"XR24")),
        (Self::Abgr8888, Fourcc::new(*b"AB24")),
        (Self::Xrgb16161616, Fourcc::new(*b"XR48")),
        (Self::Argb16161616, Fourcc::new(*b"AR48")),
        (Self::Rgb565, Fourcc::new(*b"RG16")),
    ];

    /// The codes of [`Format::ALL`].
    pub(crate) const CODES: [Fourcc; Self::ALL.len()] = {
        let mut codes = [Self::ALL[0].1; Self::ALL.len()];
        let mut i = 0;

        while i < codes.len() {
            codes[i] = Self::ALL[i].1;
            i += 1;
        }
        codes
    };

    /// Finds a format by its code.
    pub(crate) fn from_fourcc(code: Fourcc) -> Option<Self> {
        let (format, _) = Self::ALL.iter().find(|(_, c)| *c == code)?;

        Some(*format)
    }

    /// Bytes per pixel.
    const fn cpp(self) -> usize {
        match self {
            Self::Argb8888 | Self::Xrgb8888 | Self::Abgr8888 => 4,
            Self::Xrgb16161616 | Self::Argb16161616 => 8,
            Self::Rgb565 => 2,
        }
    }
}

/// Memory that takes the lines of a picture.
pub(crate) trait LineTarget {
    /// Copies `bytes` into the line `y`, from the byte `offset` of that line on.
    ///
    /// # Errors
    ///
    /// `EINVAL` if the target does not have all of these bytes.
    fn write_line(&self, y: u32, offset: usize, bytes: &[u8]) -> Result;
}

impl LineTarget for FramebufferMap<RvkmsDriver> {
    fn write_line(&self, y: u32, offset: usize, bytes: &[u8]) -> Result {
        FramebufferMap::write_line(self, 0, y, offset, bytes)
    }
}

/// Writes the composed picture into a framebuffer.
pub(crate) struct Writer<'a, T> {
    target: &'a T,
    format: Format,
    line: &'a mut KVVec<u8>,
}

impl<'a, T: LineTarget> Writer<'a, T> {
    /// Writes pictures of at most `width` pixels a line to `target`. `line` is memory to work with.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn new(
        target: &'a T,
        format: Format,
        width: u32,
        line: &'a mut KVVec<u8>,
    ) -> Result<Self> {
        let bytes = usize::try_from(width)?.checked_mul(8).ok_or(EINVAL)?;

        line.resize(bytes, 0, GFP_KERNEL)?;
        Ok(Self {
            target,
            format,
            line,
        })
    }

    /// Writes a segment, each pixel as the bytes that `convert` makes of it.
    #[inline(always)]
    fn write<P: Copy, const N: usize>(
        &mut self,
        y: u32,
        x: u32,
        segment: &[P],
        convert: impl Fn(P) -> [u8; N],
    ) -> Result {
        let bytes = self
            .line
            .get_mut(..segment.len().saturating_mul(N))
            .ok_or(EINVAL)?;

        for (out, p) in bytes.chunks_exact_mut(N).zip(segment) {
            out.copy_from_slice(&convert(*p));
        }
        self.target
            .write_line(y, x as usize * self.format.cpp(), bytes)
    }
}

/// An 8-bit channel with 16 bits.
#[inline(always)]
fn widen(v: u32) -> u64 {
    u64::from(v & 0xff) * u64::from(Pixel::RATIO)
}

/// A 16-bit channel with 8 bits: the nearest one.
#[inline(always)]
fn narrow(v: u16) -> u32 {
    // The same as `(v + 128) / 257`, for all `v`.
    (u32::from(v) * 255 + 0x807f) >> 16
}

/// A 16-bit channel with so many bits that `max` is full intensity: the next lower one.
///
/// VKMS computes this in fixed point. The result is the same for 5 and 6 bits.
#[inline(always)]
pub(crate) const fn reduce(v: u16, max: u16) -> u16 {
    (v as u32 * max as u32 / 0xffff) as u16
}

#[inline(always)]
fn rgb565(r: u16, g: u16, b: u16) -> [u8; 2] {
    (reduce(r, 31) << 11 | reduce(g, 63) << 5 | reduce(b, 31)).to_le_bytes()
}

impl<T: LineTarget> Sink for Writer<'_, T> {
    fn narrow(&mut self, y: u32, x: u32, segment: &[Rgb8]) -> Result {
        match self.format {
            Format::Argb8888 | Format::Xrgb8888 => {
                self.write(y, x, segment, |p| (p | 0xff00_0000).to_le_bytes())
            }
            Format::Abgr8888 => self.write(y, x, segment, |p| (p << 8 | 0xff).to_be_bytes()),
            Format::Argb16161616 | Format::Xrgb16161616 => self.write(y, x, segment, |p| {
                (widen(p) | widen(p >> 8) << 16 | widen(p >> 16) << 32 | 0xffff << 48).to_le_bytes()
            }),
            Format::Rgb565 => self.write(y, x, segment, |p| {
                let channel = |shift| (p >> shift & 0xffu32) as u16 * Pixel::RATIO;

                rgb565(channel(16), channel(8), channel(0))
            }),
        }
    }

    fn wide(&mut self, y: u32, x: u32, segment: &[Pixel]) -> Result {
        let rgb = |p: Pixel| narrow(p.r()) << 16 | narrow(p.g()) << 8 | narrow(p.b());
        let bgr16 = |p: Pixel| u64::from(p.b()) | u64::from(p.g()) << 16 | u64::from(p.r()) << 32;

        match self.format {
            Format::Argb8888 => self.write(y, x, segment, |p| {
                (narrow(p.a()) << 24 | rgb(p)).to_le_bytes()
            }),
            Format::Xrgb8888 => self.write(y, x, segment, |p| (0xff00_0000 | rgb(p)).to_le_bytes()),
            Format::Abgr8888 => self.write(y, x, segment, |p| {
                (rgb(p) << 8 | narrow(p.a())).to_be_bytes()
            }),
            Format::Argb16161616 => self.write(y, x, segment, |p| {
                (bgr16(p) | u64::from(p.a()) << 48).to_le_bytes()
            }),
            Format::Xrgb16161616 => {
                self.write(y, x, segment, |p| (bgr16(p) | 0xffff << 48).to_le_bytes())
            }
            Format::Rgb565 => self.write(y, x, segment, |p| rgb565(p.r(), p.g(), p.b())),
        }
    }
}
