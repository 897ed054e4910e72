// SPDX-License-Identifier: GPL-2.0

//! Tests of the setup of devices.

use super::fixture::{
    crtc,
    device,
    display,
    fail_states,
    live,
    output,
    plane,
    Counted,
    Script,
    TestConnector,
    TestCrtc,
    TestEncoder,
    TestKms,
    TestPlane,
    PRIMARY, //
};
use crate::{
    bindings,
    drm::{
        kms::{
            color::{
                ColorEncoding,
                ColorRange, //
            },
            fourcc,
            ConnectorType,
            EncoderType,
            Fourcc,
            KmsRef,
            ModeObject,
            PlaneArgs,
            PlaneState,
            PlaneType,
            SetupDevice, //
        },
        kunit::fixture::Events, //
    },
    error::Error,
    faux,
    prelude::*, //
};

fn primary(setup: &SetupDevice<'_, TestKms>) -> Result {
    setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;
    Ok(())
}

fn with_formats(setup: &SetupDevice<'_, TestKms>, formats: &[Fourcc]) -> Result {
    let args = PlaneArgs { formats, ..PRIMARY };

    setup.create_plane(&args, Ok(TestPlane(Counted::object())))?;
    Ok(())
}

/// Makes a device of which the setup fails, and returns the error.
fn failure(setup: fn(&SetupDevice<'_, TestKms>) -> Result) -> Result<Option<Error>> {
    let events = Events::new()?;
    let parent = faux::Registration::new(c"kunit-kms-fail", None)?;
    let script = KBox::leak(KBox::new(
        Script {
            setup,
            ..Script::DEFAULT
        },
        GFP_KERNEL,
    )?);
    let script: *const Script = script;

    // SAFETY: The script is freed below, when no device that could use it is left.
    let err = device(&parent, unsafe { &*script }, &events).err();
    // SAFETY: It came from a box, and the device is gone.
    drop(unsafe { KBox::from_raw(script.cast_mut()) });
    Ok(err)
}

#[kunit_tests(rust_drm_kms_setup)]
mod tests {
    use super::*;

    // All objects get their index, ID and initial state, and go with the device.
    #[test]
    fn display_and_overlay() -> Result {
        static SCRIPT: Script = Script {
            setup: |setup| {
                let first = display(setup)?;
                let second = display(setup)?;
                let args = PlaneArgs {
                    type_: PlaneType::Overlay,
                    formats: &[fourcc::ARGB8888],
                    ..PRIMARY
                };
                let overlay = setup.create_plane(&args, Ok(TestPlane(Counted::object())))?;

                setup.allow_crtc(overlay, first)?;
                setup.allow_crtc(overlay, second)
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-setup", None)?;
        assert_eq!(live(), (0, 0));
        let dev = device(&parent, &SCRIPT, &events)?;

        // Two of each kind and the overlay; encoders have no state.
        assert_eq!(live(), (9, 7));
        assert_eq!(crtc(&dev, 1)?.mask(), 2);
        assert_eq!(plane(&dev, 2)?.type_(), PlaneType::Overlay);
        assert_ne!(crtc(&dev, 0)?.id(), crtc(&dev, 1)?.id());
        // SAFETY: The plane is valid and nobody changes it.
        let overlay = unsafe { (*plane(&dev, 2)?.as_raw()).possible_crtcs };
        // SAFETY: As above.
        let primary = unsafe { (*plane(&dev, 1)?.as_raw()).possible_crtcs };
        assert_eq!((overlay, primary), (3, 2));
        assert_eq!(crtc(&dev, 2).err(), Some(ENOENT));

        drop(dev);
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // A handle keeps the object, and with it the device.
    #[test]
    fn handle() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-ref", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let handle = KmsRef::from(crtc(&dev, 0)?);
        let id = handle.id();

        drop(dev);
        let other = handle.clone();
        drop(handle);
        assert_eq!(live(), (4, 3));
        assert_eq!(other.id(), id);
        drop(other);
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // A name is no format string.
    #[test]
    fn names() -> Result {
        static SCRIPT: Script = Script {
            setup: |setup| {
                let args = PlaneArgs {
                    name: Some(c"100%s %d%%"),
                    ..PRIMARY
                };
                let plane = setup.create_plane(&args, Ok(TestPlane(Counted::object())))?;
                let data = Ok(TestCrtc(Counted::object()));
                let crtc = setup.create_crtc(plane, None, Some(c"%n%s"), data)?;

                output(setup, crtc)
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-names", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;

        // SAFETY: The plane is valid, and so is its name.
        let name = unsafe { CStr::from_char_ptr((*plane(&dev, 0)?.as_raw()).name) };
        assert_eq!(name.to_bytes(), b"100%s %d%%");
        // SAFETY: The CRTC is valid, and so is its name.
        let name = unsafe { CStr::from_char_ptr((*crtc(&dev, 0)?.as_raw()).name) };
        assert_eq!(name.to_bytes(), b"%n%s");
        Ok(())
    }

    #[test]
    fn planes_that_make_no_sense() -> Result {
        assert_eq!(failure(|setup| with_formats(setup, &[]))?, Some(EINVAL));
        // More formats than fit into the core's masks.
        assert_eq!(
            failure(|setup| with_formats(setup, &[fourcc::XRGB8888; 65]))?,
            Some(EINVAL)
        );
        assert_eq!(
            failure(|setup| with_formats(setup, &[Fourcc::new(*b"????")]))?,
            Some(EINVAL)
        );
        assert_eq!(
            failure(|setup| with_formats(setup, &[fourcc::R8, fourcc::XRGB8888, fourcc::R8]))?,
            Some(EINVAL)
        );
        // An overlay that fits no CRTC.
        assert_eq!(
            failure(|setup| {
                let args = PlaneArgs {
                    type_: PlaneType::Overlay,
                    ..PRIMARY
                };

                display(setup)?;
                setup.create_plane(&args, Ok(TestPlane(Counted::object())))?;
                Ok(())
            })?,
            Some(EINVAL)
        );
        // A primary plane without a CRTC.
        assert_eq!(
            failure(|setup| {
                let crtc = display(setup)?;
                let spare = setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;

                setup.allow_crtc(spare, crtc)
            })?,
            Some(EINVAL)
        );
        // More planes than the core can handle.
        assert_eq!(
            failure(|setup| (0..33).try_for_each(|_| primary(setup)))?,
            Some(ENOSPC)
        );
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    #[test]
    fn crtcs_that_make_no_sense() -> Result {
        // None at all.
        assert_eq!(failure(|_| Ok(()))?, Some(EINVAL));
        // The primary plane of two.
        assert_eq!(
            failure(|setup| {
                let plane = setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;

                setup.create_crtc(plane, None, None, Ok(TestCrtc(Counted::object())))?;
                setup.create_crtc(plane, None, None, Ok(TestCrtc(Counted::object())))?;
                Ok(())
            })?,
            Some(EINVAL)
        );
        // Planes of the wrong type.
        assert_eq!(
            failure(|setup| {
                let one = setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;
                let two = setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;

                setup.create_crtc(one, Some(two), None, Ok(TestCrtc(Counted::object())))?;
                Ok(())
            })?,
            Some(EINVAL)
        );
        assert_eq!(
            failure(|setup| {
                let args = PlaneArgs {
                    type_: PlaneType::Cursor,
                    ..PRIMARY
                };
                let plane = setup.create_plane(&args, Ok(TestPlane(Counted::object())))?;

                setup.create_crtc(plane, None, None, Ok(TestCrtc(Counted::object())))?;
                Ok(())
            })?,
            Some(EINVAL)
        );
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    #[test]
    fn outputs_that_make_no_sense() -> Result {
        assert_eq!(
            failure(|setup| {
                let data = Ok(TestEncoder(Counted::object()));

                setup.create_encoder(EncoderType::Virtual, &[], None, data)?;
                Ok(())
            })?,
            Some(EINVAL)
        );
        assert_eq!(
            failure(|setup| {
                let data = Ok(TestConnector(Counted::object()));

                setup.create_connector(ConnectorType::Virtual, &[], data)?;
                Ok(())
            })?,
            Some(EINVAL)
        );
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // The first value of each property is that of the initial state.
    #[test]
    fn color_properties() -> Result {
        static SCRIPT: Script = Script {
            setup: |setup| {
                use ColorEncoding::*;
                use ColorRange::*;

                let plane = setup.create_plane(&PRIMARY, Ok(TestPlane(Counted::object())))?;
                let none = setup.create_color_properties(plane, &[], &[Full]);
                assert_eq!(none, Err(EINVAL));
                let none = setup.create_color_properties(plane, &[Bt601], &[]);
                assert_eq!(none, Err(EINVAL));

                setup.create_color_properties(plane, &[Bt709, Bt601], &[Full, Limited])?;
                let again = setup.create_color_properties(plane, &[Bt601], &[Full]);
                assert_eq!(again, Err(EEXIST));

                let data = Ok(TestCrtc(Counted::object()));
                let crtc = setup.create_crtc(plane, None, None, data)?;
                output(setup, crtc)
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-color", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;

        // SAFETY: The plane has a state, which nobody changes.
        let state = unsafe { PlaneState::<TestPlane>::from_raw((*plane(&dev, 0)?.as_raw()).state) };
        assert_eq!(state.color_encoding(), ColorEncoding::Bt709);
        assert_eq!(state.color_range(), ColorRange::Full);
        Ok(())
    }

    // Objects of one device do not get into another one.
    #[test]
    fn foreign_objects() -> Result {
        static OTHER: Script = Script {
            setup: |setup| {
                // The test passes the device of the other plane in no other way.
                let plane = FOREIGN.load(crate::sync::atomic::Relaxed);
                // SAFETY: The test keeps that device.
                let plane = unsafe {
                    crate::drm::kms::Plane::<TestPlane>::from_raw(plane as *mut bindings::drm_plane)
                };
                let data = Ok(TestCrtc(Counted::object()));

                setup.create_crtc(plane, None, None, data)?;
                Ok(())
            },
            ..Script::DEFAULT
        };
        static FOREIGN: crate::sync::atomic::Atomic<usize> = crate::sync::atomic::Atomic::new(0);

        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-foreign", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;

        FOREIGN.store(
            plane(&dev, 0)?.as_raw() as usize,
            crate::sync::atomic::Relaxed,
        );
        assert_eq!(device(&parent, &OTHER, &events).err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn sizes_that_make_no_sense() -> Result {
        macro_rules! check {
            ($($field:ident: $value:expr),*) => {{
                let info = crate::drm::kms::ModeConfigInfo {
                    $($field: $value,)*
                    ..Script::DEFAULT.info
                };
                info.check()
            }};
        }

        assert_eq!(check!(min_size: (1, 1)), Ok(()));
        assert_eq!(check!(min_size: (8192, 1)), Err(EINVAL));
        assert_eq!(check!(min_size: (1, 8192)), Err(EINVAL));
        assert_eq!(check!(min_size: (0, 0), max_size: (0, 0)), Err(EINVAL));
        assert_eq!(check!(max_size: (65536, 100)), Err(EINVAL));
        assert_eq!(check!(cursor_size: (64, u32::MAX)), Err(EINVAL));
        Ok(())
    }

    // What was created before an error is freed, and nothing else.
    #[test]
    fn errors() -> Result {
        assert_eq!(failure(|setup| display(setup).and(Err(EDOM)))?, Some(EDOM));
        assert_eq!(
            failure(|setup| {
                setup.create_plane(&PRIMARY, Err::<TestPlane, _>(EXDEV))?;
                Ok(())
            })?,
            Some(EXDEV)
        );
        fail_states(true, false);
        let err = failure(|setup| display(setup).map(|_| ()));
        fail_states(false, false);
        assert_eq!(err?, Some(EDOM));
        assert_eq!(live(), (0, 0));
        Ok(())
    }
}
