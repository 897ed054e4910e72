// SPDX-License-Identifier: GPL-2.0

//! The CRC of a frame.
//!
//! User space sees VKMS's value: the little-endian CRC-32 (polynomial 0xedb88320, initial value 0,
//! not inverted at the end) over the wide pixels of all lines from top to bottom, each pixel as
//! the 8 bytes of alpha, red, green and blue.
//!
//! Going through those bytes one by one costs more than all the rest of the composition. Because a
//! CRC is linear, the contribution of each byte to the value after a block can be looked up on its
//! own and the contributions be added (slicing). Two blocks are used here:
//!
//! - Wide pixels: 2 pixels, 16 bytes, 16 look-ups.
//! - Narrow pixels: 4 pixels, 32 bytes. The two bytes of a channel are equal and those of alpha are
//!   constant, so that 12 look-ups serve all the pixels, and 4 more the CRC before the block.
//!
//! Where the processor has instructions for it, the kernel's own function is faster, but only for
//! wide pixels, which lie in memory as it needs them.

use crate::pixel::{
    Pixel,
    Rgb8, //
};
use kernel::{
    drm::kms::crc::{
        crc32_le,
        has_fast_crc32, //
    },
    transmute::AsBytes, //
};

/// The polynomial, lowest power in the top bit.
const POLYNOMIAL: u32 = 0xedb8_8320;

/// Narrow pixels in one block.
const NARROW_BLOCK: usize = 4;

/// Bytes of a wide pixel.
const WIDE_BYTES: usize = 8;

/// Contribution of a byte value to the CRC.
type Table = [u32; 256];

/// `SLICES[n][v]`: contribution of the byte `v` with `n` bytes after it.
static SLICES: [Table; NARROW_BLOCK * WIDE_BYTES] = slices();

/// `RED[n][v]`: contribution of the channel value `v` in a pixel with `n` pixels after it.
///
/// That of alpha is part of it.
static RED: [Table; NARROW_BLOCK] = channel(2, true);

/// As [`RED`], for green and without alpha.
static GREEN: [Table; NARROW_BLOCK] = channel(4, false);

/// As [`RED`], for blue and without alpha.
static BLUE: [Table; NARROW_BLOCK] = channel(6, false);

const fn slices() -> [Table; NARROW_BLOCK * WIDE_BYTES] {
    let mut t = [[0; 256]; NARROW_BLOCK * WIDE_BYTES];
    let mut v = 0;

    while v < 256 {
        let mut crc = v as u32;
        let mut bit = 0;

        while bit < 8 {
            crc = (crc >> 1) ^ (POLYNOMIAL & (crc & 1).wrapping_neg());
            bit += 1;
        }
        t[0][v] = crc;
        v += 1;
    }

    let mut n = 1;

    while n < t.len() {
        v = 0;
        while v < 256 {
            let before = t[n - 1][v];

            t[n][v] = (before >> 8) ^ t[0][(before & 0xff) as usize];
            v += 1;
        }
        n += 1;
    }
    t
}

/// Tables of the channel whose first byte is at `offset` in a wide pixel.
const fn channel(offset: usize, with_alpha: bool) -> [Table; NARROW_BLOCK] {
    let slices = slices();
    let mut t = [[0; 256]; NARROW_BLOCK];
    let mut n = 0;

    while n < NARROW_BLOCK {
        let last = (n + 1) * WIDE_BYTES - 1;
        let mut v = 0;

        while v < 256 {
            t[n][v] = slices[last - offset][v] ^ slices[last - offset - 1][v];
            if with_alpha {
                t[n][v] ^= slices[last][0xff] ^ slices[last - 1][0xff];
            }
            v += 1;
        }
        n += 1;
    }
    t
}

/// The contribution of the byte of `v` that starts at bit `shift`.
#[inline(always)]
fn look_up(table: &Table, v: u64, shift: u32) -> u32 {
    table[(v >> shift) as usize & 0xff]
}

/// The contribution of a narrow pixel with `after` pixels after it in the block.
#[inline(always)]
fn narrow_pixel(p: Rgb8, after: usize) -> u32 {
    let p = u64::from(p);

    look_up(&RED[after], p, 16) ^ look_up(&GREEN[after], p, 8) ^ look_up(&BLUE[after], p, 0)
}

/// The contribution of 8 bytes with `after` bytes after them in the block.
#[inline(always)]
fn eight_bytes(v: u64, after: usize) -> u32 {
    look_up(&SLICES[after + 7], v, 0)
        ^ look_up(&SLICES[after + 6], v, 8)
        ^ look_up(&SLICES[after + 5], v, 16)
        ^ look_up(&SLICES[after + 4], v, 24)
        ^ look_up(&SLICES[after + 3], v, 32)
        ^ look_up(&SLICES[after + 2], v, 40)
        ^ look_up(&SLICES[after + 1], v, 48)
        ^ look_up(&SLICES[after], v, 56)
}

/// The contribution of the CRC so far, with a block of `bytes` bytes after it.
#[inline(always)]
fn carry(crc: u32, bytes: usize) -> u32 {
    let crc = u64::from(crc);

    look_up(&SLICES[bytes - 1], crc, 0)
        ^ look_up(&SLICES[bytes - 2], crc, 8)
        ^ look_up(&SLICES[bytes - 3], crc, 16)
        ^ look_up(&SLICES[bytes - 4], crc, 24)
}

/// Continues `crc` with wide pixels, by the kernel's own function.
fn wide_by_kernel(mut crc: u32, line: &[Pixel]) -> u32 {
    /// Pixels that are put into the byte order of the CRC at a time.
    const CHUNK: usize = 64;

    let mut words = [0; CHUNK];

    for chunk in line.chunks(CHUNK) {
        for (word, p) in words.iter_mut().zip(chunk) {
            *word = p.bits().to_le();
        }
        if let Some(words) = words.get(..chunk.len()) {
            crc = crc32_le(crc, AsBytes::as_bytes(words));
        }
    }
    crc
}

/// The CRC of what has been composed of a frame so far.
#[derive(Clone, Copy)]
pub(crate) struct Crc {
    value: u32,
    by_kernel: bool,
}

impl Crc {
    /// The CRC of no pixels.
    pub(crate) fn new() -> Self {
        Self {
            value: 0,
            by_kernel: has_fast_crc32(),
        }
    }

    /// The CRC of no pixels, computed with or without the kernel's own function.
    #[cfg(CONFIG_DRM_RVKMS_KUNIT_TEST)]
    pub(crate) const fn by_kernel(by_kernel: bool) -> Self {
        Self {
            value: 0,
            by_kernel,
        }
    }

    /// The value that user space reads.
    pub(crate) const fn value(self) -> u32 {
        self.value
    }

    /// Adds wide pixels.
    pub(crate) fn wide(&mut self, line: &[Pixel]) {
        if self.by_kernel {
            self.value = wide_by_kernel(self.value, line);
            return;
        }

        let mut crc = self.value;
        let mut blocks = line.chunks_exact(2);

        for block in &mut blocks {
            if let [p0, p1] = block {
                crc = eight_bytes(u64::from(crc) ^ p0.bits(), 8) ^ eight_bytes(p1.bits(), 0);
            }
        }
        for p in blocks.remainder() {
            crc = eight_bytes(u64::from(crc) ^ p.bits(), 0);
        }
        self.value = crc;
    }

    /// Adds narrow pixels. The value is the same as for their wide forms.
    pub(crate) fn narrow(&mut self, line: &[Rgb8]) {
        let mut crc = self.value;
        let mut blocks = line.chunks_exact(NARROW_BLOCK);

        for block in &mut blocks {
            if let [p0, p1, p2, p3] = block {
                // What does not depend on the CRC so far can be computed ahead of it.
                let pixels = narrow_pixel(*p0, 3)
                    ^ narrow_pixel(*p1, 2)
                    ^ narrow_pixel(*p2, 1)
                    ^ narrow_pixel(*p3, 0);

                crc = carry(crc, NARROW_BLOCK * WIDE_BYTES) ^ pixels;
            }
        }
        for p in blocks.remainder() {
            crc = carry(crc, WIDE_BYTES) ^ narrow_pixel(*p, 0);
        }
        self.value = crc;
    }
}
