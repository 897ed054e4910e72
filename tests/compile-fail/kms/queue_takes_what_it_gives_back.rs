// SPDX-License-Identifier: GPL-2.0

// Promise: A queue only takes work items that it can give back when the device is gone.
// Error: E0271
// Error-text: type mismatch resolving

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kernel::{
    drm::kms::OrderedQueue,
    sync::Arc,
    workqueue::{
        Work,
        WorkItem, //
    }, //
};

#[pin_data]
struct Shared {
    #[pin]
    work: Work<Shared>,
}

kernel::impl_has_work! {
    impl HasWork<Self> for Shared { self.work }
}

impl WorkItem for Shared {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>) {}
}

#[pin_data]
struct Boxed {
    #[pin]
    work: Work<Boxed>,
}

kernel::impl_has_work! {
    impl HasWork<Self> for Boxed { self.work }
}

impl WorkItem for Boxed {
    type Pointer = Pin<KBox<Self>>;

    fn run(_this: Pin<KBox<Self>>) {}
}

fn fine(queue: &OrderedQueue, work: Arc<Shared>) -> bool {
    queue.enqueue(work).is_ok()
}

#[cfg(violate)]
fn violate(queue: &OrderedQueue, work: Pin<KBox<Boxed>>) -> bool {
    queue.enqueue(work).is_ok()
}
