// SPDX-License-Identifier: GPL-2.0

//! Objects that user space creates through ioctls of the DRM core.
//!
//! Most objects are created by the driver's own ioctls, which know what to pass to
//! [`DriverObject::new`]. Two ioctls of the core create objects as well: the one for dumb buffers
//! and the one for PRIME imports. A driver that offers them says by [`DriverObject::DUMB`] and
//! [`DriverObject::IMPORT`] where the arguments come from in these cases, so that these objects go
//! through the same constructor as all others.
//!
//! C headers: [`include/drm/drm_dumb_buffers.h`](srctree/include/drm/drm_dumb_buffers.h),
//! [`include/drm/drm_prime.h`](srctree/include/drm/drm_prime.h)

use super::DriverObject;
use crate::{
    drm,
    prelude::*, //
};

/// A dumb buffer that user space asked for.
///
/// Dumb buffers are images that are made for the CPU: linear, of one plane, and only good enough
/// for scanout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumbBuffer {
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) bpp: u32,
    pub(super) pitch: u32,
    pub(super) size: usize,
}

impl DumbBuffer {
    /// Returns the width in pixels, which is not zero.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Returns the height in pixels, which is not zero.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// Returns the color mode: bits per pixel, or one of the values that stand for a format.
    pub fn bpp(&self) -> u32 {
        self.bpp
    }

    /// Returns the bytes from one line to the next, as user space will be told.
    pub fn pitch(&self) -> u32 {
        self.pitch
    }

    /// Returns the size in bytes, as user space will be told: a multiple of the page size that can
    /// hold all lines.
    pub fn size(&self) -> usize {
        self.size
    }
}

/// Returns the arguments for the object behind a dumb buffer.
type DumbArgs<T> =
    fn(&drm::Device<<T as DriverObject>::Driver>, &DumbBuffer) -> Result<<T as DriverObject>::Args>;

/// Returns the arguments for an imported object of that many bytes.
type ImportArgs<T> =
    fn(&drm::Device<<T as DriverObject>::Driver>, usize) -> Result<<T as DriverObject>::Args>;

/// Dumb buffer support of a driver, see [`DriverObject::DUMB`].
///
/// # Examples
///
/// A device that scans out of write-combined memory, with lines that start at multiples of 64
/// bytes:
///
/// ```
/// use kernel::drm::gem::{
///     DriverObject,
///     DumbCreate, //
/// };
///
/// const fn dumb<T: DriverObject<Args = ()>>() -> DumbCreate<T> {
///     DumbCreate::new(|_dev, _buffer| Ok(())).pitch_align(64).map_wc(true)
/// }
/// ```
pub struct DumbCreate<T: DriverObject> {
    #[cfg_attr(not(CONFIG_RUST_DRM_GEM_SHMEM_HELPER), expect(dead_code))]
    pub(super) args: DumbArgs<T>,
    pub(super) pitch_align: u32,
    pub(super) map_wc: bool,
}

impl<T: DriverObject> DumbCreate<T> {
    /// Dumb buffers for which `args` provides the arguments of [`DriverObject::new`].
    ///
    /// `args` is called on the task of the client and may sleep. Its error becomes that of the
    /// ioctl.
    pub const fn new(args: DumbArgs<T>) -> Self {
        Self {
            args,
            pitch_align: 0,
            map_wc: false,
        }
    }

    /// Rounds the pitch up to a multiple of `bytes`.
    ///
    /// By default it is only rounded up to a whole number of bytes per line.
    pub const fn pitch_align(mut self, bytes: u32) -> Self {
        self.pitch_align = bytes;
        self
    }

    /// Selects write-combined rather than cached mappings.
    pub const fn map_wc(mut self, map_wc: bool) -> Self {
        self.map_wc = map_wc;
        self
    }
}

/// PRIME import support of a driver, see [`DriverObject::IMPORT`].
///
/// # Examples
///
/// A device that can address no more than 256 MiB for each BO:
///
/// ```
/// use kernel::{
///     drm::gem::{
///         DriverObject,
///         PrimeImport, //
///     },
///     prelude::*,
///     sizes::SZ_256M, //
/// };
///
/// const fn import<T: DriverObject<Args = ()>>() -> PrimeImport<T> {
///     PrimeImport::new(|_dev, size| if size > SZ_256M { Err(EFBIG) } else { Ok(()) })
/// }
/// ```
pub struct PrimeImport<T: DriverObject> {
    #[cfg_attr(not(CONFIG_RUST_DRM_GEM_SHMEM_HELPER), expect(dead_code))]
    pub(super) args: ImportArgs<T>,
}

impl<T: DriverObject> PrimeImport<T> {
    /// Imports for which `args` provides the arguments of [`DriverObject::new`].
    ///
    /// `args` is called with the size of the object in bytes, on the task of the client, with the
    /// locks that are described at [`DriverObject::new`], and may sleep. Its error becomes that of
    /// the ioctl.
    pub const fn new(args: ImportArgs<T>) -> Self {
        Self { args }
    }
}
