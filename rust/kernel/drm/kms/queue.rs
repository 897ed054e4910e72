// SPDX-License-Identifier: GPL-2.0

//! Work queues that belong to a mode object.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use crate::{
    bindings,
    prelude::*,
    workqueue::{
        Queue,
        RawWorkItem, //
    },
};
use core::ptr::NonNull;

/// A work queue that runs one work item at a time, in the order in which they were enqueued.
///
/// For what a commit or a vblank starts and cannot do itself: composing a frame, say. Keep it in the
/// data of the mode object ([`Crtc`](super::Crtc), for example), not in what the work items hold:
/// dropping it waits for them, hence a work item that drops the queue it runs on waits for itself.
/// Since mode objects are dropped with the last reference to the device, no work item is running
/// any more when the device is gone, and the module of the driver can go, too.
///
/// # Invariants
///
/// The pointer is a valid work queue, owned by this object, on which nothing but
/// [`OrderedQueue::enqueue`] puts work items; so there are no delayed ones.
pub struct OrderedQueue(NonNull<bindings::workqueue_struct>);

// SAFETY: Work queues can be used and destroyed by any thread.
unsafe impl Send for OrderedQueue {}

// SAFETY: Enqueueing takes the locks that it needs.
unsafe impl Sync for OrderedQueue {}

impl OrderedQueue {
    /// Creates a queue. Sleeps. C: `alloc_ordered_workqueue()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new(name: &CStr) -> Result<Self> {
        // SAFETY: The format takes one string, which is copied.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags___WQ_ORDERED,
                1,
                name.as_char_ptr(),
            )
        };

        // INVARIANT: A new work queue.
        NonNull::new(queue).map(Self).ok_or(ENOMEM)
    }

    /// Enqueues a work item, unless it is waiting in a queue already.
    ///
    /// Does not sleep; may be called in interrupt context. C: `queue_work()`.
    pub fn enqueue<W, const ID: u64>(&self, work: W) -> W::EnqueueOutput
    where
        W: RawWorkItem<ID> + Send + 'static,
    {
        // SAFETY: By the type invariants the queue is valid, and stays so for this borrow.
        let queue: &Queue = unsafe { Queue::from_raw(self.0.as_ptr()) };

        queue.enqueue(work)
    }
}

impl Drop for OrderedQueue {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the queue is valid and has no delayed work; by `&mut self`
        // nothing can be enqueued any more. This function waits for the work that is there.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}
