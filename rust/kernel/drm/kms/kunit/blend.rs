// SPDX-License-Identifier: GPL-2.0

//! Tests of the properties that say how planes are put together.

use super::fixture::{
    commit,
    device,
    display,
    plane,
    screen,
    show,
    Counted,
    Script,
    TestKms,
    TestPlane,
    PRIMARY, //
};
use crate::{
    bindings,
    drm::{
        kms::{
            fourcc,
            AtomicCheck,
            Checked,
            Plane,
            PlaneArgs,
            PlaneType,
            Rotation,
            Rotations,
            SetupDevice, //
        },
        kunit::fixture::{
            Client,
            Events, //
        },
        Device, //
    },
    faux,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

/// Creates a display with an overlay that can do everything. All is wrong the second time.
fn set_up(setup: &SetupDevice<'_, TestKms>) -> Result {
    let crtc = display(setup)?;
    let args = PlaneArgs {
        type_: PlaneType::Overlay,
        formats: &[fourcc::ARGB8888],
        ..PRIMARY
    };
    let overlay = setup.create_plane(&args, Ok(TestPlane(Counted::object())))?;

    setup.allow_crtc(overlay, crtc)?;
    let rotations = Rotations::ROTATE_90 | Rotations::REFLECT_X;
    setup.create_rotation_property(overlay, rotations)?;
    assert_eq!(
        setup.create_rotation_property(overlay, Rotations::ALL),
        Err(EEXIST)
    );
    setup.create_alpha_property(overlay)?;
    assert_eq!(setup.create_alpha_property(overlay), Err(EEXIST));
    assert_eq!(setup.create_zpos_property(overlay, 4, 1..=3), Err(EINVAL));
    setup.create_zpos_property(overlay, 2, 1..=3)?;
    assert_eq!(setup.create_zpos_property(overlay, 2, 1..=3), Err(EEXIST));
    assert_eq!(
        setup.create_zpos_immutable_property(overlay, 2),
        Err(EEXIST)
    );

    let primary = plane(setup, 0)?;
    setup.create_zpos_immutable_property(primary, 7)?;
    assert_eq!(setup.create_zpos_property(primary, 2, 1..=3), Err(EEXIST));
    Ok(())
}

/// Whether the places of the planes were as expected.
static PLACES: Atomic<u32> = Atomic::new(0);

fn check<'a>(check: &mut AtomicCheck<'a, TestKms>) -> Result<Checked<'a>> {
    let checked = check.helper_check()?;

    let dev = check.dev();
    let primary = check.new_state(plane(dev, 0)?)?;
    let overlay = check.add(plane(dev, 1)?)?;

    assert_eq!((primary.zpos(), overlay.zpos()), (7, 2));
    assert_eq!(primary.normalized_zpos(), 0);
    PLACES.fetch_add(1, Relaxed);
    Ok(checked)
}

/// Returns the bits that user space can set.
fn supported(plane: &Plane<TestPlane>) -> u64 {
    // SAFETY: The plane has the property, whose list of names does not change.
    unsafe {
        let property = (*plane.as_raw()).rotation_property;
        let head = &raw mut (*property).enum_list;
        let mut entry = (*head).next;
        let mut bits = 0;

        while !core::ptr::eq(entry, head) {
            let value = crate::container_of!(entry, bindings::drm_property_enum, head);

            bits |= 1u64 << (*value).value;
            entry = (*entry).next;
        }
        bits
    }
}

/// Returns the rotation that the state of `plane` says when user space has set `bits`.
fn rotation(dev: &Device<TestKms>, bits: u32) -> Result<Rotation> {
    let mut rotation = Rotation::NONE;

    // The commit is not executed.
    let ret = commit(dev, |commit| {
        // SAFETY: The commit is valid and unchecked, and of the device.
        unsafe {
            let plane = plane(dev, 1)?.as_raw();
            let state =
                crate::error::from_err_ptr(bindings::drm_atomic_get_plane_state(commit, plane))?;

            (*state).rotation = bits;
            rotation = crate::drm::kms::PlaneState::<TestPlane>::from_raw(state).rotation();
        }
        Err(EXDEV)
    });

    assert_eq!(ret, Err(EXDEV));
    Ok(rotation)
}

#[kunit_tests(rust_drm_kms_blend)]
mod tests {
    use super::*;
    use crate::drm::kms::{
        Angle,
        Rect, //
    };

    #[test]
    fn properties() -> Result {
        static SCRIPT: Script = Script {
            setup: set_up,
            check,
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-blend", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        // No rotation is always possible.
        assert_eq!(supported(plane(&dev, 1)?), 0x13);
        PLACES.store(0, Relaxed);
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        assert_eq!(PLACES.load(Relaxed), 1);
        commit(&dev, |commit| show(&dev, commit, None))?;

        assert_eq!(rotation(&dev, bindings::DRM_MODE_ROTATE_0)?, Rotation::NONE);
        assert_eq!(
            rotation(
                &dev,
                bindings::DRM_MODE_ROTATE_270 | bindings::DRM_MODE_REFLECT_Y
            )?,
            Rotation {
                angle: Angle::Deg270,
                reflect_x: false,
                reflect_y: true,
            }
        );
        Ok(())
    }

    // A corner of a picture of 5 by 3 goes where it should, and comes back.
    #[test]
    fn rectangles() {
        let corner = Rect {
            x1: 0,
            y1: 0,
            x2: 2,
            y2: 1,
        };
        let size = (5, 3);

        for (angle, expected) in [
            (Angle::Deg0, (0, 0, 2, 1)),
            (Angle::Deg90, (0, 3, 1, 5)),
            (Angle::Deg180, (3, 2, 5, 3)),
            (Angle::Deg270, (2, 0, 3, 2)),
        ] {
            let rotation = Rotation {
                angle,
                ..Rotation::NONE
            };
            let to = rotation.apply(corner, size);

            assert_eq!((to.x1, to.y1, to.x2, to.y2), expected);
            assert_eq!(rotation.swaps_axes(), to.width() == 1);
            for (reflect_x, reflect_y) in [(false, true), (true, false), (true, true)] {
                let rotation = Rotation {
                    angle,
                    reflect_x,
                    reflect_y,
                };
                let to = rotation.apply(corner, size);

                assert_ne!((to.x1, to.y1, to.x2, to.y2), expected);
                assert_eq!(rotation.undo(to, size), corner);
            }
        }
    }
}
