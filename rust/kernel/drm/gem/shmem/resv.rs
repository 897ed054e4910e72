// SPDX-License-Identifier: GPL-2.0

//! The reservation lock of a shmem object.

use super::{
    BaseObjectPrivate,
    DriverObject,
    Object, //
};
use crate::{
    bindings,
    types::NotThreadSafe, //
};
use core::ptr;

/// Proof that the reservation lock of an object is held.
///
/// Dropping it releases the lock, on the task that has taken it.
pub(super) struct Guard<'a, T: DriverObject>(&'a Object<T>, NotThreadSafe);

impl<'a, T: DriverObject> Guard<'a, T> {
    /// Takes the reservation lock of `obj`; may sleep.
    ///
    /// The caller must not hold any other reservation lock, as this one is taken without the
    /// context of a `ww_mutex` that could resolve a deadlock.
    #[inline]
    pub(super) fn new(obj: &'a Object<T>) -> Self {
        // SAFETY: By the type invariants of `Object` its reservation object is alive.
        unsafe { bindings::dma_resv_lock(obj.raw_dma_resv(), ptr::null_mut()) };

        Self(obj, NotThreadSafe)
    }
}

impl<T: DriverObject> Drop for Guard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: The lock was taken in `Guard::new()` on this task, as a guard cannot be sent to
        // another one.
        unsafe { bindings::dma_resv_unlock(self.0.raw_dma_resv()) };
    }
}
