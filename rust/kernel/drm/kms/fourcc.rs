// SPDX-License-Identifier: GPL-2.0

//! Pixel formats and modifiers.
//!
//! C header: [`include/drm/drm_fourcc.h`](srctree/include/drm/drm_fourcc.h)

use crate::{
    bindings,
    fmt,
    prelude::*,
    types::Opaque, //
};

/// A pixel format, named by four characters.
///
/// # Examples
///
/// ```
/// use kernel::drm::kms::fourcc::{self, Fourcc};
///
/// assert_eq!(Fourcc::new(*b"XR24"), fourcc::XRGB8888);
/// assert_eq!(fourcc::XRGB8888.code(), 0x34325258);
/// ```
#[derive(Copy, Clone, PartialEq, Eq)]
#[repr(transparent)]
pub struct Fourcc(u32);

impl Fourcc {
    /// Makes a format code from its four characters.
    pub const fn new(chars: [u8; 4]) -> Self {
        Self(u32::from_le_bytes(chars))
    }

    /// Makes a format code from its number.
    pub const fn from_code(code: u32) -> Self {
        Self(code)
    }

    /// Returns the number of the format.
    pub const fn code(self) -> u32 {
        self.0
    }

    /// Looks up the properties of the format in the DRM core's table. Does not sleep.
    // Not inlined because modules cannot call the C function, which is not exported.
    #[inline(never)]
    pub fn info(self) -> Option<FormatInfo> {
        // SAFETY: `drm_format_info()` searches a static table. It is `__drm_format_info()` plus a
        // warning about unknown formats, which is not wanted here.
        let info = unsafe { bindings::__drm_format_info(self.0) };

        // SAFETY: The pointer is null or points into the static table.
        unsafe { FormatInfo::from_raw(info) }
    }
}

impl fmt::Debug for Fourcc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.to_le_bytes() {
            let c = match byte {
                b' '..=b'~' => char::from(byte),
                _ => '?',
            };
            fmt::Write::write_char(f, c)?;
        }
        Ok(())
    }
}

macro_rules! fourcc {
    ($($name:ident = $chars:literal, $doc:literal;)*) => {
        $(
            #[doc = $doc]
            pub const $name: Fourcc = Fourcc::new(*$chars);
        )*
    };
}

fourcc! {
    XRGB8888 = b"XR24", "`[31:0]` x:R:G:B 8:8:8:8, little endian.";
    XBGR8888 = b"XB24", "`[31:0]` x:B:G:R 8:8:8:8, little endian.";
    RGBX8888 = b"RX24", "`[31:0]` R:G:B:x 8:8:8:8, little endian.";
    BGRX8888 = b"BX24", "`[31:0]` B:G:R:x 8:8:8:8, little endian.";
    ARGB8888 = b"AR24", "`[31:0]` A:R:G:B 8:8:8:8, little endian.";
    ABGR8888 = b"AB24", "`[31:0]` A:B:G:R 8:8:8:8, little endian.";
    RGBA8888 = b"RA24", "`[31:0]` R:G:B:A 8:8:8:8, little endian.";
    BGRA8888 = b"BA24", "`[31:0]` B:G:R:A 8:8:8:8, little endian.";
    RGB888 = b"RG24", "`[23:0]` R:G:B, little endian.";
    BGR888 = b"BG24", "`[23:0]` B:G:R, little endian.";
    RGB565 = b"RG16", "`[15:0]` R:G:B 5:6:5, little endian.";
    BGR565 = b"BG16", "`[15:0]` B:G:R 5:6:5, little endian.";
    XRGB16161616 = b"XR48", "`[63:0]` x:R:G:B 16:16:16:16, little endian.";
    XBGR16161616 = b"XB48", "`[63:0]` x:B:G:R 16:16:16:16, little endian.";
    ARGB16161616 = b"AR48", "`[63:0]` A:R:G:B 16:16:16:16, little endian.";
    ABGR16161616 = b"AB48", "`[63:0]` A:B:G:R 16:16:16:16, little endian.";
    NV12 = b"NV12", "Y plane, then 2x2 subsampled Cb:Cr plane, 8 bit.";
    NV21 = b"NV21", "Y plane, then 2x2 subsampled Cr:Cb plane, 8 bit.";
    NV16 = b"NV16", "Y plane, then 2x1 subsampled Cb:Cr plane, 8 bit.";
    NV61 = b"NV61", "Y plane, then 2x1 subsampled Cr:Cb plane, 8 bit.";
    NV24 = b"NV24", "Y plane, then full Cb:Cr plane, 8 bit.";
    NV42 = b"NV42", "Y plane, then full Cr:Cb plane, 8 bit.";
    P010 = b"P010", "As NV12, with 10 bits at the top of 16.";
    P012 = b"P012", "As NV12, with 12 bits at the top of 16.";
    P016 = b"P016", "As NV12, with 16 bits.";
    YUV420 = b"YU12", "Y, Cb and Cr planes, 2x2 subsampled, 8 bit.";
    YVU420 = b"YV12", "Y, Cr and Cb planes, 2x2 subsampled, 8 bit.";
    YUV422 = b"YU16", "Y, Cb and Cr planes, 2x1 subsampled, 8 bit.";
    YVU422 = b"YV16", "Y, Cr and Cb planes, 2x1 subsampled, 8 bit.";
    YUV444 = b"YU24", "Y, Cb and Cr planes, 8 bit.";
    YVU444 = b"YV24", "Y, Cr and Cb planes, 8 bit.";
    R1 = b"R1  ", "`[7:0]` eight pixels of 1 bit red, first pixel in bit 7.";
    R2 = b"R2  ", "`[7:0]` four pixels of 2 bits red, first pixel in the top bits.";
    R4 = b"R4  ", "`[7:0]` two pixels of 4 bits red, first pixel in the top bits.";
    R8 = b"R8  ", "`[7:0]` red.";
}

/// The layout of a framebuffer's memory besides its format.
#[derive(Copy, Clone, Debug, PartialEq, Eq)]
#[repr(transparent)]
pub struct Modifier(u64);

impl Modifier {
    /// Lines of pixels one after the other.
    pub const LINEAR: Self = Self(0);

    /// Ends lists of modifiers in C; not a layout.
    pub(crate) const INVALID: Self = Self(0x00ff_ffff_ffff_ffff);

    /// Makes a modifier from its number.
    ///
    /// Returns [`None`] for `DRM_FORMAT_MOD_INVALID`.
    pub const fn from_code(code: u64) -> Option<Self> {
        if code == Self::INVALID.0 {
            None
        } else {
            Some(Self(code))
        }
    }

    /// Returns the number of the modifier.
    pub const fn code(self) -> u64 {
        self.0
    }
}

/// The properties of a pixel format.
///
/// # Invariants
///
/// The reference is to a fully initialised `struct drm_format_info` that never changes.
#[derive(Copy, Clone)]
pub struct FormatInfo(&'static Opaque<bindings::drm_format_info>);

// SAFETY: By the type invariants the structure is never written.
unsafe impl Send for FormatInfo {}

// SAFETY: By the type invariants the structure is never written.
unsafe impl Sync for FormatInfo {}

impl FormatInfo {
    /// # Safety
    ///
    /// `info` must be null or point to a `struct drm_format_info` that lives forever and never
    /// changes.
    pub(crate) unsafe fn from_raw(info: *const bindings::drm_format_info) -> Option<Self> {
        // SAFETY: By the safety requirements of this function; `Opaque` is transparent.
        // INVARIANT: Likewise.
        unsafe { info.cast::<Opaque<_>>().as_ref() }.map(Self)
    }

    /// # Safety
    ///
    /// `info` must point to a `struct drm_format_info` that lives forever and never changes.
    pub(crate) unsafe fn from_raw_unchecked(info: *const bindings::drm_format_info) -> Self {
        // SAFETY: By the safety requirements of this function; `Opaque` is transparent.
        // INVARIANT: Likewise.
        Self(unsafe { &*info.cast::<Opaque<_>>() })
    }

    pub(crate) fn as_raw(self) -> *const bindings::drm_format_info {
        self.0.get()
    }

    fn raw(self) -> &'static bindings::drm_format_info {
        // SAFETY: By the type invariants the structure is initialised and never written.
        unsafe { &*self.0.get() }
    }

    /// Returns the format.
    pub fn fourcc(self) -> Fourcc {
        Fourcc(self.raw().format)
    }

    /// Returns how many memory planes a framebuffer of this format has: 1 to 4.
    pub fn num_planes(self) -> usize {
        usize::from(self.raw().num_planes)
    }

    /// Returns the bytes of one block of pixels in memory plane `plane`, or [`None`] if the format
    /// has no such plane. A block is one pixel for all but packed formats of less than 8 bits.
    pub fn bytes_per_block(self, plane: usize) -> Option<u32> {
        if plane >= self.num_planes() {
            return None;
        }
        // SAFETY: Both members of the union are arrays of four bytes.
        let bytes = unsafe { self.raw().__bindgen_anon_1.char_per_block };

        bytes.get(plane).map(|&b| u32::from(b))
    }

    /// Returns how many pixels a block has in memory plane `plane`, or [`None`] if the format has
    /// no such plane.
    pub fn pixels_per_block(self, plane: usize) -> Option<u32> {
        if plane >= self.num_planes() {
            return None;
        }
        let plane = plane as c_int;

        // SAFETY: The structure is valid, and `plane`, below the number of planes, fits.
        Some(unsafe {
            bindings::drm_format_info_block_width(self.as_raw(), plane)
                * bindings::drm_format_info_block_height(self.as_raw(), plane)
        })
    }

    /// Returns the horizontal subsampling factor of the colour planes.
    pub fn hsub(self) -> u32 {
        u32::from(self.raw().hsub)
    }

    /// Returns the vertical subsampling factor of the colour planes.
    pub fn vsub(self) -> u32 {
        u32::from(self.raw().vsub)
    }

    /// Returns whether pixels have an alpha value.
    pub fn has_alpha(self) -> bool {
        self.raw().has_alpha
    }

    /// Returns whether the format is a YUV one.
    pub fn is_yuv(self) -> bool {
        self.raw().is_yuv
    }

    /// Returns the size of memory plane `plane` of a framebuffer of `width` and `height` pixels,
    /// as bytes per line without padding and number of lines.
    ///
    /// Returns [`None`] if the format has no such plane or the line does not fit into 32 bits.
    pub fn plane_size(self, plane: usize, width: u32, height: u32) -> Option<(u32, u32)> {
        if plane >= self.num_planes() {
            return None;
        }
        let (width, height) = if plane == 0 {
            (width, height)
        } else {
            (
                width.div_ceil(self.hsub().max(1)),
                height.div_ceil(self.vsub().max(1)),
            )
        };
        // SAFETY: The structure is valid, and `plane`, below the number of planes, fits.
        let bytes =
            unsafe { bindings::drm_format_info_min_pitch(self.as_raw(), plane as c_int, width) };

        Some((u32::try_from(bytes).ok()?, height))
    }
}

impl fmt::Debug for FormatInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fourcc().fmt(f)
    }
}
