// SPDX-License-Identifier: GPL-2.0

//! The callbacks by which the DRM core creates shmem objects.
//!
//! `DRM_IOCTL_MODE_CREATE_DUMB` and `DRM_IOCTL_PRIME_FD_TO_HANDLE` end here. The C helpers for them
//! allocate objects on their own, which are smaller than what the driver's lookups expect. These
//! callbacks go through the constructors of [`Object`] instead and give up what they hold, once,
//! at whichever step they fail.

use super::{
    Attachment,
    DriverObject,
    IntoGEMObject,
    Object,
    ObjectConfig, //
};
use crate::{
    bindings,
    drm::{
        gem::DumbBuffer,
        Device, //
    },
    error::{
        from_result,
        to_result,
        Error, //
    },
    prelude::*,
    sync::aref::ARef, //
};

/// The `drm_driver.gem_create_object` callback, which always fails.
///
/// The helpers of the C code call it to have the driver allocate an object around a
/// `struct drm_gem_shmem_object`; without it they would allocate the bare structure. Such objects
/// would be half-made: the helpers initialize them afterwards, and free them without dropping the
/// driver's data when that fails. No callback in [`Object`]'s `ALLOC_OPS` uses these helpers; should
/// one come to be used, it is to fail.
pub(super) extern "C" fn refuse_create_object(
    _dev: *mut bindings::drm_device,
    _size: usize,
) -> *mut bindings::drm_gem_object {
    EOPNOTSUPP.to_ptr()
}

impl<T: DriverObject> Object<T> {
    /// The `drm_driver.dumb_create` callback.
    ///
    /// # Safety
    ///
    /// - `dev` must be a valid device of a driver whose object type is `Self`, and `file` an open
    ///   file of it.
    /// - `args` must be valid and not be accessed by anyone else.
    pub(super) unsafe extern "C" fn dumb_create_callback(
        file: *mut bindings::drm_file,
        dev: *mut bindings::drm_device,
        args: *mut bindings::drm_mode_create_dumb,
    ) -> core::ffi::c_int {
        // SAFETY: By the safety requirements; `T::Driver` is the driver whose object type is `Self`.
        let dev = unsafe { Device::<T::Driver>::from_raw(dev) };

        // SAFETY: By the safety requirements.
        let args = unsafe { &mut *args };

        from_result(|| {
            // SAFETY: `file` is an open file of `dev`.
            args.handle = unsafe { Self::dumb_create(file, dev, args) }?;

            Ok(0)
        })
    }

    /// Creates a dumb buffer and returns its handle; `args.pitch` and `args.size` are set.
    ///
    /// # Safety
    ///
    /// `file` must be an open file of `dev`.
    ///
    /// # Errors
    ///
    /// - `ENOSYS` if the driver has no dumb buffers.
    /// - `EINVAL` if the width, the height, or the color mode is zero, or the size does not fit in
    ///   32 bits.
    /// - Those of [`Object::new`], of the driver, and of the creation of handles.
    unsafe fn dumb_create(
        file: *mut bindings::drm_file,
        dev: &Device<T::Driver>,
        args: &mut bindings::drm_mode_create_dumb,
    ) -> Result<u32> {
        let dumb = T::DUMB.ok_or(ENOSYS)?;

        // `drm_mode_size_dumb()` relies on what the ioctl has checked. Do not depend on the caller.
        if args.bpp > u32::MAX - 8 {
            return Err(EINVAL);
        }
        args.width.checked_mul(args.bpp.div_ceil(8)).ok_or(EINVAL)?;

        // SAFETY: `dev` and `args` are valid.
        to_result(unsafe {
            bindings::drm_mode_size_dumb(dev.as_raw(), args, dumb.pitch_align as usize, 0)
        })?;

        let buffer = DumbBuffer {
            width: args.width,
            height: args.height,
            bpp: args.bpp,
            pitch: args.pitch,
            size: usize::try_from(args.size).map_err(|_| EINVAL)?,
        };
        let config = ObjectConfig {
            map_wc: dumb.map_wc,
            parent_resv_obj: None,
        };
        let obj = Self::create(dev, buffer.size, config, (dumb.args)(dev, &buffer)?)?;

        let mut handle = 0;

        // SAFETY: `file` is an open file of the device `dev`, to which the object belongs, too. The
        // object is completely initialized.
        to_result(unsafe { bindings::drm_gem_handle_create(file, obj.as_raw(), &mut handle) })?;

        Ok(handle)
    }

    /// The `drm_driver.gem_prime_import` callback.
    ///
    /// Called with `drm_device.object_name_lock` held.
    ///
    /// # Safety
    ///
    /// `dev` must be a valid device of a driver whose object type is `Self`, and `dma_buf` a valid
    /// dma-buf.
    pub(super) unsafe extern "C" fn prime_import_callback(
        dev: *mut bindings::drm_device,
        dma_buf: *mut bindings::dma_buf,
    ) -> *mut bindings::drm_gem_object {
        // SAFETY: `dev` and `dma_buf` are valid.
        if unsafe { bindings::drm_gem_is_prime_exported_dma_buf(dev, dma_buf) } {
            // SAFETY: The dma-buf is one of an object of `dev`, which it keeps alive. The reference
            // belongs to the caller.
            unsafe {
                let obj: *mut bindings::drm_gem_object = (*dma_buf).priv_.cast();

                bindings::drm_gem_object_get(obj);

                return obj;
            }
        }

        // SAFETY: By the safety requirements; `T::Driver` is the driver whose object type is `Self`.
        let dev = unsafe { Device::<T::Driver>::from_raw(dev) };

        // SAFETY: `dma_buf` is valid.
        match unsafe { Self::prime_import(dev, dma_buf) } {
            // The reference belongs to the caller. The object is not moved.
            Ok(obj) => {
                // SAFETY: `ARef::into_raw()` returns a pointer to a valid object.
                unsafe { ARef::into_raw(obj).as_ref() }.as_raw()
            }
            Err(err) => err.to_ptr(),
        }
    }

    /// Creates an object that stands for a dma-buf of another device.
    ///
    /// # Safety
    ///
    /// `dma_buf` must be valid.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the driver does not import dma-bufs, or if this one is empty.
    /// - Those of the exporter, of [`DriverObject::new`], and of memory allocation.
    unsafe fn prime_import(
        dev: &Device<T::Driver>,
        dma_buf: *mut bindings::dma_buf,
    ) -> Result<ARef<Self>, Error> {
        let import = T::IMPORT.ok_or(EINVAL)?;

        // SAFETY: `dma_buf` is valid. The object holds a reference on the DRM device, which holds
        // one on its parent, for as long as the parent is attached.
        let attach = unsafe { Attachment::new(dma_buf, (*dev.as_raw()).dev) }?;
        let args = (import.args)(dev, super::object_size(attach.size())?)?;

        Self::import(dev, attach, args)
    }
}
