// SPDX-License-Identifier: GPL-2.0

//! Tests of writeback connectors.

use super::fixture::{
    commit,
    crtc,
    device,
    dumb,
    framebuffer,
    live,
    screen,
    show,
    Counted,
    Script,
    TestConnector,
    TestCrtc,
    TestEncoder,
    TestKms,
    TestPlane,
    PRIMARY,
    SIZE, //
};
use crate::{
    bindings,
    container_of,
    drm::{
        kms::{
            fourcc,
            ConnectorType,
            DriverWriteback,
            EncoderType,
            Fourcc,
            Framebuffer,
            ModeObject,
            SetupDevice,
            WritebackCommit,
            WritebackConnector,
            WritebackJob,
            WritebackProbe, //
        },
        kunit::fixture::{
            Client,
            Events, //
        },
        Device, //
    },
    error::{
        from_err_ptr,
        to_result, //
    },
    faux,
    new_mutex,
    prelude::*,
    sync::Mutex, //
};
use core::ptr::NonNull;

/// Keeps the jobs that it gets, for the test to end them.
#[pin_data]
struct TestWriteback {
    #[pin]
    jobs: Mutex<KVec<WritebackJob<TestWriteback>>>,
    _counted: Counted,
}

impl TestWriteback {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            jobs <- new_mutex!(KVec::new()),
            _counted: Counted::object(),
        })
    }

    /// Returns the job that came first of those that are there.
    fn job(&self) -> Result<WritebackJob<Self>> {
        self.jobs.lock().remove(0).map_err(|_| ENOENT)
    }
}

#[vtable]
impl DriverWriteback for TestWriteback {
    type Driver = TestKms;
    type State = super::fixture::TestState;

    const MAP_FRAMEBUFFERS: bool = true;

    fn get_modes(probe: &WritebackProbe<'_, Self>) -> Result {
        probe.add_modes_noedid(1024, 768);
        Ok(())
    }

    fn commit(commit: &WritebackCommit<'_, Self>, job: WritebackJob<Self>) {
        assert!(commit.new().crtc().is_some());
        // Without memory the job is dropped, which the test sees.
        let _ = commit.object().jobs.lock().push(job, GFP_KERNEL);
    }
}

const FORMATS: [Fourcc; 1] = [fourcc::XRGB8888];

/// Creates a display of which the picture can be written.
fn set_up(setup: &SetupDevice<'_, TestKms>) -> Result {
    let primary = setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;
    let crtc = setup.create_crtc(primary, None, None, Ok(TestCrtc(Counted::object())))?;
    let encoder = || {
        let data = Ok(TestEncoder(Counted::object()));

        setup.create_encoder(EncoderType::Virtual, &[crtc], None, data)
    };
    let (shown, written) = (encoder()?, encoder()?);

    setup.create_connector(
        ConnectorType::Virtual,
        &[shown],
        Ok(TestConnector(Counted::object())),
    )?;
    let connector = setup.create_writeback_connector(written, &FORMATS, TestWriteback::new())?;

    setup.allow_clone(shown, written)?;
    for encoder in [shown, written] {
        // SAFETY: The encoder is valid.
        assert_eq!(unsafe { (*encoder.as_raw()).possible_clones }, 3);
    }
    assert_eq!(connector.dev().as_raw(), setup.as_raw());
    Ok(())
}

static SCRIPT: Script = Script {
    setup: set_up,
    ..Script::DEFAULT
};

/// Returns the writeback connector of `dev`, which was set up by [`set_up`].
fn connector(dev: &Device<TestKms>) -> &WritebackConnector<TestWriteback> {
    // SAFETY: The device is valid and has two connectors, the second of which is this one.
    unsafe {
        let first = (*dev.as_raw()).mode_config.connector_list.next;

        WritebackConnector::from_raw(container_of!((*first).next, bindings::drm_connector, head))
    }
}

/// The fence that user space gets.
struct Fence(NonNull<bindings::dma_fence>);

impl Fence {
    /// Returns [`None`] until the fence is signalled, then its error code or 0.
    fn status(&self) -> Option<c_int> {
        let signalled = 1 << bindings::dma_fence_flag_bits_DMA_FENCE_FLAG_SIGNALED_BIT;

        // SAFETY: The fence is valid.
        let (flags, error) = unsafe { ((*self.0.as_ptr()).flags, (*self.0.as_ptr()).error) };

        (flags & signalled != 0).then_some(error)
    }

    /// Returns how many references there are.
    fn references(&self) -> i32 {
        // SAFETY: The fence is valid.
        unsafe { (*self.0.as_ptr()).refcount.refcount.refs.counter }
    }
}

impl Drop for Fence {
    fn drop(&mut self) {
        // SAFETY: The fence is valid, and the reference is ours.
        unsafe {
            let kref = &raw mut (*self.0.as_ptr()).refcount;

            if bindings::refcount_dec_and_test(&raw mut (*kref).refcount) {
                bindings::dma_fence_release(kref);
            }
        }
    }
}

/// Has `commit` write the picture to `fb`, as the ioctl does, and returns the fence.
fn write(
    dev: &Device<TestKms>,
    commit: *mut bindings::drm_atomic_commit,
    fb: &Framebuffer<TestKms>,
) -> Result<Fence> {
    let writeback = connector(dev).as_raw();

    // SAFETY: The commit is valid and unchecked; all objects are of its device.
    unsafe {
        let state = from_err_ptr(bindings::drm_atomic_get_connector_state(
            commit,
            &raw mut (*writeback).base,
        ))?;

        to_result(bindings::drm_atomic_set_crtc_for_connector(
            state,
            crtc(dev, 0)?.as_raw(),
        ))?;
        to_result(bindings::drm_writeback_set_fb(state, fb.as_raw()))?;

        let fence = bindings::drm_writeback_get_out_fence(writeback);
        let fence = NonNull::new(fence).ok_or(ENOMEM)?;

        bindings::refcount_inc(&raw mut (*fence.as_ptr()).refcount.refcount);
        (*(*state).writeback_job).out_fence = fence.as_ptr();
        Ok(Fence(fence))
    }
}

/// Shows and writes, and returns the fence with the result.
fn show_and_write(
    dev: &Device<TestKms>,
    shown: &Framebuffer<TestKms>,
    written: &Framebuffer<TestKms>,
) -> (Option<Fence>, Result) {
    let mut fence = None;
    let ret = commit(dev, |commit| {
        show(dev, commit, Some(shown))?;
        fence = Some(write(dev, commit, written)?);
        Ok(())
    });

    (fence, ret)
}

/// Switches both outputs off.
fn off(dev: &Device<TestKms>) -> Result {
    commit(dev, |commit| {
        show(dev, commit, None)?;
        // SAFETY: The commit is valid and unchecked; all objects are of its device.
        unsafe {
            let connector = &raw mut (*connector(dev).as_raw()).base;
            let state = from_err_ptr(bindings::drm_atomic_get_connector_state(commit, connector))?;

            to_result(bindings::drm_atomic_set_crtc_for_connector(
                state,
                core::ptr::null_mut(),
            ))
        }
    })
}

/// Returns how many references there are to `fb`.
fn references(fb: &Framebuffer<TestKms>) -> i32 {
    // SAFETY: The framebuffer is valid.
    unsafe { (*fb.as_raw()).base.refcount.refcount.refs.counter }
}

#[kunit_tests(rust_drm_kms_writeback)]
mod tests {
    use super::*;

    // The fence is signalled when the driver says so, and then everything is given up.
    #[test]
    fn completed() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-wb", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let (shown, written) = (screen(&dev, &client)?, screen(&dev, &client)?);
        let before = references(&written);

        for _ in 0..2 {
            let (fence, ret) = show_and_write(&dev, &shown, &written);
            let fence = fence.ok_or(EINVAL)?;

            ret?;
            assert_eq!(fence.status(), None);

            let job = connector(&dev).job()?;

            assert_eq!(job.connector().id(), connector(&dev).id());
            assert_eq!(job.framebuffer().map(Framebuffer::id), Some(written.id()));
            job.map()
                .ok_or(EINVAL)?
                .write_line(0, 479, 0, &[1, 2, 3, 4])?;
            assert_eq!(fence.status(), None);
            job.complete();
            assert_eq!(fence.status(), Some(0));
            assert_eq!(fence.references(), 1);
            assert_eq!(references(&written), before);
        }

        let mut seen = [0; 4];
        written.vmap()?.read_line(0, 479, 0, &mut seen)?;
        assert_eq!(seen, [1, 2, 3, 4]);

        // A commit without a framebuffer has no job.
        commit(&dev, |commit| show(&dev, commit, Some(&shown)))?;
        assert!(connector(&dev).job().is_err());
        off(&dev)?;
        drop((shown, written, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // No job is lost.
    #[test]
    fn failed_and_dropped() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-wb-drop", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let (shown, written) = (screen(&dev, &client)?, screen(&dev, &client)?);
        let before = references(&written);

        let (fence, ret) = show_and_write(&dev, &shown, &written);
        ret?;
        connector(&dev).job()?.fail(EIO);
        assert_eq!(fence.ok_or(EINVAL)?.status(), Some(EIO.to_errno()));

        let (fence, ret) = show_and_write(&dev, &shown, &written);
        ret?;
        drop(connector(&dev).job()?);
        assert_eq!(fence.ok_or(EINVAL)?.status(), Some(ECANCELED.to_errno()));
        assert_eq!(references(&written), before);
        off(&dev)
    }

    // Fences are signalled in the order of the commits.
    #[test]
    fn in_order() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-wb-order", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let (shown, written) = (screen(&dev, &client)?, screen(&dev, &client)?);
        let before = references(&written);
        let mut fences = KVec::new();

        for _ in 0..4 {
            let (fence, ret) = show_and_write(&dev, &shown, &written);

            ret?;
            fences.push(fence.ok_or(EINVAL)?, GFP_KERNEL)?;
        }

        let connector = connector(&dev);
        let (first, second) = (connector.job()?, connector.job()?);
        let (third, fourth) = (connector.job()?, connector.job()?);
        let all = || [0, 1, 2, 3].map(|i| fences[i].status());

        third.complete();
        second.fail(EIO);
        assert_eq!(all(), [None; 4]);
        first.complete();
        assert_eq!(all(), [Some(0), Some(EIO.to_errno()), Some(0), None]);
        fourth.complete();
        assert_eq!(all(), [Some(0), Some(EIO.to_errno()), Some(0), Some(0)]);
        assert_eq!(references(&written), before);
        off(&dev)
    }

    // A framebuffer must have the size of the mode and a format of the connector.
    #[test]
    fn refused() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-wb-bad", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let shown = screen(&dev, &client)?;
        let (width, height) = SIZE;
        let make = |format, (width, height)| {
            let bo = dumb(&dev, &client, width * 4 * height)?;
            let pitch = if format == fourcc::NV12 {
                width
            } else {
                width * 4
            };
            let planes = [(bo, pitch, 0), (bo, width, width * height)];
            let count = if format == fourcc::NV12 { 2 } else { 1 };

            framebuffer(&dev, &client, format, (width, height), &planes[..count])
        };

        for (format, size) in [
            (fourcc::XRGB8888, (width - 1, height)),
            (fourcc::XRGB8888, (width, height + 1)),
            (fourcc::NV12, (width, height)),
        ] {
            let written = make(format, size)?;
            let before = references(&written);
            let (fence, ret) = show_and_write(&dev, &shown, &written);

            assert_eq!(ret, Err(EINVAL));
            // User space gets no such fence.
            assert_eq!(fence.map(|f| f.references()), Some(1));
            assert_eq!(references(&written), before);
        }
        assert!(connector(&dev).job().is_err());

        let written = make(fourcc::XRGB8888, SIZE)?;
        let (_fence, ret) = show_and_write(&dev, &shown, &written);
        assert_eq!(ret, Ok(()));
        connector(&dev).job()?.complete();
        off(&dev)
    }

    // A commit that comes to nothing after its framebuffers were mapped.
    #[test]
    fn abandoned() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-wb-abort", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let (shown, written) = (screen(&dev, &client)?, screen(&dev, &client)?);
        let before = references(&written);
        let ret = commit(&dev, |commit| {
            show(&dev, commit, Some(&shown))?;
            let _fence = write(&dev, commit, &written)?;

            // SAFETY: The commit is valid, and nobody else knows its states.
            to_result(unsafe { bindings::drm_atomic_helper_prepare_planes(dev.as_raw(), commit) })?;
            assert!(references(&written) > before + 1);
            // SAFETY: Prepared above.
            unsafe { bindings::drm_atomic_helper_unprepare_planes(dev.as_raw(), commit) };
            Err(EXDEV)
        });

        assert_eq!(ret, Err(EXDEV));
        assert_eq!(references(&written), before);
        assert!(connector(&dev).job().is_err());
        Ok(())
    }

    // What the core cannot undo makes the setup fail, whatever the driver makes of the error.
    #[test]
    fn setup_fails() -> Result {
        static NO_FORMATS: Script = Script {
            setup: |setup| bad_formats(setup, &[]),
            ..Script::DEFAULT
        };
        static UNKNOWN: Script = Script {
            setup: |setup| bad_formats(setup, &[Fourcc::new(*b"????")]),
            ..Script::DEFAULT
        };
        static TWICE: Script = Script {
            setup: |setup| bad_formats(setup, &[fourcc::XRGB8888, fourcc::XRGB8888]),
            ..Script::DEFAULT
        };

        fn bad_formats(setup: &SetupDevice<'_, TestKms>, formats: &[Fourcc]) -> Result {
            let crtc = super::super::fixture::display(setup)?;
            let data = Ok(TestEncoder(Counted::object()));
            let encoder = setup.create_encoder(EncoderType::Virtual, &[crtc], None, data)?;
            let ret = setup.create_writeback_connector(encoder, formats, TestWriteback::new());

            assert_eq!(ret.err(), Some(EINVAL));
            Ok(())
        }

        for script in [&NO_FORMATS, &UNKNOWN, &TWICE] {
            let events = Events::new()?;
            let parent = faux::Registration::new(c"kunit-kms-wb-setup", None)?;

            assert_eq!(device(&parent, script, &events).err(), Some(EINVAL));
        }
        assert_eq!(live(), (0, 0));
        Ok(())
    }
}
