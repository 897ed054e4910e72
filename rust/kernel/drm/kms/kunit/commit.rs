// SPDX-License-Identifier: GPL-2.0

//! Tests of commits, events and vblanks.

use super::fixture::*;
use crate::{
    bindings,
    drm::{
        self,
        kms::{
            self,
            CrtcCommit,
            Framebuffer, //
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
};

/// Returns the digits of [`Events`] for these events.
fn log(events: &[u64]) -> u64 {
    events.iter().fold(0, |log, event| (log << 4) | event)
}

fn set(dev: &Device<TestKms>, fb: Option<&Framebuffer<TestKms>>) -> Result {
    commit(dev, |commit| show(dev, commit, fb))
}

#[kunit_tests(rust_drm_kms_commit)]
mod tests {
    use super::*;

    // Callbacks come in the order of the helpers, for switching on, flipping and switching off.
    #[test]
    fn order() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-order", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        set(&dev, Some(&fb))?;
        let on = [
            PLANE_CHECK,
            CRTC_CHECK,
            CRTC_BEGIN,
            PLANE_UPDATE,
            CRTC_FLUSH,
            CRTC_ENABLE,
            ENCODER_ENABLE,
        ];
        assert_eq!(events.seen(), log(&on));

        let second = screen(&dev, &client)?;
        set(&dev, Some(&second))?;
        let flip = [
            PLANE_CHECK,
            CRTC_CHECK,
            CRTC_BEGIN,
            PLANE_UPDATE,
            CRTC_FLUSH,
        ];
        assert_eq!(events.seen(), log(&on) << 20 | log(&flip));

        set(&dev, None)?;
        let off = [
            PLANE_CHECK,
            CRTC_CHECK,
            ENCODER_DISABLE,
            CRTC_DISABLE,
            CRTC_BEGIN,
            PLANE_DISABLE,
            CRTC_FLUSH,
        ];
        assert_eq!(events.seen() & 0xfff_ffff, log(&off));

        // The states are those that were created first: none is left over.
        assert_eq!(live(), (4, 3));
        drop((fb, second, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // The other order, in which the planes of a CRTC that goes off are not touched.
    #[test]
    fn enables_first() -> Result {
        static SCRIPT: Script = Script {
            enables_first: true,
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-order2", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        set(&dev, Some(&fb))?;
        let on = [
            PLANE_CHECK,
            CRTC_CHECK,
            CRTC_ENABLE,
            ENCODER_ENABLE,
            CRTC_BEGIN,
            PLANE_UPDATE,
            CRTC_FLUSH,
        ];
        assert_eq!(events.seen(), log(&on));

        // Nobody flushes, so the event is delivered by the tail: this returns at once.
        //
        // SAFETY: `jiffies` is always valid.
        let before = unsafe { bindings::jiffies };
        set(&dev, None)?;
        let off = [PLANE_CHECK, CRTC_CHECK, ENCODER_DISABLE, CRTC_DISABLE];
        assert_eq!(events.seen() & 0xffff, log(&off));
        // SAFETY: `jiffies` is always valid.
        let after = unsafe { bindings::jiffies };
        assert!(after.wrapping_sub(before) < (bindings::HZ as c_ulong));
        Ok(())
    }

    /// How often an event was there.
    static TAKEN: Atomic<u32> = Atomic::new(0);

    fn take_twice(commit: &CrtcCommit<'_, TestCrtc>) {
        let first = commit.take_event();
        let second = commit.take_event();

        TAKEN.fetch_add(u32::from(first.is_some()), Relaxed);
        TAKEN.fetch_add(u32::from(second.is_some()) * 0x100, Relaxed);
        // `first` is dropped, and thereby sent: the commit does not wait for a vblank.
    }

    #[test]
    fn events_are_taken_once_and_sent_on_drop() -> Result {
        static SCRIPT: Script = Script {
            flush: take_twice,
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-events", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        TAKEN.store(0, Relaxed);
        set(&dev, Some(&fb))?;
        set(&dev, Some(&fb))?;
        set(&dev, None)?;
        assert_eq!(TAKEN.load(Relaxed), 3);
        Ok(())
    }

    /// How many events could be armed, and not be armed.
    static ARMED: Atomic<u32> = Atomic::new(0);

    fn arm(commit: &CrtcCommit<'_, TestCrtc>) {
        let Some(event) = commit.take_event() else {
            return;
        };
        match event.arm() {
            Ok(()) => ARMED.fetch_add(1, Relaxed),
            Err(_event) => ARMED.fetch_add(0x100, Relaxed),
        };
    }

    // Arming takes a reference to the vblank, which the event gives back.
    #[test]
    fn events_are_armed() -> Result {
        static SCRIPT: Script = Script {
            flush: arm,
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-arm", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        let crtc = crtc(&dev, 0)?;
        // SAFETY: The device has one CRTC with vblanks.
        let references = || unsafe { (*(*dev.as_raw()).vblank).refcount.counter };

        assert!(crtc.vblank_get().is_err());
        ARMED.store(0, Relaxed);
        // The CRTC goes on after the flush: no vblank yet.
        set(&dev, Some(&fb))?;
        assert_eq!(ARMED.load(Relaxed), 0x100);
        for _ in 0..3 {
            set(&dev, Some(&fb))?;
        }
        assert_eq!(ARMED.load(Relaxed), 0x103);
        assert_eq!(references(), 0);
        {
            let _one = crtc.vblank_get()?;
            let _two = crtc.vblank_get()?;
            assert_eq!(references(), 2);
        }
        assert_eq!(references(), 0);
        assert!(crtc.vblank_count() >= 3);

        set(&dev, None)?;
        assert_eq!(ARMED.load(Relaxed), 0x203);
        assert!(crtc.vblank_get().is_err());
        Ok(())
    }

    // A failed duplication is out of memory for user space, whatever the driver says.
    #[test]
    fn duplicate_fails() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-dup", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        fail_states(false, true);
        let ret = set(&dev, Some(&fb));
        fail_states(false, false);
        assert_eq!(ret, Err(ENOMEM));
        assert_eq!(events.seen(), 0);
        assert_eq!(live(), (4, 3));
        Ok(())
    }

    // New states are lent one at a time, and only of this device and commit.
    #[test]
    fn check_lends_states() -> Result {
        static SCRIPT: Script = Script {
            setup: |setup| display(setup).and(display(setup)).map(|_| ()),
            check: |check| {
                let dev = check.dev();
                let crtc = crtc(dev, 0)?;
                {
                    let mut state = check.new_state(crtc)?;

                    assert_eq!(check.new_state(crtc).err(), Some(EBUSY));
                    assert_eq!(check.add(crtc).err(), Some(EBUSY));
                    // Another kind of object with the same index.
                    assert!(check.new_state(plane(dev, 0)?).is_ok());
                    assert!(check.old_state(crtc).is_some());
                    state.data_mut().kept += 1;
                    state.data_mut().once += 1;
                }
                assert_eq!(check.new_state(crtc)?.once, 1);

                let other = self::crtc(dev, 1)?;
                assert_eq!(check.new_state(other).err(), Some(ENOENT));
                assert_eq!(check.add_affected_planes(other), Err(ENOENT));
                assert!(check.old_state(other).is_none());
                assert!(!check.add(other)?.active());
                assert!(check.new_state(other).is_ok());

                check.helper_check()
            },
            flush: |commit| {
                let crtc = commit.object();
                let (old, new) = (commit.old(), commit.new());

                if crtc.mask() == 1 {
                    assert_eq!(old.kept + 1, new.kept);
                    assert_eq!(new.once, 1);
                }
                assert!(commit.new_state(crtc).is_some());
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-lend", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        for _ in 0..3 {
            set(&dev, Some(&fb))?;
        }
        set(&dev, None)
    }

    /// How often a look-up of a check met a deadlock.
    #[cfg(CONFIG_DEBUG_WW_MUTEX_SLOWPATH)]
    static DEADLOCKS: Atomic<u32> = Atomic::new(0);

    // A deadlock in a check, of which the kernel makes some on purpose, is passed on, and the check
    // begins anew with states of its own.
    #[test]
    #[cfg(CONFIG_DEBUG_WW_MUTEX_SLOWPATH)]
    fn checks_are_repeated() -> Result {
        static SCRIPT: Script = Script {
            setup: |setup| display(setup).and(display(setup)).map(|_| ()),
            check: |check| {
                let dev = check.dev();

                // One more with each check that gets as far as this.
                check.new_state(crtc(dev, 0)?)?.data_mut().kept += 1;

                let ret = check.add(crtc(dev, 1)?).map(|_| ());
                if ret == Err(EDEADLK) {
                    DEADLOCKS.fetch_add(1, Relaxed);
                }
                ret?;
                check.helper_check()
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-deadlock", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        // The number of the lock that meets a deadlock goes round with the contexts, in 16 steps.
        for _ in 0..24 {
            set(&dev, Some(&fb))?;
        }
        assert!(DEADLOCKS.load(Relaxed) > 0);
        // SAFETY: The CRTC has a state, which nobody changes.
        let state =
            unsafe { kms::CrtcState::<TestCrtc>::from_raw((*crtc(&dev, 0)?.as_raw()).state) };
        assert_eq!(state.kept, 24);
        set(&dev, None)?;
        drop((fb, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // Without permission for a modeset, no CRTC gets into a commit that user space has not named.
    #[test]
    fn check_adds_no_crtcs() -> Result {
        static SCRIPT: Script = Script {
            setup: |setup| display(setup).and(display(setup)).map(|_| ()),
            check: |check| {
                let checked = check.helper_check()?;

                if !check.allows_modeset() {
                    let other = crtc(check.dev(), 1)?;

                    assert!(check.add(crtc(check.dev(), 0)?).is_ok());
                    assert_eq!(check.add(other).err(), Some(EINVAL));
                    return Err(EXDEV);
                }
                Ok(checked)
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-add", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        set(&dev, Some(&fb))?;
        let ret = commit(&dev, |commit| {
            // SAFETY: The commit is valid and unchecked.
            unsafe { (*commit).set_allow_modeset(false) };
            show(&dev, commit, Some(&fb))
        });
        assert_eq!(ret, Err(EXDEV));
        set(&dev, None)
    }

    // A look-up with an object of another device finds nothing, whatever the index.
    #[test]
    fn foreign_objects() -> Result {
        static FOREIGN: Atomic<usize> = Atomic::new(0);
        static SEEN: Atomic<u32> = Atomic::new(0);
        static SCRIPT: Script = Script {
            check: |check| {
                // SAFETY: The test keeps that CRTC.
                let other = unsafe {
                    kms::Crtc::<TestCrtc>::from_raw(FOREIGN.load(Relaxed) as *mut bindings::drm_crtc)
                };
                assert_eq!(check.add(other).err(), Some(EINVAL));
                assert_eq!(check.new_state(other).err(), Some(EINVAL));
                assert_eq!(check.add_affected_planes(other), Err(EINVAL));
                assert!(check.old_state(other).is_none());
                SEEN.fetch_add(1, Relaxed);
                check.helper_check()
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let other_parent = faux::Registration::new(c"kunit-kms-other", None)?;
        let other = device(&other_parent, &Script::DEFAULT, &events)?;
        let parent = faux::Registration::new(c"kunit-kms-foreign", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        FOREIGN.store(crtc(&other, 0)?.as_raw() as usize, Relaxed);
        SEEN.store(0, Relaxed);
        set(&dev, Some(&fb))?;
        set(&dev, None)?;
        assert_eq!(SEEN.load(Relaxed), 2);
        Ok(())
    }

    // Unplugging switches everything off; after it, nothing goes on any more.
    #[test]
    fn unplug() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-unplug", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let handle: ARef<Device<_>> = (&*dev).into();
        // SAFETY: The registration is dropped below.
        let reg = unsafe { drm::Registration::new(bound(&parent), dev, Ok::<_, Error>(()), 0) }?;
        let client = Client::open(&handle)?;
        let fb = screen(&handle, &client)?;

        set(&handle, Some(&fb))?;
        assert!(crtc(&handle, 0)?.vblank_get().is_ok());
        drop(reg);
        let off = [
            ENCODER_DISABLE,
            CRTC_DISABLE,
            CRTC_BEGIN,
            PLANE_DISABLE,
            CRTC_FLUSH,
        ];
        assert_eq!(events.seen() & 0xf_ffff, log(&off));
        assert!(crtc(&handle, 0)?.vblank_get().is_err());

        // The core does not even look at a connector that is gone.
        let seen = events.seen();
        assert_eq!(set(&handle, Some(&fb)), Err(EINVAL));
        assert_eq!(events.seen(), seen);
        // What leaves the display off is allowed: closed files are cleaned up that way.
        set(&handle, None)?;

        drop((fb, client));
        assert_eq!(live(), (4, 3));
        drop(handle);
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // A commit that was checked before the device was unplugged does not switch a CRTC on, and one
    // that leaves it on or switches it off is executed.
    #[test]
    fn unplug_after_check() -> Result {
        static SCRIPT: Script = Script {
            check: |check| {
                let checked = check.helper_check()?;

                // SAFETY: The device is valid, and the test is its only user.
                unsafe { (*check.dev().as_raw()).unplugged = UNPLUG.load(Relaxed) };
                Ok(checked)
            },
            ..Script::DEFAULT
        };
        static UNPLUG: Atomic<bool> = Atomic::new(true);

        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-late", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        UNPLUG.store(true, Relaxed);
        assert_eq!(set(&dev, Some(&fb)), Err(ENODEV));
        assert_eq!(events.seen(), log(&[PLANE_CHECK, CRTC_CHECK]));
        UNPLUG.store(false, Relaxed);
        set(&dev, Some(&fb))?;
        UNPLUG.store(true, Relaxed);
        set(&dev, Some(&fb))?;
        set(&dev, None)?;
        assert_eq!(events.seen() & 0xf, CRTC_FLUSH);
        assert!(crtc(&dev, 0)?.vblank_get().is_err());
        Ok(())
    }

    // The legacy ioctls of the cursor change the current state in place, unless there is more to it.
    #[test]
    fn async_update() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-async", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let (first, second) = (screen(&dev, &client)?, screen(&dev, &client)?);
        let cursor = |fb| {
            commit(&dev, |commit| {
                // SAFETY: The commit is valid and unchecked.
                unsafe { (*commit).set_legacy_cursor_update(true) };
                show(&dev, commit, fb)
            })
        };
        let shown = || -> Result<_> {
            // SAFETY: The plane is valid, and nobody else changes its state.
            Ok(unsafe { (*(*plane(&dev, 0)?.as_raw()).state).fb })
        };

        // Switching on is a matter for an ordinary commit.
        cursor(Some(&first))?;
        assert_eq!(events.seen() & 0xf, ENCODER_ENABLE);

        let before = events.seen();
        let at_once = [PLANE_CHECK, CRTC_CHECK, ASYNC_CHECK, ASYNC_UPDATE];
        cursor(Some(&second))?;
        assert_eq!(events.seen(), before << 16 | log(&at_once));
        assert_eq!(shown()?, second.as_raw());
        cursor(Some(&first))?;
        assert_eq!(events.seen() & 0xffff, log(&at_once));
        assert_eq!(shown()?, first.as_raw());

        // Who is not asked for it waits.
        set(&dev, Some(&second))?;
        assert_eq!(events.seen() & 0xf, CRTC_FLUSH);
        assert_eq!(shown()?, second.as_raw());
        cursor(None)?;
        assert!(shown()?.is_null());
        Ok(())
    }

    // A mode whose vblanks the timer cannot make is refused, whatever its numbers overflow.
    #[test]
    fn timer_modes() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-timer-modes", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        let refused: [fn(&mut bindings::drm_display_mode); 6] = [
            |mode| mode.clock = i32::MAX,
            // More often than every 0.1 ms.
            |mode| mode.clock = 800 * 525 * 10 + 100,
            // A second and more.
            |mode| mode.clock = 419,
            // `crtc_vtotal` is 0.
            |mode| (mode.vtotal, mode.vscan) = (0x8000, 4),
            |mode| (mode.vtotal, mode.flags) = (0x8000, bindings::DRM_MODE_FLAG_DBLSCAN),
            |mode| mode.clock = 0,
        ];

        for change in refused {
            let ret = commit(&dev, |commit| show_with(&dev, commit, Some(&fb), change));
            assert_eq!(ret, Err(EINVAL));
        }

        let taken: [fn(&mut bindings::drm_display_mode); 3] = [
            |mode| mode.clock = 800 * 525 * 10,
            |mode| mode.clock = 421,
            |mode| (mode.clock, mode.vscan) = (842, 2),
        ];

        for change in taken {
            commit(&dev, |commit| show_with(&dev, commit, Some(&fb), change))?;
        }
        set(&dev, None)
    }

    // The core's view of the sources and the size of entries.
    #[test]
    #[cfg(CONFIG_DEBUG_FS)]
    fn crc_sources() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-crc", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let crtc = crtc(&dev, 0)?;
        let raw = crtc.as_raw();
        // SAFETY: The CRTC is valid and has the function.
        let verify = unsafe { (*(*raw).funcs).verify_crc_source }.ok_or(ENOSYS)?;
        let call = |name: &CStr| {
            let mut count = 0;

            // SAFETY: All arguments are valid.
            (
                unsafe { verify(raw, name.as_char_ptr(), &mut count) },
                count,
            )
        };

        assert_eq!(call(c"auto"), (0, 2));
        assert_eq!(call(c"plane"), (0, 2));
        assert_eq!(call(c"output"), (0, 2));
        assert_eq!(call(c"other").0, EINVAL.to_errno());
        assert_eq!(call(c"").0, EINVAL.to_errno());

        // Wrong number of values, and nobody reads.
        assert_eq!(crtc.add_crc_entry(Some(1), &[1]), Err(EINVAL));
        assert_eq!(crtc.add_crc_entry(None, &[1, 2, 3]), Err(EINVAL));
        assert_eq!(crtc.add_crc_entry(None, &[1, 2]), Err(EINVAL));
        Ok(())
    }
}
