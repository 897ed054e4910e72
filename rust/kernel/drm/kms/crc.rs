// SPDX-License-Identifier: GPL-2.0

//! CRCs of what a CRTC shows.
//!
//! Tests compare frames by checksums, which user space reads from debugfs. A driver names its
//! sources in [`DriverCrtc::CRC_SOURCES`], is told by [`DriverCrtc::set_crc_source`] which one to
//! use, and then gives one entry for each frame to [`Crtc::add_crc_entry`].
//!
//! Debugfs lets user space keep the file open when the device is gone, and tells the CRTC when it
//! is closed. The core therefore has to hold the device and the driver's module while it is open;
//! before "drm/crc: hold the device while the CRC file is open" it did not, and on such a core no
//! driver, in whatever language, may have CRCs.
//!
//! C header: [`include/drm/drm_debugfs_crc.h`](srctree/include/drm/drm_debugfs_crc.h)

use super::crtc::{
    Crtc,
    DriverCrtc, //
};
use crate::{
    bindings,
    error::{
        from_result,
        to_result, //
    },
    prelude::*,
    str::as_char_ptr_in_const_context, //
};
use core::marker::PhantomData;

/// The name that user space writes for the default source: the first one of the list.
const DEFAULT_SOURCE: &CStr = c"auto";

/// The largest number of values of one entry.
pub const MAX_VALUES: usize = bindings::DRM_MAX_CRC_NR as usize;

/// A place in the pipeline of a CRTC where CRCs can be taken.
///
/// # Invariants
///
/// `name` is a NUL-terminated string that lives forever.
#[repr(transparent)]
pub struct CrcSource {
    name: *const c_char,
    _name: PhantomData<&'static CStr>,
}

// SAFETY: The string is static and never written.
unsafe impl Send for CrcSource {}

// SAFETY: The string is static and never written.
unsafe impl Sync for CrcSource {}

impl CrcSource {
    /// Names a source.
    pub const fn new(name: &'static CStr) -> Self {
        // INVARIANT: A static C string.
        Self {
            name: as_char_ptr_in_const_context(name),
            _name: PhantomData,
        }
    }

    /// Returns the name.
    pub fn name(&self) -> &'static CStr {
        // SAFETY: By the type invariants.
        unsafe { CStr::from_char_ptr(self.name) }
    }
}

/// Continues the CRC-32 `crc` with `bytes`: polynomial 0xedb88320, lowest power in the top bit, not
/// inverted at either end. Does not sleep.
///
/// For drivers that compute the CRC of a frame themselves. C: `crc32_le()`.
///
/// # Examples
///
/// ```
/// use kernel::drm::kms::crc::crc32_le;
///
/// // The usual check value is that of the inverted CRC.
/// assert_eq!(!crc32_le(!0, b"123456789"), 0xcbf4_3926);
/// assert_eq!(crc32_le(crc32_le(!0, b"1234"), b"56789"), crc32_le(!0, b"123456789"));
/// ```
pub fn crc32_le(crc: u32, bytes: &[u8]) -> u32 {
    // SAFETY: The pointer is valid for reading that many bytes.
    unsafe { bindings::crc32_le(crc, bytes.as_ptr().cast(), bytes.len()) }
}

/// Returns whether [`crc32_le`] uses instructions of the processor that are made for it. Without
/// them it takes one byte at a time. C: `crc32_optimizations()`.
pub fn has_fast_crc32() -> bool {
    const CRC32_LE_OPTIMIZATION: u32 = 1 << 0;

    // SAFETY: The function can be called at any time.
    unsafe { bindings::crc32_optimizations() & CRC32_LE_OPTIMIZATION != 0 }
}

/// Finds the source of the given name; "auto" is the first one.
fn find<T: DriverCrtc>(name: &CStr) -> Option<&'static CrcSource> {
    let sources = T::CRC_SOURCES;

    sources
        .iter()
        .find(|s| s.name().to_bytes() == name.to_bytes())
        .or_else(|| {
            sources
                .first()
                .filter(|_| name.to_bytes() == DEFAULT_SOURCE.to_bytes())
        })
}

impl<T: DriverCrtc> Crtc<T> {
    /// Gives user space the CRC values of one frame, and the number of that frame if it is known.
    ///
    /// Does not sleep; may be called in interrupt context. C: `drm_crtc_add_crc_entry()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if nobody reads CRCs of this CRTC, or `values` has not
    ///   [`DriverCrtc::CRC_VALUES`] values.
    /// - `ENOBUFS` if user space reads too slowly. The entry is lost.
    pub fn add_crc_entry(&self, frame: Option<u32>, values: &[u32]) -> Result {
        if values.len() != T::CRC_VALUES {
            return Err(EINVAL);
        }
        // SAFETY: The CRTC is valid. The core reads as many values as `verify_crc_source` has
        // told it, which is `CRC_VALUES`.
        #[cfg(CONFIG_DEBUG_FS)]
        let ret = unsafe {
            bindings::drm_crtc_add_crc_entry(
                self.as_raw(),
                frame.is_some(),
                frame.unwrap_or(0),
                values.as_ptr().cast_mut(),
            )
        };
        #[cfg(not(CONFIG_DEBUG_FS))]
        let ret = {
            let _ = frame;
            EINVAL.to_errno()
        };

        to_result(ret)
    }

    /// # Safety
    ///
    /// `source` must be null or a NUL-terminated string; `count` must be valid for writing.
    pub(super) unsafe extern "C" fn verify_crc_source_callback(
        _crtc: *mut bindings::drm_crtc,
        source: *const c_char,
        count: *mut usize,
    ) -> c_int {
        from_result(|| {
            let name = if source.is_null() {
                DEFAULT_SOURCE
            } else {
                // SAFETY: By the safety requirements of this function.
                unsafe { CStr::from_char_ptr(source) }
            };
            find::<T>(name).ok_or(EINVAL)?;

            // SAFETY: By the safety requirements of this function.
            unsafe { count.write(T::CRC_VALUES) };
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `crtc` must be a CRTC of type `T`; `source` must be null or a NUL-terminated string.
    pub(super) unsafe extern "C" fn set_crc_source_callback(
        crtc: *mut bindings::drm_crtc,
        source: *const c_char,
    ) -> c_int {
        from_result(|| {
            // SAFETY: By the safety requirements of this function.
            let crtc = unsafe { Self::from_raw(crtc) };
            let source = if source.is_null() {
                None
            } else {
                // SAFETY: By the safety requirements of this function.
                Some(find::<T>(unsafe { CStr::from_char_ptr(source) }).ok_or(EINVAL)?)
            };
            T::set_crc_source(crtc, source)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `count` must be valid for writing.
    pub(super) unsafe extern "C" fn get_crc_sources_callback(
        _crtc: *mut bindings::drm_crtc,
        count: *mut usize,
    ) -> *const *const c_char {
        // SAFETY: By the safety requirements of this function.
        unsafe { count.write(T::CRC_SOURCES.len()) };

        // `CrcSource` is a transparent wrapper of the pointer.
        T::CRC_SOURCES.as_ptr().cast()
    }
}
