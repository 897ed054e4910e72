// SPDX-License-Identifier: GPL-2.0

//! Writeback jobs.
//!
//! `drm_writeback_signal_completion()` is not used. It completes the first job of the queue, whichever
//! the caller means, and leaves the cleanup to a work item that holds nothing and that nobody waits
//! for: neither the device nor the module of the driver need be there any more when it runs. Here a
//! job is cleaned up by who completes it, and holds its device until then.

use super::{
    super::{
        framebuffer::{
            Framebuffer,
            FramebufferMap, //
        },
        object::KmsRef,
    },
    DriverWriteback,
    WritebackConnector, //
};
use crate::{
    bindings,
    error::from_result,
    prelude::*, //
};
use core::{
    mem::ManuallyDrop,
    ptr::NonNull, //
};

/// What the library keeps of a job, in its `priv` pointer.
struct JobData<W: DriverWriteback> {
    map: Option<FramebufferMap<W::Driver>>,
    /// How the job ended, as an error code or 0; set once. Locked by the connector's `job_lock`.
    status: Option<c_int>,
}

/// Returns the framebuffer of the job in `state`, or null.
///
/// # Safety
///
/// `state` must be valid, and nobody may access its job at the same time.
pub(super) unsafe fn framebuffer_of(
    state: *mut bindings::drm_connector_state,
) -> *mut bindings::drm_framebuffer {
    // SAFETY: By the safety requirements of this function; the state owns the job.
    unsafe { (*state).writeback_job.as_ref() }.map_or(core::ptr::null_mut(), |job| job.fb)
}

/// # Safety
///
/// `job` must be a job of a connector of type `W` that is checked but not yet queued, so that
/// nobody else accesses it.
pub(super) unsafe extern "C" fn prepare_callback<W: DriverWriteback>(
    _connector: *mut bindings::drm_writeback_connector,
    job: *mut bindings::drm_writeback_job,
) -> c_int {
    from_result(|| {
        // SAFETY: By the safety requirements of this function; the job holds the framebuffer.
        let fb = unsafe { Framebuffer::<W::Driver>::from_raw((*job).fb) };
        let map = match fb {
            Some(fb) if W::MAP_FRAMEBUFFERS => Some(fb.vmap()?),
            _ => None,
        };
        let data = KBox::new(JobData::<W> { map, status: None }, GFP_KERNEL)?;

        // SAFETY: By the safety requirements of this function there is no other access.
        unsafe { (*job).priv_ = KBox::into_raw(data).cast() };
        Ok(0)
    })
}

/// # Safety
///
/// `job` must be a job that `prepare_callback::<W>` has prepared, and that nobody uses any more.
pub(super) unsafe extern "C" fn cleanup_callback<W: DriverWriteback>(
    _connector: *mut bindings::drm_writeback_connector,
    job: *mut bindings::drm_writeback_job,
) {
    // SAFETY: `prepare_callback` has put a box there. The job still holds the framebuffer, but the
    // mapping has a reference of its own anyway.
    drop(unsafe { KBox::from_raw((*job).priv_.cast::<JobData<W>>()) });
}

/// A picture that is to be written into a framebuffer.
///
/// A job ends exactly once: with [`complete`](Self::complete), with [`fail`](Self::fail), or by
/// being dropped, which fails it with `ECANCELED`. Its end signals the fence that user space may
/// wait for and gives up the framebuffer, and with it all access to the memory.
///
/// The job holds its connector and thereby the device. As with any [`KmsRef`], it must not stay in
/// the data of a mode object forever. All three ends may sleep.
///
/// # Invariants
///
/// `job` is on the queue of `connector`, was prepared by `prepare_callback::<W>`, and is owned by
/// this object: its status is not set.
#[must_use = "dropping the job fails it"]
pub struct WritebackJob<W: DriverWriteback> {
    job: NonNull<bindings::drm_writeback_job>,
    connector: KmsRef<WritebackConnector<W>>,
}

// SAFETY: The job is owned, and what it refers to can be used and given up by any thread.
unsafe impl<W: DriverWriteback> Send for WritebackJob<W> {}

// SAFETY: `&self` gives access to the framebuffer and its mapping only, which are `Sync`.
unsafe impl<W: DriverWriteback> Sync for WritebackJob<W> {}

impl<W: DriverWriteback> WritebackJob<W> {
    /// Takes the job out of `state` and puts it on the queue of its connector.
    ///
    /// # Safety
    ///
    /// `state` must be valid, the new state of `connector` in a commit that is being executed.
    pub(super) unsafe fn take(
        connector: &WritebackConnector<W>,
        state: *mut bindings::drm_connector_state,
    ) -> Option<Self> {
        // SAFETY: By the safety requirements of this function. From the time at which the states
        // were swapped on, nobody but the commit accesses the job.
        let job = NonNull::new(unsafe { (*state).writeback_job })?;

        // SAFETY: The job is valid. Jobs of commits are prepared before the states are swapped.
        if unsafe { (*job.as_ptr()).priv_.is_null() } {
            return None;
        }
        // SAFETY: Both are valid; the job is taken over by the queue.
        unsafe { bindings::drm_writeback_queue_job(connector.as_raw(), state) };

        // INVARIANT: Just queued. The job was prepared by the connector's own hook.
        Some(Self {
            job,
            connector: connector.into(),
        })
    }

    fn data(&self) -> *mut JobData<W> {
        // SAFETY: By the type invariants the job is valid and was prepared.
        unsafe { (*self.job.as_ptr()).priv_.cast() }
    }

    /// Returns the connector.
    pub fn connector(&self) -> &WritebackConnector<W> {
        &self.connector
    }

    /// Returns the framebuffer to write to.
    pub fn framebuffer(&self) -> Option<&Framebuffer<W::Driver>> {
        // SAFETY: The job holds the framebuffer as long as it exists.
        unsafe { Framebuffer::from_raw((*self.job.as_ptr()).fb) }
    }

    /// Returns the mapping of the framebuffer; [`None`] without
    /// [`DriverWriteback::MAP_FRAMEBUFFERS`].
    pub fn map(&self) -> Option<&FramebufferMap<W::Driver>> {
        // SAFETY: By the type invariants the data is valid; the mapping does not change until the
        // job has ended. The status, which does, is another field.
        unsafe { (*self.data()).map.as_ref() }
    }

    /// Ends the job: the picture is in the framebuffer.
    ///
    /// Sleeps. Signals the fence as soon as those of all jobs of the connector that were queued
    /// before this one are signalled. C: `drm_writeback_signal_completion()`.
    pub fn complete(self) {
        self.end(0);
    }

    /// Ends the job: the framebuffer does not have the picture. The fence tells `error`.
    ///
    /// Otherwise as [`complete`](Self::complete).
    pub fn fail(self, error: Error) {
        self.end(error.to_errno());
    }

    fn end(self, status: c_int) {
        let mut this = ManuallyDrop::new(self);

        // SAFETY: `this` is not used any more.
        unsafe {
            this.set_status(status);
            core::ptr::drop_in_place(&raw mut this.connector);
        }
    }

    /// Sets the status, and ends all jobs that are first in the queue and have one.
    ///
    /// # Safety
    ///
    /// Afterwards the job must not be used any more.
    unsafe fn set_status(&self, status: c_int) {
        let queue = self.connector.as_raw();
        let data = self.data();
        let mut set = false;

        loop {
            // SAFETY: The queue is valid, and its lock is initialised. It is an inner lock: nothing
            // in this crate holds it while it calls a driver.
            let ended = unsafe {
                let lock = &raw mut (*queue).job_lock;

                bindings::spin_lock_irq_disable(lock);
                if !set {
                    (*data).status = Some(status);
                    set = true;
                }
                let ended = signal_first::<W>(queue);
                bindings::spin_unlock_irq_enable(lock);
                ended
            };
            let Some(ended) = ended else { break };

            // SAFETY: The job, this one or one that waited for it, is off the queue and has no
            // other owner any more. The device, which cleaning up needs, is held by `connector`.
            unsafe { bindings::drm_writeback_cleanup_job(ended.as_ptr()) };
        }
    }
}

/// Takes the first job off the queue and signals its fence, if it has ended.
///
/// Fences are signalled with the lock held, so that they are signalled in their order.
///
/// # Safety
///
/// `queue` must be a connector of type `W` whose `job_lock` is held.
unsafe fn signal_first<W: DriverWriteback>(
    queue: *mut bindings::drm_writeback_connector,
) -> Option<NonNull<bindings::drm_writeback_job>> {
    // SAFETY: With the lock held, nobody else accesses the list and what is on it. All jobs on it
    // were prepared by `prepare_callback::<W>`.
    unsafe {
        let head = &raw mut (*queue).job_queue;
        let first = (*head).next;

        if core::ptr::eq(first, head) {
            return None;
        }

        let job = crate::container_of!(first, bindings::drm_writeback_job, list_entry);
        let status = (*(*job).priv_.cast::<JobData<W>>()).status?;

        bindings::list_del(first);
        if let Some(fence) = (*job).out_fence.as_mut() {
            if status != 0 {
                fence.error = status;
            }
            bindings::dma_fence_signal(fence);
        }
        NonNull::new(job)
    }
}

impl<W: DriverWriteback> Drop for WritebackJob<W> {
    fn drop(&mut self) {
        // SAFETY: The job is not used any more.
        unsafe { self.set_status(ECANCELED.to_errno()) };
    }
}
