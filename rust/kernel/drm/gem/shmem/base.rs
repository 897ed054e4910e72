// SPDX-License-Identifier: GPL-2.0

//! The C part of a shmem object.

use super::dma_buf::Attachment;
use crate::{
    bindings,
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// An initialized `struct drm_gem_shmem_object`.
///
/// Dropping it releases the memory, or the attachment to the exporter's dma-buf.
///
/// # Invariants
///
/// - `inner` was initialized by [`Base::new`] or [`Base::new_imported`].
/// - Its device and its reservation object are alive.
#[pin_data(PinnedDrop)]
#[repr(transparent)]
pub(super) struct Base {
    #[pin]
    inner: Opaque<bindings::drm_gem_shmem_object>,
}

impl Base {
    /// Initializes an object with memory of its own.
    ///
    /// `resv` is its reservation object; if null, it gets one of its own.
    ///
    /// # Safety
    ///
    /// - `dev`, and `resv` if not null, must be valid until the initialized object is dropped.
    /// - `size` must be a multiple of the page size.
    pub(super) unsafe fn new(
        dev: *mut bindings::drm_device,
        size: usize,
        funcs: &'static bindings::drm_gem_object_funcs,
        map_wc: bool,
        resv: *mut bindings::dma_resv,
    ) -> impl PinInit<Self, Error> {
        // INVARIANT: The closure succeeds only if `drm_gem_shmem_init()` does, and the caller keeps
        // `dev` and `resv` alive.
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(move |shmem: *mut bindings::drm_gem_shmem_object| {
                // SAFETY: `shmem` points to memory of the right size and alignment that nobody else
                // uses. All zeroes is a valid value.
                let init = unsafe {
                    shmem.write_bytes(0, 1);
                    &mut *shmem
                };
                init.base.funcs = funcs;
                init.base.resv = resv;
                init.set_map_wc(map_wc);

                // SAFETY: `dev` is valid, `shmem` is zeroed but for what may be set before, and
                // `size` is a multiple of the page size. On failure it undoes what it has done.
                to_result(unsafe { bindings::drm_gem_shmem_init(dev, shmem, size) })
            }),
        }? Error)
    }

    /// Initializes an object that stands for the dma-buf of `attach`.
    ///
    /// The initialized object owns the attachment and uses the reservation object of the dma-buf.
    /// If the initialization fails or does not take place, the device is detached.
    ///
    /// This does what `drm_gem_shmem_prime_import_no_map()` does. That function cannot be used: if
    /// it fails late, it frees the object without dropping what the driver has put into it.
    ///
    /// # Safety
    ///
    /// - `dev` must be valid until the initialized object is dropped.
    /// - `size` must be a multiple of the page size.
    pub(super) unsafe fn new_imported(
        dev: *mut bindings::drm_device,
        size: usize,
        funcs: &'static bindings::drm_gem_object_funcs,
        attach: Attachment,
    ) -> impl PinInit<Self, Error> {
        // INVARIANT: The closure succeeds only if all initialization is done. The caller keeps
        // `dev` alive, the attachment the dma-buf and its reservation object.
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(move |shmem: *mut bindings::drm_gem_shmem_object| {
                // SAFETY: `shmem` points to memory of the right size and alignment that nobody else
                // uses. All zeroes is a valid value.
                let init = unsafe {
                    shmem.write_bytes(0, 1);
                    &mut *shmem
                };
                init.base.funcs = funcs;
                init.base.resv = attach.resv();

                let obj = &raw mut init.base;

                // SAFETY: `dev` is valid, `obj` is zeroed but for what may be set before, and
                // `size` is a multiple of the page size.
                unsafe { bindings::drm_gem_private_object_init(dev, obj, size) };

                // SAFETY: `obj` is initialized.
                to_result(unsafe { bindings::drm_gem_create_mmap_offset(obj) }).inspect_err(|_| {
                    // SAFETY: `obj` is initialized and nobody else knows of it. The reservation
                    // object is not accessed.
                    unsafe { bindings::drm_gem_object_release(obj) };
                })?;

                // SAFETY: The list head is part of the object and in no list yet.
                unsafe { bindings::INIT_LIST_HEAD(&raw mut (*shmem).madv_list) };

                // SAFETY: `obj` is initialized and nobody else knows of it. From here on
                // `drm_gem_shmem_release()` sees an imported object, and detaches the device.
                unsafe { (*obj).import_attach = attach.into_raw() };

                Ok::<(), Error>(())
            }),
        }? Error)
    }

    /// Returns a pointer to the C object.
    pub(super) fn as_raw(&self) -> *mut bindings::drm_gem_shmem_object {
        self.inner.get()
    }
}

#[pinned_drop]
impl PinnedDrop for Base {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariants the object is initialized, and its device and reservation
        // object are alive. Nobody else can use it any more when it is dropped.
        unsafe { bindings::drm_gem_shmem_release(self.as_raw()) };
    }
}
