// SPDX-License-Identifier: GPL-2.0

//! Work queues that belong to a mode object.
//!
//! C header: [`include/linux/workqueue.h`](srctree/include/linux/workqueue.h)

use super::{
    lifecycle::Lifecycle,
    KmsDriver, //
};
use crate::{
    bindings,
    drm::Device,
    prelude::*,
    sync::Arc,
    workqueue::{
        Queue,
        RawWorkItem, //
    },
};
use core::ptr::NonNull;

/// A work queue.
///
/// # Invariants
///
/// The pointer is a valid work queue, owned by this object, on which nothing but
/// [`OrderedQueue::enqueue`] puts work items; so there are no delayed ones.
pub(super) struct RawQueue(NonNull<bindings::workqueue_struct>);

// SAFETY: Work queues can be used and destroyed by any thread.
unsafe impl Send for RawQueue {}

// SAFETY: Enqueueing takes the locks that it needs.
unsafe impl Sync for RawQueue {}

impl RawQueue {
    /// Waits for the work that there is. Sleeps.
    pub(super) fn flush(&self) {
        // SAFETY: By the type invariants the queue is valid.
        unsafe { bindings::__flush_workqueue(self.0.as_ptr()) };
    }
}

impl Drop for RawQueue {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the queue is valid and has no delayed work; by `&mut self`
        // nothing can be enqueued any more. This function waits for the work that is there.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}

/// A work queue that runs one work item at a time, in the order in which they were enqueued.
///
/// For what a commit or a vblank starts and cannot do itself: composing a frame, say. It belongs to
/// a device. When the device is unplugged, the queue takes no more work after the CRTCs were
/// switched off, and what it has is waited for; hence no work item runs any more when the
/// registration is gone, and the module of the driver can go, too. The same happens when a device
/// is dropped that was never registered.
///
/// Keep it in the data of the mode object ([`Crtc`](super::Crtc), for example), not in what the
/// work items hold: dropping it waits for them, hence a work item that drops the queue it runs on
/// waits for itself. For the same reason a work item must not wait for the device to be unplugged.
///
/// Work that is waiting can make progress when memory is short: the queue has a thread of its own
/// for that (`WQ_MEM_RECLAIM`). That does not help work items that allocate with `GFP_KERNEL`. If a
/// commit waits for them before its [`commit_hw_done`](super::CommitTail::commit_hw_done), they
/// must not: what they need is allocated in the check of the commit.
pub struct OrderedQueue {
    queue: Arc<RawQueue>,
    lifecycle: Arc<Lifecycle>,
    place: usize,
}

impl OrderedQueue {
    /// Creates a queue for the work of `dev`. Sleeps. C: `alloc_ordered_workqueue()`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub fn new<D: KmsDriver>(dev: &Device<D>, name: &CStr) -> Result<Self> {
        let lifecycle = dev.lifecycle().ok_or(EINVAL)?.clone();

        // SAFETY: The format takes one string, which is copied.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND
                    | bindings::wq_flags___WQ_ORDERED
                    | bindings::wq_flags_WQ_MEM_RECLAIM,
                1,
                name.as_char_ptr(),
            )
        };

        // INVARIANT: A new work queue.
        let queue = NonNull::new(queue).map(RawQueue).ok_or(ENOMEM)?;
        let queue = Arc::new(queue, GFP_KERNEL)?;
        let place = lifecycle.add_queue(queue.clone())?;

        Ok(Self {
            queue,
            lifecycle,
            place,
        })
    }

    /// Enqueues a work item. Does not sleep; may be called in interrupt context. C: `queue_work()`.
    ///
    /// # Errors
    ///
    /// Gives the work item back if it is waiting in a queue already, or if the device is unplugged
    /// and switched off.
    pub fn enqueue<W, const ID: u64>(&self, work: W) -> core::result::Result<(), W>
    where
        W: RawWorkItem<ID, EnqueueOutput = core::result::Result<(), W>> + Send + 'static,
    {
        // SAFETY: By the type invariants the queue is valid, and stays so for this borrow.
        let queue: &Queue = unsafe { Queue::from_raw(self.queue.0.as_ptr()) };
        let mut work = Some(work);
        let enqueued = self
            .lifecycle
            .while_open(|| work.take().map_or(Ok(()), |work| queue.enqueue(work)));

        match (enqueued, work) {
            (Some(result), _) => result,
            (None, Some(work)) => Err(work),
            (None, None) => Ok(()),
        }
    }
}

impl Drop for OrderedQueue {
    fn drop(&mut self) {
        self.lifecycle.remove_queue(self.place);
        // The end of the device may be waiting for the queue as well, and have a reference.
        self.queue.flush();
    }
}
