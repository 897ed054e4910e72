// SPDX-License-Identifier: GPL-2.0

//! The framebuffer formats of planes.
//!
//! A format is described by data, a [`Layout`]; the code that reads a layout is in
//! [`line`](crate::line). All formats with the same layout share it.

/// Makes a fourcc code of its four characters.
const fn fourcc(code: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*code)
}

/// Where the components of a pixel lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// RGB with 8 bits per channel in one memory plane.
    Packed8(Packed8),
    /// RGB with 16 bits per channel in one memory plane.
    Packed16(Packed16),
    /// RGB with 5, 6 and 5 bits in one memory plane.
    Packed565 {
        /// Whether the high bits hold blue instead of red.
        blue_high: bool,
    },
    /// Intensities with `bits` bits, several in a byte; the first one in the high bits.
    Grey {
        /// Bits per pixel: 1, 2, 4 or 8.
        bits: u8,
    },
    /// Luma in one memory plane, pairs of chroma components in another one.
    SemiPlanar(Yuv),
    /// Luma and each chroma component in a memory plane of its own.
    Planar(Yuv),
}

/// RGB with 8 bits per channel. Offsets are in bytes from the start of the pixel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Packed8 {
    /// Bytes per pixel, 3 or 4.
    pub(crate) cpp: u8,
    /// Offset of alpha. Without one the pixels are opaque.
    pub(crate) a: Option<u8>,
    /// Offset of red.
    pub(crate) r: u8,
    /// Offset of green.
    pub(crate) g: u8,
    /// Offset of blue.
    pub(crate) b: u8,
}

/// RGB with 16 bits per channel, in the top of which lie alpha or nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Packed16 {
    /// Whether there is alpha. Without it the pixels are opaque.
    pub(crate) alpha: bool,
    /// Whether red comes first in memory instead of blue.
    pub(crate) red_first: bool,
}

/// YCbCr.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Yuv {
    /// Bytes per component, 1 or 2.
    pub(crate) bytes: u8,
    /// Pixels of a line that share chroma.
    pub(crate) hsub: u8,
    /// Lines that share chroma.
    pub(crate) vsub: u8,
    /// Whether Cr comes before Cb.
    pub(crate) cr_first: bool,
}

/// A framebuffer format that planes can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    fourcc: u32,
    layout: Layout,
}

const fn packed8(code: &[u8; 4], cpp: u8, a: Option<u8>, [r, g, b]: [u8; 3]) -> Format {
    Format {
        fourcc: fourcc(code),
        layout: Layout::Packed8(Packed8 { cpp, a, r, g, b }),
    }
}

const fn packed16(code: &[u8; 4], alpha: bool, red_first: bool) -> Format {
    Format {
        fourcc: fourcc(code),
        layout: Layout::Packed16(Packed16 { alpha, red_first }),
    }
}

const fn packed565(code: &[u8; 4], blue_high: bool) -> Format {
    Format {
        fourcc: fourcc(code),
        layout: Layout::Packed565 { blue_high },
    }
}

const fn grey(code: &[u8; 4], bits: u8) -> Format {
    Format {
        fourcc: fourcc(code),
        layout: Layout::Grey { bits },
    }
}

const fn semi_planar(code: &[u8; 4], bytes: u8, hsub: u8, vsub: u8, cr_first: bool) -> Format {
    Format {
        fourcc: fourcc(code),
        layout: Layout::SemiPlanar(Yuv {
            bytes,
            hsub,
            vsub,
            cr_first,
        }),
    }
}

const fn planar(code: &[u8; 4], hsub: u8, vsub: u8, cr_first: bool) -> Format {
    Format {
        fourcc: fourcc(code),
        layout: Layout::Planar(Yuv {
            bytes: 1,
            hsub,
            vsub,
            cr_first,
        }),
    }
}

impl Format {
    /// The format in which lines of 8-bit RGB cost least.
    pub(crate) const XRGB8888: Self = packed8(b"XR24", 4, None, [2, 1, 0]);

    /// All formats, in the order in which planes announce them.
    pub(crate) const ALL: &'static [Self] = &[
        packed8(b"AR24", 4, Some(3), [2, 1, 0]),
        packed8(b"AB24", 4, Some(3), [0, 1, 2]),
        packed8(b"BA24", 4, Some(0), [1, 2, 3]),
        packed8(b"RA24", 4, Some(0), [3, 2, 1]),
        Self::XRGB8888,
        packed8(b"XB24", 4, None, [0, 1, 2]),
        packed8(b"RG24", 3, None, [2, 1, 0]),
        packed8(b"BG24", 3, None, [0, 1, 2]),
        packed16(b"XR48", false, false),
        packed16(b"XB48", false, true),
        packed16(b"AR48", true, false),
        packed16(b"AB48", true, true),
        packed565(b"RG16", false),
        packed565(b"BG16", true),
        semi_planar(b"NV12", 1, 2, 2, false),
        semi_planar(b"NV16", 1, 2, 1, false),
        semi_planar(b"NV24", 1, 1, 1, false),
        semi_planar(b"NV21", 1, 2, 2, true),
        semi_planar(b"NV61", 1, 2, 1, true),
        semi_planar(b"NV42", 1, 1, 1, true),
        planar(b"YU12", 2, 2, false),
        planar(b"YU16", 2, 1, false),
        planar(b"YU24", 1, 1, false),
        planar(b"YV12", 2, 2, true),
        planar(b"YV16", 2, 1, true),
        planar(b"YV24", 1, 1, true),
        semi_planar(b"P010", 2, 2, 2, false),
        semi_planar(b"P012", 2, 2, 2, false),
        semi_planar(b"P016", 2, 2, 2, false),
        grey(b"R1  ", 1),
        grey(b"R2  ", 2),
        grey(b"R4  ", 4),
        grey(b"R8  ", 8),
    ];

    /// The fourcc codes of [`Format::ALL`].
    pub(crate) const CODES: [u32; Self::ALL.len()] = {
        let mut codes = [0; Self::ALL.len()];
        let mut i = 0;

        while i < codes.len() {
            codes[i] = Self::ALL[i].fourcc;
            i += 1;
        }
        codes
    };

    /// Finds a format by its `DRM_FORMAT_*` code.
    pub(crate) fn from_fourcc(fourcc: u32) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.fourcc == fourcc)
    }

    /// How the format's pixels lie in memory.
    pub(crate) const fn layout(self) -> Layout {
        self.layout
    }

    /// Whether lines of this format have an exact narrow form: opaque, 8 bits per channel or less.
    pub(crate) const fn is_narrow(self) -> bool {
        match self.layout {
            Layout::Packed8(p) => p.a.is_none(),
            Layout::Grey { .. } => true,
            _ => false,
        }
    }

    /// Whether pixels have 8 bits per channel, alpha among them.
    pub(crate) const fn has_alpha_8(self) -> bool {
        match self.layout {
            Layout::Packed8(p) => p.a.is_some(),
            _ => false,
        }
    }

    /// Whether every pixel of this format hides what lies below it.
    pub(crate) const fn is_opaque(self) -> bool {
        match self.layout {
            Layout::Packed8(p) => p.a.is_none(),
            Layout::Packed16(p) => !p.alpha,
            _ => true,
        }
    }

    /// Whether Cr comes before Cb. `false` for RGB.
    pub(crate) const fn is_cr_first(self) -> bool {
        match self.layout {
            Layout::SemiPlanar(yuv) | Layout::Planar(yuv) => yuv.cr_first,
            _ => false,
        }
    }
}
