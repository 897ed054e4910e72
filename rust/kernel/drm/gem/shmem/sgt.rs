// SPDX-License-Identifier: GPL-2.0

//! DMA mappings of shmem objects.

use super::{
    dma_buf,
    resv::Guard,
    BaseObject,
    DriverObject,
    IntoGEMObject,
    Object, //
};
use crate::{
    bindings,
    error::from_err_ptr,
    prelude::*,
    scatterlist, //
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// The DMA mapping of a shmem object.
///
/// It is kept in a [`Devres`](crate::devres::Devres) of the parent device by the object itself, so
/// that it ends with the binding of the device. Drivers get the table itself, borrowed from the
/// object and the bound device, from [`Object::sg_table`].
///
/// Dropping it unmaps the memory: our own is unmapped here, while the table of an imported object
/// goes back to the exporter that has made it. The pages stay allocated until the object is freed.
///
/// # Invariants
///
/// - `obj` is valid for as long as `self` exists.
/// - `sgt` is the mapped scatter/gather table of `obj`: that of its attachment, which `self` owns,
///   if `obj` is imported, and `drm_gem_shmem_object.sgt` otherwise.
pub struct SGTableMap<T: DriverObject> {
    obj: NonNull<Object<T>>,
    sgt: NonNull<bindings::sg_table>,
}

impl<T: DriverObject> SGTableMap<T> {
    /// Maps the memory of `obj` for DMA.
    ///
    /// Must be called for the parent device of `obj`, while that is bound, and not a second time
    /// before the first mapping is dropped.
    pub(super) fn new(obj: &Object<T>) -> impl Init<Self, Error> + '_ {
        // INVARIANT: `obj` owns the `Devres` in which the mapping is put, and drops that before
        // anything else that the mapping needs. `sgt` is what the type invariants demand.
        init_from_fn(move || {
            let sgt = if obj.is_imported() {
                // SAFETY: The attachment of a valid imported object is valid. The caller holds its
                // device bound.
                unsafe { dma_buf::map((*obj.as_raw()).import_attach) }?
            } else {
                // SAFETY: `obj` is valid.
                from_err_ptr(unsafe { bindings::drm_gem_shmem_get_pages_sgt(obj.as_raw_shmem()) })?
            };

            Ok(Self {
                obj: obj.into(),
                sgt: NonNull::new(sgt).ok_or(ENOMEM)?,
            })
        })
    }
}

/// Returns an initializer that writes what `f` returns.
fn init_from_fn<T>(f: impl FnOnce() -> Result<T>) -> impl Init<T, Error> {
    // SAFETY: The closure returns `Ok` only after it has initialized `slot` completely; it does not
    // touch `slot` otherwise.
    unsafe {
        pin_init::init_from_closure(move |slot: *mut T| {
            let value = f()?;

            // SAFETY: `slot` is valid for writes.
            slot.write(value);

            Ok(())
        })
    }
}

impl<T: DriverObject> Deref for SGTableMap<T> {
    type Target = scatterlist::SGTable;

    fn deref(&self) -> &scatterlist::SGTable {
        // SAFETY: By the type invariants `sgt` is a valid table, which is mapped until `self` is
        // dropped.
        unsafe { scatterlist::SGTable::from_raw(self.sgt.as_ptr()) }
    }
}

impl<T: DriverObject> Drop for SGTableMap<T> {
    fn drop(&mut self) {
        // SAFETY: By the type invariants `obj` is valid.
        let obj = unsafe { self.obj.as_ref() };

        if obj.is_imported() {
            // SAFETY: By the type invariants `sgt` is a mapping of the attachment of `obj`, which
            // `self` owns.
            unsafe { dma_buf::unmap((*obj.as_raw()).import_attach, self.sgt.as_ptr()) };
        } else {
            let _guard = Guard::new(obj);

            // SAFETY: By the type invariants `sgt`, which is that of the object, is mapped. The
            // lock that protects it is held.
            unsafe { bindings::__drm_gem_shmem_free_sgt_locked(obj.as_raw_shmem()) };
        }
    }
}

// SAFETY: `SGTableMap` refers to an `Object<T>`, which is `Send` and `Sync`. A mapping may be undone
// by any task.
unsafe impl<T: DriverObject> Send for SGTableMap<T> {}

// SAFETY: `&SGTableMap` gives access to an `&SGTable` only, which is `Sync`.
unsafe impl<T: DriverObject> Sync for SGTableMap<T> {}
