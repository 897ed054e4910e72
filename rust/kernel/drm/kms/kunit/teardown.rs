// SPDX-License-Identifier: GPL-2.0

//! Tests of the end of devices, and of what must not depend on how a driver behaves.

use super::fixture::*;
use crate::{
    bindings,
    drm::{
        self,
        kms::{
            self,
            ConnectorType,
            Crtc,
            EncoderType,
            KmsRef,
            SetupDevice, //
        },
        kunit::fixture::{
            bound,
            Client,
            Events, //
        },
        Device, //
    },
    faux,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            Atomic,
            Relaxed, //
        }, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
    types::Opaque,
    workqueue, //
};

/// A registered device with a client.
struct Plugged<'a> {
    reg: drm::Registration<'a, TestKms>,
    dev: ARef<Device<TestKms>>,
    client: Client<TestKms>,
}

impl<'a> Plugged<'a> {
    fn new(
        parent: &'a faux::Registration,
        script: &'static Script,
        events: &Events,
    ) -> Result<Self> {
        let dev = device(parent, script, events)?;
        let handle: ARef<Device<_>> = (&*dev).into();
        // SAFETY: The tests drop the registration.
        let reg = unsafe { drm::Registration::new(bound(parent), dev, Ok::<_, Error>(()), 0) }?;
        let client = Client::open(&handle)?;

        Ok(Self {
            reg,
            dev: handle,
            client,
        })
    }
}

/// A fence that is never signalled; waiting for it ends when `wait` does.
fn fence(
    wait: unsafe extern "C" fn(*mut bindings::dma_fence, bool, c_long) -> c_long,
) -> Result<*mut bindings::dma_fence> {
    /// # Safety
    ///
    /// May always be called.
    unsafe extern "C" fn name(_: *mut bindings::dma_fence) -> *const c_char {
        c"kunit".as_char_ptr()
    }
    let ops = bindings::dma_fence_ops {
        get_driver_name: Some(name),
        get_timeline_name: Some(name),
        wait: Some(wait),
        ..pin_init::zeroed()
    };
    // The fence is freed after a grace period; its vtable may as well stay.
    let ops = KBox::leak(KBox::new(ops, GFP_KERNEL)?);
    let fence = KBox::into_raw(KBox::new(
        Opaque::<bindings::dma_fence>::uninit(),
        GFP_KERNEL,
    )?);
    let fence: *mut bindings::dma_fence = fence.cast();

    // SAFETY: The memory is as large as a fence, and the core frees it as it was allocated.
    unsafe { bindings::dma_fence_init(fence, ops, core::ptr::null_mut(), 0, 1) };
    Ok(fence)
}

#[kunit_tests(rust_drm_kms_teardown)]
mod tests {
    use super::*;

    /// How many tails have come to their cleanup, and left it.
    static CLEANUPS: Atomic<u32> = Atomic::new(0);

    // The registration ends after the last commit was freed, not when its frame is shown: the
    // module of the driver may go right after that.
    #[test]
    fn nonblocking_commits_end_first() -> Result {
        static SCRIPT: Script = Script {
            flipped: || {
                fsleep(Delta::from_millis(200));
                CLEANUPS.fetch_add(1, Relaxed);
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-nonblock", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &SCRIPT, &events)?;
        let (one, two) = (screen(&dev, &client)?, screen(&dev, &client)?);

        commit(&dev, |commit| show(&dev, commit, Some(&one)))?;
        CLEANUPS.store(0, Relaxed);
        commit_nonblocking(&dev, |commit| show(&dev, commit, Some(&two)))?;
        drop(reg);

        // The commit, and the one that has switched the display off. Their states are gone.
        assert_eq!(CLEANUPS.load(Relaxed), 2);
        assert_eq!(live(), (4, 3));
        drop((one, two, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // After the device is unplugged, nothing runs behind the back of who commits.
    #[test]
    fn nonblocking_commits_block_when_unplugged() -> Result {
        static SCRIPT: Script = Script {
            flipped: || {
                fsleep(Delta::from_millis(100));
                CLEANUPS.fetch_add(1, Relaxed);
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-late2", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &SCRIPT, &events)?;

        drop(reg);
        CLEANUPS.store(0, Relaxed);
        commit_nonblocking(&dev, |commit| show(&dev, commit, None))?;
        assert_eq!(CLEANUPS.load(Relaxed), 1);
        drop(client);
        Ok(())
    }

    // A driver cannot refuse to be switched off.
    #[test]
    fn check_cannot_refuse_the_end() -> Result {
        static REFUSE: Atomic<bool> = Atomic::new(false);
        static SCRIPT: Script = Script {
            check: |check| {
                if REFUSE.load(Relaxed) {
                    return Err(EDOM);
                }
                check.helper_check()
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-refuse", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &SCRIPT, &events)?;
        let fb = screen(&dev, &client)?;

        REFUSE.store(false, Relaxed);
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        REFUSE.store(true, Relaxed);
        let refused = commit(&dev, |commit| show(&dev, commit, Some(&fb)));
        drop(reg);
        let vblank = crtc(&dev, 0)?.vblank_get().err();
        REFUSE.store(false, Relaxed);

        assert_eq!(refused, Err(EDOM));
        assert_eq!(vblank, Some(EINVAL));
        // SAFETY: Nobody commits any more.
        assert!(!unsafe { (*(*crtc(&dev, 0)?.as_raw()).state).active });
        drop((fb, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // When switching off fails, there are no vblanks at least.
    #[test]
    fn vblanks_end_in_any_case() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-stuck", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &Script::DEFAULT, &events)?;
        let fb = screen(&dev, &client)?;

        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        // The timer goes on for some seconds after this.
        drop(crtc(&dev, 0)?.vblank_get()?);
        fail_states(false, true);
        drop(reg);
        fail_states(false, false);
        // SAFETY: The device has one CRTC with vblanks.
        let enabled = unsafe { (*(*dev.as_raw()).vblank).enabled };
        let vblank = crtc(&dev, 0)?.vblank_get().err();
        // SAFETY: Nobody commits.
        let active = unsafe { (*(*crtc(&dev, 0)?.as_raw()).state).active };
        let again = commit(&dev, |commit| show(&dev, commit, None));

        assert!(active);
        assert!(!enabled);
        assert_eq!(vblank, Some(EINVAL));
        again?;
        drop((fb, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // A signal, like that of ^C at "rmmod", does not keep the device from being switched off.
    #[test]
    fn signals_do_not_interrupt_the_end() -> Result {
        const SIGUSR1: c_int = 10;
        const SIG_IGN: usize = 1;
        const SIG_KTHREAD: usize = 2;

        fn handle(handler: usize) {
            // SAFETY: These are no functions, but numbers that the core knows.
            unsafe {
                bindings::kernel_sigaction(
                    SIGUSR1,
                    core::mem::transmute::<usize, bindings::__sighandler_t>(handler),
                )
            };
        }
        static SCRIPT: Script = Script {
            flush: |_| fsleep(Delta::from_millis(100)),
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-signal", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &SCRIPT, &events)?;
        let (one, two) = (screen(&dev, &client)?, screen(&dev, &client)?);
        let task = crate::current!().as_ptr();

        commit(&dev, |commit| show(&dev, commit, Some(&one)))?;
        commit_nonblocking(&dev, |commit| show(&dev, commit, Some(&two)))?;
        handle(SIG_KTHREAD);
        // SAFETY: This task is valid.
        let sent = unsafe { bindings::send_sig(SIGUSR1, task, 1) };
        let pending = crate::current!().signal_pending();
        drop(reg);
        // SAFETY: As above.
        unsafe { bindings::flush_signals(task) };
        handle(SIG_IGN);

        assert_eq!(sent, 0);
        assert!(pending);
        assert!(crtc(&dev, 0)?.vblank_get().is_err());
        // SAFETY: Nobody commits any more.
        assert!(!unsafe { (*(*crtc(&dev, 0)?.as_raw()).state).active });
        drop((one, two, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    /// A registration of another device, for [`wait`] to end.
    static OTHER: Atomic<usize> = Atomic::new(0);
    static UNPLUGGED: Atomic<bool> = Atomic::new(false);
    static IN_TIME: Atomic<bool> = Atomic::new(false);

    /// # Safety
    ///
    /// May only be called once after [`OTHER`] was set to a pointer that comes from a box.
    unsafe extern "C" fn wait(_: *mut bindings::dma_fence, _: bool, timeout: c_long) -> c_long {
        let spawned = workqueue::system_long().try_spawn(GFP_KERNEL, || {
            let other = OTHER.xchg(0, Relaxed) as *mut drm::Registration<'static, TestKms>;

            // SAFETY: The test has put a box there.
            drop(unsafe { KBox::from_raw(other) });
            UNPLUGGED.store(true, Relaxed);
        });

        for _ in 0..100 {
            if spawned.is_err() || UNPLUGGED.load(Relaxed) {
                break;
            }
            fsleep(Delta::from_millis(20));
        }
        IN_TIME.store(UNPLUGGED.load(Relaxed), Relaxed);
        timeout
    }

    // A commit that waits for a fence, for as long as user space likes, does not keep other devices
    // from being unplugged.
    #[test]
    fn fences_do_not_delay_other_devices() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-fence", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &Script::DEFAULT, &events)?;
        let fb = screen(&dev, &client)?;

        let other_parent = KBox::new(
            faux::Registration::new(c"kunit-kms-fence2", None)?,
            GFP_KERNEL,
        )?;
        let other = device(&other_parent, &Script::DEFAULT, &events)?;
        // SAFETY: The registration is dropped below, or by `wait`, before the parent. It borrows
        // nothing.
        let other = unsafe {
            let parent: *const crate::device::Device<_> = bound(&other_parent);
            drm::Registration::new(&*parent, other, Ok::<_, Error>(()), 0)
        }?;

        UNPLUGGED.store(false, Relaxed);
        OTHER.store(
            KBox::into_raw(KBox::new(other, GFP_KERNEL)?) as usize,
            Relaxed,
        );
        commit(&dev, |commit| {
            show(&dev, commit, Some(&fb))?;
            let fence = fence(wait)?;
            // SAFETY: The plane is in the commit, of which the state takes over the fence.
            unsafe {
                let state = bindings::drm_atomic_get_plane_state(commit, plane(&dev, 0)?.as_raw());

                (*state).fence = fence;
            }
            Ok(())
        })?;
        while !UNPLUGGED.load(Relaxed) {
            fsleep(Delta::from_millis(20));
        }

        assert!(IN_TIME.load(Relaxed));
        drop(reg);
        drop((fb, client, dev));
        drop(other_parent);
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    /// Calls what needs vblanks on a CRTC that has none yet.
    fn ask(crtc: &Crtc<TestCrtc>) {
        assert_eq!(crtc.vblank_get().err(), Some(EINVAL));
        assert_eq!(crtc.vblank_count(), 0);
        assert_eq!(crtc.accurate_vblank_count(), 0);
        assert!(!crtc.handle_vblank());
    }

    // There are no vblanks before the setup is done, and none if it has failed.
    #[test]
    fn no_vblanks_during_setup() -> Result {
        static KEPT: Atomic<usize> = Atomic::new(0);
        static SCRIPT: Script = Script {
            setup: |setup| {
                let crtc = display(setup)?;

                ask(crtc);
                let kept = KBox::new(KmsRef::from(crtc), GFP_KERNEL)?;
                KEPT.store(KBox::into_raw(kept) as usize, Relaxed);
                Err(EDOM)
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-early", None)?;

        assert_eq!(device(&parent, &SCRIPT, &events).err(), Some(EDOM));
        let kept = KEPT.load(Relaxed) as *mut KmsRef<Crtc<TestCrtc>>;
        // SAFETY: The setup has put a box there.
        let kept = unsafe { KBox::from_raw(kept) };
        ask(&kept);
        drop(kept);
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // An error of the core that a check keeps to itself makes the commit fail nevertheless.
    #[test]
    fn check_cannot_swallow_errors() -> Result {
        static SWALLOWED: Atomic<u32> = Atomic::new(0);
        static SCRIPT: Script = Script {
            setup: |setup| display(setup).and(display(setup)).map(|_| ()),
            check: |check| {
                let checked = check.helper_check()?;

                if !check.allows_modeset() {
                    let other = crtc(check.dev(), 1)?;

                    // The CRTC is in the commit after this, but must not be.
                    assert_eq!(check.add(other).err(), Some(EINVAL));
                    // It sticks: nothing is locked any more.
                    assert_eq!(check.add(crtc(check.dev(), 0)?).err(), Some(EINVAL));
                    assert_eq!(
                        check.add_affected_planes(crtc(check.dev(), 0)?),
                        Err(EINVAL)
                    );
                    assert_eq!(check.helper_check().err(), Some(EINVAL));
                    SWALLOWED.fetch_add(1, Relaxed);
                }
                Ok(checked)
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-swallow", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        SWALLOWED.store(0, Relaxed);
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        let ret = commit(&dev, |commit| {
            // SAFETY: The commit is valid and unchecked.
            unsafe { (*commit).set_allow_modeset(false) };
            show(&dev, commit, Some(&fb))
        });
        assert_eq!(SWALLOWED.load(Relaxed), 1);
        assert_eq!(ret, Err(EINVAL));
        commit(&dev, |commit| show(&dev, commit, None))
    }

    // The clients in the kernel are started once.
    #[test]
    #[cfg(CONFIG_DRM_FBDEV_EMULATION)]
    fn clients_are_started_once() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-clients", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &Script::DEFAULT, &events)?;
        let clients = || {
            // SAFETY: The device is valid.
            let list = unsafe { &raw mut (*dev.as_raw()).clientlist };
            // SAFETY: Nobody adds clients meanwhile.
            let mut entry = unsafe { (*list).next };
            let mut count = 0;

            while entry != list {
                count += 1;
                // SAFETY: As above.
                entry = unsafe { (*entry).next };
            }
            count
        };

        assert_eq!(clients(), 0);
        {
            let guard = dev.registration_guard().ok_or(ENODEV)?;

            kms::fbdev::setup_clients(&guard);
            assert_eq!(clients(), 1);
            kms::fbdev::setup_clients(&guard);
            assert_eq!(clients(), 1);
        }
        drop(reg);
        drop(client);
        Ok(())
    }

    /// A display whose connector has an encoder that does not fit before the one that does.
    fn two_encoders(setup: &SetupDevice<'_, TestKms>) -> Result {
        let planes = [
            setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?,
            setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?,
        ];
        let first = setup.create_crtc(planes[0], None, None, Ok(TestCrtc(Counted::object())))?;
        let second = setup.create_crtc(planes[1], None, None, Ok(TestCrtc(Counted::object())))?;
        let encoder = |crtc| {
            let data = Ok(TestEncoder(Counted::object()));

            setup.create_encoder(EncoderType::Virtual, &[crtc], None, data)
        };
        let encoders = [encoder(second)?, encoder(first)?];
        let data = Ok(TestConnector(Counted::object()));

        setup.create_connector(ConnectorType::Virtual, &encoders, data)?;
        Ok(())
    }

    // The encoder is one that the CRTC can feed.
    #[test]
    fn encoder_fits_crtc() -> Result {
        static SCRIPT: Script = Script {
            setup: two_encoders,
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-encoders", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        // SAFETY: The connector has a state, which nobody changes, and shows something.
        let index = unsafe { (*(*(*connector(&dev)).state).best_encoder).index };
        assert_eq!(index, 1);
        commit(&dev, |commit| show(&dev, commit, None))
    }

    /// A work item of a queue.
    #[pin_data]
    struct Slow {
        done: Atomic<u32>,
        #[pin]
        work: workqueue::Work<Slow>,
    }

    crate::impl_has_work! {
        impl HasWork<Self> for Slow { self.work }
    }

    impl workqueue::WorkItem for Slow {
        type Pointer = crate::sync::Arc<Self>;

        fn run(this: crate::sync::Arc<Self>) {
            fsleep(Delta::from_millis(100));
            this.done.fetch_add(1, Relaxed);
        }
    }

    // The end of a device waits for its queues, and closes them.
    #[test]
    fn queues_end() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-queue", None)?;
        let Plugged { reg, dev, client } = Plugged::new(&parent, &Script::DEFAULT, &events)?;
        let gone = kms::OrderedQueue::new(&dev, c"kunit-gone")?;
        let queue = kms::OrderedQueue::new(&dev, c"kunit")?;
        let slow = crate::sync::Arc::pin_init(
            pin_init!(Slow {
                done: Atomic::new(0),
                work <- crate::new_work!("kunit"),
            }),
            GFP_KERNEL,
        )?;

        drop(gone);
        assert!(queue.enqueue(slow.clone()).is_ok());
        drop(reg);
        assert_eq!(slow.done.load(Relaxed), 1);
        assert!(queue.enqueue(slow.clone()).is_err());
        drop(queue);
        assert_eq!(slow.done.load(Relaxed), 1);
        drop(client);
        drop(dev);

        // The same for a device that is never registered.
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let queue = kms::OrderedQueue::new(&dev, c"kunit")?;

        assert!(queue.enqueue(slow.clone()).is_ok());
        drop(dev);
        assert_eq!(slow.done.load(Relaxed), 2);
        assert!(queue.enqueue(slow.clone()).is_err());
        Ok(())
    }
}
