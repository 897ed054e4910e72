// SPDX-License-Identifier: GPL-2.0

//! The framebuffer formats of planes.
//!
//! A format is described by data, a [`Layout`]; the code that reads a layout is in
//! [`line`](crate::line). All formats with the same layout share it.

/// Makes a fourcc code of its four characters.
const fn fourcc(code: &[u8; 4]) -> u32 {
    u32::from_le_bytes(*code)
}

/// Where the channels of a pixel lie in memory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Layout {
    /// 8 bits per channel, all in one memory plane.
    Packed8(Packed8),
}

/// A layout with 8 bits per channel. Offsets are in bytes from the start of the pixel.
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

/// A framebuffer format that planes can show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Format {
    fourcc: u32,
    layout: Layout,
}

/// Bytes of the largest pixel.
pub(crate) const MAX_CPP: usize = 4;

impl Format {
    const fn packed8(code: &[u8; 4], cpp: u8, a: Option<u8>, r: u8, g: u8, b: u8) -> Self {
        Self {
            fourcc: fourcc(code),
            layout: Layout::Packed8(Packed8 { cpp, a, r, g, b }),
        }
    }

    /// All formats, in the order in which planes announce them.
    pub(crate) const ALL: &'static [Self] = &[
        Self::ARGB8888,
        Self::ABGR8888,
        Self::BGRA8888,
        Self::RGBA8888,
        Self::XRGB8888,
        Self::XBGR8888,
        Self::RGB888,
        Self::BGR888,
    ];

    pub(crate) const ARGB8888: Self = Self::packed8(b"AR24", 4, Some(3), 2, 1, 0);
    pub(crate) const ABGR8888: Self = Self::packed8(b"AB24", 4, Some(3), 0, 1, 2);
    pub(crate) const BGRA8888: Self = Self::packed8(b"BA24", 4, Some(0), 1, 2, 3);
    pub(crate) const RGBA8888: Self = Self::packed8(b"RA24", 4, Some(0), 3, 2, 1);
    pub(crate) const XRGB8888: Self = Self::packed8(b"XR24", 4, None, 2, 1, 0);
    pub(crate) const XBGR8888: Self = Self::packed8(b"XB24", 4, None, 0, 1, 2);
    pub(crate) const RGB888: Self = Self::packed8(b"RG24", 3, None, 2, 1, 0);
    pub(crate) const BGR888: Self = Self::packed8(b"BG24", 3, None, 0, 1, 2);

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

    /// The `DRM_FORMAT_*` code.
    pub(crate) const fn fourcc(self) -> u32 {
        self.fourcc
    }

    /// How the format's pixels lie in memory.
    pub(crate) const fn layout(self) -> Layout {
        self.layout
    }

    /// Whether lines of this format have an exact narrow form: opaque, 8 bits per channel.
    pub(crate) const fn is_narrow(self) -> bool {
        match self.layout {
            Layout::Packed8(p) => p.a.is_none(),
        }
    }

    /// Whether every pixel of this format hides what lies below it.
    pub(crate) const fn is_opaque(self) -> bool {
        match self.layout {
            Layout::Packed8(p) => p.a.is_none(),
        }
    }
}
