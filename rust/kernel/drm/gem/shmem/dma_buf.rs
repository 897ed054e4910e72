// SPDX-License-Identifier: GPL-2.0

//! Use of dma-bufs that other devices have exported.
//!
//! The functions here are not generic and never inlined on purpose. Those that they call are
//! exported in the symbol namespace `DMA_BUF`, which this crate imports; code that is instantiated
//! in a driver module would make each driver import it.
//!
//! C header: [`include/linux/dma-buf.h`](srctree/include/linux/dma-buf.h)

use crate::{
    bindings,
    error::from_err_ptr,
    prelude::*, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};

/// The attachment of a device to a dma-buf.
///
/// Dropping it detaches the device.
///
/// # Invariants
///
/// - The pointer is valid and comes from `dma_buf_attach()`.
/// - The attachment owns a reference on its dma-buf.
pub(super) struct Attachment(NonNull<bindings::dma_buf_attachment>);

impl Attachment {
    /// Attaches `dev` to `dma_buf`.
    ///
    /// # Safety
    ///
    /// `dma_buf` must be a valid dma-buf, and `dev` a valid device for as long as it is attached.
    ///
    /// # Errors
    ///
    /// That of the exporter.
    #[inline(never)]
    pub(super) unsafe fn new(
        dma_buf: *mut bindings::dma_buf,
        dev: *mut bindings::device,
    ) -> Result<Self> {
        // SAFETY: By the safety requirements.
        let attach = from_err_ptr(unsafe { bindings::dma_buf_attach(dma_buf, dev) })?;

        // SAFETY: `dma_buf` is valid, hence so is its file. The reference belongs to `Self`.
        unsafe { bindings::get_file((*dma_buf).file) };

        // INVARIANT: The reference was taken above. `dma_buf_attach()` never returns null.
        Ok(Self(NonNull::new(attach).ok_or(ENOMEM)?))
    }

    fn dma_buf(&self) -> *mut bindings::dma_buf {
        // SAFETY: By the type invariants the attachment is valid.
        unsafe { (*self.0.as_ptr()).dmabuf }
    }

    /// Returns the size of the dma-buf in bytes.
    pub(super) fn size(&self) -> usize {
        // SAFETY: By the type invariants the dma-buf is alive. Its size never changes.
        unsafe { (*self.dma_buf()).size }
    }

    /// Returns the reservation object of the dma-buf.
    pub(super) fn resv(&self) -> *mut bindings::dma_resv {
        // SAFETY: By the type invariants the dma-buf is alive. Its reservation object never
        // changes.
        unsafe { (*self.dma_buf()).resv }
    }

    /// Returns the attachment as `drm_prime_gem_destroy()` takes it, with the reference on the
    /// dma-buf.
    pub(super) fn into_raw(self) -> *mut bindings::dma_buf_attachment {
        ManuallyDrop::new(self).0.as_ptr()
    }
}

impl Drop for Attachment {
    #[inline(never)]
    fn drop(&mut self) {
        let dma_buf = self.dma_buf();

        // SAFETY: By the type invariants the attachment is one of `dma_buf`, and both are valid.
        unsafe { bindings::dma_buf_detach(dma_buf, self.0.as_ptr()) };

        // SAFETY: By the type invariants this reference is ours, and it was the last use.
        unsafe { bindings::dma_buf_put(dma_buf) };
    }
}

/// Maps the memory of a dma-buf for DMA by the attached device, in both directions.
///
/// Takes the reservation lock of the dma-buf; may sleep.
///
/// # Safety
///
/// `attach` must be a valid attachment, and its device bound.
#[inline(never)]
pub(super) unsafe fn map(
    attach: *mut bindings::dma_buf_attachment,
) -> Result<*mut bindings::sg_table> {
    // SAFETY: By the safety requirements.
    from_err_ptr(unsafe {
        bindings::dma_buf_map_attachment_unlocked(
            attach,
            bindings::dma_data_direction_DMA_BIDIRECTIONAL,
        )
    })
}

/// Undoes [`map`].
///
/// Takes the reservation lock of the dma-buf; may sleep.
///
/// # Safety
///
/// `sgt` must come from [`map`] for the same attachment, which must still be valid, and must not be
/// used after that.
#[inline(never)]
pub(super) unsafe fn unmap(
    attach: *mut bindings::dma_buf_attachment,
    sgt: *mut bindings::sg_table,
) {
    // SAFETY: By the safety requirements.
    unsafe {
        bindings::dma_buf_unmap_attachment_unlocked(
            attach,
            sgt,
            bindings::dma_data_direction_DMA_BIDIRECTIONAL,
        )
    };
}
