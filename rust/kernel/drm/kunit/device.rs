// SPDX-License-Identifier: GPL-2.0

//! Tests of the memory and the life of a device.

use super::fixture::{
    device,
    references,
    Events,
    Holder,
    Tracked, //
};
use crate::{
    bindings,
    drm::{
        self,
        Device, //
    },
    faux,
    prelude::*,
    sync::{
        aref::ARef,
        Completion, //
    },
    workqueue::{
        self,
        impl_has_work,
        new_work,
        Work,
        WorkItem, //
    },
};

/// Data of many times the size of a pointer, each word of which has a value of its own.
#[pin_data]
struct Large {
    words: [u64; 4096],
    _tracked: Tracked,
}

const fn canary(i: usize) -> u64 {
    (i as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5aa5_c33c_0ff0_9669
}

impl Large {
    fn new(tracked: Tracked) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            words <- pin_init::init_array_from_fn(|i| Ok::<_, Error>(canary(i))),
            _tracked: tracked,
        })
    }

    fn is_intact(&self) -> bool {
        self.words.iter().enumerate().all(|(i, &w)| w == canary(i))
    }
}

/// Data that needs more alignment than any integer.
#[repr(align(64))]
struct Align64(u8, #[expect(dead_code)] Tracked);

/// As [`Align64`].
#[repr(align(1024))]
struct Align1024(u8, #[expect(dead_code)] Tracked);

/// As [`Align64`], with more than a page.
#[repr(align(8192))]
struct Align8192(u8, #[expect(dead_code)] Tracked);

/// Data of which one part cannot be made.
#[pin_data(PinnedDrop)]
struct Failing {
    first: Tracked,
    second: Tracked,
    third: Tracked,
    events: Events,
}

impl Failing {
    fn new(events: &Events) -> impl PinInit<Self, Error> + '_ {
        try_pin_init!(Self {
            first: events.on_drop(1),
            second: events.on_drop(2),
            _: {
                if events.seen() == 0 {
                    return Err(EXDEV);
                }
            },
            third: events.on_drop(3),
            events: events.clone(),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Failing {
    fn drop(self: Pin<&mut Self>) {
        self.events.push(4);
    }
}

/// Data with a work item.
#[pin_data]
struct Worker {
    #[pin]
    work: Work<Device<Holder<Worker>>>,
    #[pin]
    done: Completion,
    events: Events,
}

impl Worker {
    fn new(events: &Events) -> impl PinInit<Self, Error> + '_ {
        try_pin_init!(Self {
            work <- new_work!("kunit::Worker::work"),
            done <- Completion::new(),
            events: events.clone(),
        })
    }
}

impl_has_work! {
    impl HasWork<Device<Holder<Worker>>> for Worker { self.work }
}

impl WorkItem for Worker {
    type Pointer = ARef<Device<Holder<Worker>>>;

    fn run(dev: Self::Pointer) {
        dev.events.push(5);
        dev.done.complete_all();
    }
}

/// Returns whether `dev` is aligned as its type and its memory is large enough.
fn fits<T: drm::Driver>(dev: &Device<T>) -> bool {
    let ptr: *const Device<T> = dev;

    // SAFETY: `dev` is valid, and its memory was allocated with `kmalloc()`.
    let size = unsafe { bindings::ksize((*dev.as_raw()).managed.final_kfree.cast_const()) };

    ptr.is_aligned() && size >= size_of::<Device<T>>()
}

/// Returns where `data` is.
fn address<D>(data: &D) -> usize {
    core::ptr::from_ref(data) as usize
}

#[kunit_tests(rust_drm_device)]
mod tests {
    use super::*;

    // The allocation once had the size of the handle instead of the device.
    #[test]
    fn large_data() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-large", None)?;
        let dev = device::<Holder<Large>>(&parent, Large::new(events.on_drop(1)))?;

        assert!(fits(&dev));
        assert!(dev.is_intact());

        // More of them, whose memory may be next to that of the first.
        for _ in 0..4 {
            let parent = faux::Registration::new(c"kunit-large-other", None)?;
            let other = device::<Holder<Large>>(&parent, Large::new(events.on_drop(2)))?;

            assert!(other.is_intact());
            assert!(dev.is_intact());
        }
        assert!(dev.is_intact());
        assert_eq!(events.seen(), 0x2222);

        drop(dev);
        assert_eq!(events.seen(), 0x22221);
        Ok(())
    }

    #[test]
    fn overaligned_data() -> Result {
        let events = Events::new()?;
        let parents = [
            faux::Registration::new(c"kunit-align64", None)?,
            faux::Registration::new(c"kunit-align1024", None)?,
            faux::Registration::new(c"kunit-align8192", None)?,
        ];

        for i in 0..8 {
            let tracked = || events.on_drop(1);
            let a = device::<Holder<Align64>>(&parents[0], Ok(Align64(i, tracked())))?;
            let b = device::<Holder<Align1024>>(&parents[1], Ok(Align1024(i, tracked())))?;
            let c = device::<Holder<Align8192>>(&parents[2], Ok(Align8192(i, tracked())))?;

            assert!(fits(&a) && fits(&b) && fits(&c));
            assert_eq!(address::<Align64>(&a) % 64, 0);
            assert_eq!(address::<Align1024>(&b) % 1024, 0);
            assert_eq!(address::<Align8192>(&c) % 8192, 0);
            assert_eq!((a.0, b.0, c.0), (i, i, i));
        }
        assert_eq!(events.seen(), 0x1111_1111_1111_1111);
        Ok(())
    }

    // Exactly what was initialised is dropped, and the C part is released.
    #[test]
    fn data_that_fails() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-failing", None)?;
        let before = references(&parent);

        let result = device::<Holder<Failing>>(&parent, Failing::new(&events));

        assert_eq!(result.err(), Some(EXDEV));
        assert!(events.seen() == 0x12 || events.seen() == 0x21);
        assert_eq!(references(&parent), before);

        // The same data can be made when there was an event before.
        let dev = device::<Holder<Failing>>(&parent, Failing::new(&events))?;
        events.push(0xa);
        drop(dev);
        assert_eq!(events.seen() & 0xf_ffff, 0xa4123);
        assert_eq!(references(&parent), before);
        Ok(())
    }

    #[test]
    fn never_registered() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-never", None)?;
        let before = references(&parent);

        let dev = device::<Holder<Tracked>>(&parent, Ok(events.on_drop(1)))?;
        let handle: ARef<Device<_>> = (&*dev).into();
        assert!(dev.registration_guard().is_none());

        drop(dev);
        assert_eq!(events.seen(), 0);
        assert!(handle.registration_guard().is_none());

        drop(handle);
        assert_eq!(events.seen(), 1);
        assert_eq!(references(&parent), before);
        Ok(())
    }

    // A device keeps its parent in memory.
    #[test]
    fn outlives_parent() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-parent", None)?;
        let dev = device::<Holder<Tracked>>(&parent, Ok(events.on_drop(1)))?;
        let handle: ARef<Device<_>> = (&*dev).into();

        drop(dev);
        drop(parent);

        let parent: &faux::Device = (*handle).as_ref();
        let parent: &crate::device::Device = parent.as_ref();
        assert_eq!(parent.name(), c"kunit-parent");
        assert_eq!(events.seen(), 0);
        Ok(())
    }

    #[test]
    fn work_in_data() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-work", None)?;
        let dev = device::<Holder<Worker>>(&parent, Worker::new(&events))?;
        let handle: ARef<Device<_>> = (&*dev).into();

        assert!(workqueue::system_long().enqueue(handle).is_ok());
        dev.done.wait_for_completion();
        assert_eq!(events.seen(), 5);
        Ok(())
    }
}
