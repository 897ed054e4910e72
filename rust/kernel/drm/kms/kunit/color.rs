// SPDX-License-Identifier: GPL-2.0

//! Tests of colour management.

use super::fixture::*;
use crate::{
    bindings,
    container_of,
    drm::{
        kms::{
            color::{
                pipeline::{
                    ColorOpArgs,
                    ColorOpKind,
                    ColorPipeline,
                    ColorTransform,
                    Curve,
                    MAX_LUT3D_SIZE,
                    MAX_LUT_SIZE, //
                },
                S31_32, //
            },
            CrtcState,
            PlaneState,
            SetupDevice, //
        },
        kunit::fixture::{
            Client,
            Events, //
        },
        Device, //
    },
    error::from_err_ptr,
    faux,
    prelude::*,
    sync::Arc, //
};
use core::ptr;

const fn op(kind: ColorOpKind<'static>) -> ColorOpArgs<'static> {
    ColorOpArgs { kind, bypass: true }
}

/// The pipelines of [`SCRIPT`].
const FIRST: [ColorOpArgs<'static>; 3] = [
    op(ColorOpKind::Curve(&[Curve::Gamma22, Curve::SrgbEotf])),
    op(ColorOpKind::Ctm3x4),
    ColorOpArgs {
        kind: ColorOpKind::Multiplier,
        bypass: false,
    },
];
const SECOND: [ColorOpArgs<'static>; 2] = [
    op(ColorOpKind::Lut { size: 4 }),
    op(ColorOpKind::Lut3d { size: 2 }),
];

static SCRIPT: Script = Script {
    setup: |setup| {
        let data = Ok(TestPlane(Counted::object()));
        let plane = setup.create_plane(&PRIMARY, data)?;
        refused(setup, plane)?;
        setup.create_color_pipelines(plane, &[&FIRST, &SECOND])?;
        assert_eq!(setup.create_color_pipelines(plane, &[&FIRST]), Err(EEXIST));

        let crtc = setup.create_crtc(plane, None, None, Ok(TestCrtc(Counted::object())))?;
        assert_eq!(setup.enable_degamma(crtc, 1), Err(EINVAL));
        assert_eq!(setup.enable_degamma(crtc, u32::MAX), Err(EINVAL));
        setup.enable_gamma(crtc, 256)?;
        setup.enable_degamma(crtc, 33)?;
        setup.enable_ctm(crtc)?;
        assert_eq!(setup.enable_gamma(crtc, 256), Err(EEXIST));
        assert_eq!(setup.enable_degamma(crtc, 33), Err(EEXIST));
        assert_eq!(setup.enable_ctm(crtc), Err(EEXIST));
        output(setup, crtc)
    },
    ..Script::DEFAULT
};

/// Tries what makes no sense. Nothing of it must be left.
fn refused(setup: &SetupDevice<'_, TestKms>, plane: &crate::drm::kms::Plane<TestPlane>) -> Result {
    let try_one = |kind| setup.create_color_pipelines(plane, &[&[op(kind)]]);

    assert_eq!(setup.create_color_pipelines(plane, &[]), Err(EINVAL));
    assert_eq!(setup.create_color_pipelines(plane, &[&[]]), Err(EINVAL));
    assert_eq!(try_one(ColorOpKind::Curve(&[])), Err(EINVAL));
    for size in [0, 1, MAX_LUT_SIZE + 1, u32::MAX] {
        assert_eq!(try_one(ColorOpKind::Lut { size }), Err(EINVAL));
    }
    for size in [0, 1, MAX_LUT3D_SIZE + 1, u32::MAX] {
        assert_eq!(try_one(ColorOpKind::Lut3d { size }), Err(EINVAL));
    }
    // SAFETY: The device is valid, and nobody else uses it during setup.
    let created = unsafe { (*setup.as_raw()).mode_config.num_colorop };
    assert_eq!(created, 0);
    Ok(())
}

/// Returns the operation of `dev` that was created as number `index`.
fn operation(dev: &Device<TestKms>, index: usize) -> *mut bindings::drm_colorop {
    // SAFETY: The device is valid, and the test does not ask for more operations than it has.
    unsafe {
        let mut link = (*dev.as_raw()).mode_config.colorop_list.next;

        for _ in 0..index {
            link = (*link).next;
        }
        container_of!(link, bindings::drm_colorop, head)
    }
}

/// Puts a blob of `data` into `slot`, as setting a property does.
///
/// # Safety
///
/// `slot` must hold a reference to a blob, or null.
unsafe fn set_blob<T: Copy>(
    dev: &Device<TestKms>,
    slot: *mut *mut bindings::drm_property_blob,
    data: &[T],
) -> Result {
    // SAFETY: The data are plain and are copied.
    let blob = from_err_ptr(unsafe {
        bindings::drm_property_create_blob(dev.as_raw(), size_of_val(data), data.as_ptr().cast())
    })?;

    // SAFETY: By the safety requirements of this function. The slot takes a reference of its own.
    unsafe {
        bindings::drm_property_replace_blob(slot, blob);
        bindings::drm_property_blob_put(blob);
    }
    Ok(())
}

/// Has `commit` choose a pipeline, named by its first operation.
fn choose(
    dev: &Device<TestKms>,
    commit: *mut bindings::drm_atomic_commit,
    first: Option<usize>,
) -> Result {
    let op = first.map_or(ptr::null_mut(), |index| operation(dev, index));

    // SAFETY: The commit is valid and unchecked; all objects are of its device.
    unsafe {
        let plane = plane(dev, 0)?.as_raw();
        let state = from_err_ptr(bindings::drm_atomic_get_plane_state(commit, plane))?;

        bindings::drm_atomic_set_colorop_for_plane(state, op);
        (*state).set_color_mgmt_changed(true);
    }
    Ok(())
}

/// Has `commit` change the state of an operation, as setting a property does.
fn change(
    dev: &Device<TestKms>,
    commit: *mut bindings::drm_atomic_commit,
    index: usize,
    f: impl FnOnce(&mut bindings::drm_colorop_state) -> Result,
) -> Result {
    // SAFETY: The commit is valid and unchecked; all objects are of its device.
    unsafe {
        let op = operation(dev, index);
        let state = from_err_ptr(bindings::drm_atomic_get_colorop_state(commit, op))?;
        let plane = from_err_ptr(bindings::drm_atomic_get_plane_state(commit, (*op).plane))?;

        (*plane).set_color_mgmt_changed(true);
        f(&mut *state)
    }
}

/// Returns the current snapshot of the plane.
fn snapshot(dev: &Device<TestKms>) -> Result<Option<Arc<ColorPipeline>>> {
    // SAFETY: The plane has a state, which nobody changes.
    let state = unsafe { PlaneState::<TestPlane>::from_raw((*plane(dev, 0)?.as_raw()).state) };

    Ok(state.color_pipeline().cloned())
}

/// The numbers of a matrix.
fn numbers(first: u64) -> [u64; 12] {
    core::array::from_fn(|i| first + i as u64)
}

/// Returns the first number of the matrix that is the step `index` of a pipeline.
fn matrix(pipeline: &ColorPipeline, index: usize) -> Option<[u64; 12]> {
    match pipeline.steps().get(index)?.transform() {
        ColorTransform::Ctm3x4(m) => Some(m.map(S31_32::bits)),
        _ => None,
    }
}

#[kunit_tests(rust_drm_kms_color_management)]
mod tests {
    use super::*;

    // A state has what its own commit has set, whatever later ones do.
    #[test]
    fn snapshots() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-colorop", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        assert!(snapshot(&dev)?.is_none());

        // The multiplier cannot be switched off, the others are.
        commit(&dev, |commit| choose(&dev, commit, Some(0)))?;
        let first = snapshot(&dev)?.ok_or(ENOENT)?;
        assert_eq!(first.index(), 0);
        assert_eq!(first.steps().len(), 1);
        assert_eq!(first.steps()[0].position(), 2);
        assert!(matches!(
            first.steps()[0].transform(),
            ColorTransform::Multiplier(m) if m.bits() == 0
        ));

        // Without data the matrix does nothing. The curve is the first one of the enumeration.
        commit(&dev, |commit| {
            change(&dev, commit, 0, |op| {
                op.bypass = false;
                Ok(())
            })?;
            change(&dev, commit, 1, |op| {
                op.bypass = false;
                Ok(())
            })?;
            change(&dev, commit, 2, |op| {
                op.multiplier = S31_32::ONE.bits();
                Ok(())
            })
        })?;
        let second = snapshot(&dev)?.ok_or(ENOENT)?;
        assert_eq!(second.steps().len(), 2);
        assert!(matches!(
            second.steps()[0].transform(),
            ColorTransform::Curve(Curve::SrgbEotf)
        ));
        assert!(matches!(
            second.steps()[1].transform(),
            ColorTransform::Multiplier(m) if m.bits() == 1 << 32
        ));

        commit(&dev, |commit| {
            change(&dev, commit, 1, |op| {
                // SAFETY: The state owns what is in its slot.
                unsafe { set_blob(&dev, &mut op.data, &numbers(100)) }
            })
        })?;
        let third = snapshot(&dev)?.ok_or(ENOENT)?;
        assert_eq!(matrix(&third, 1), Some(numbers(100)));
        assert_eq!(third.steps()[1].position(), 1);

        // Nothing new: the same snapshot.
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        assert!(Arc::ptr_eq(&third, &snapshot(&dev)?.ok_or(ENOENT)?));

        // A commit of nothing but an operation, which frees the state that `third` was made of.
        commit(&dev, |commit| {
            // SAFETY: The commit is valid and unchecked.
            from_err_ptr(unsafe {
                bindings::drm_atomic_get_colorop_state(commit, operation(&dev, 1))
            })?;
            Ok(())
        })?;
        assert!(Arc::ptr_eq(&third, &snapshot(&dev)?.ok_or(ENOENT)?));

        commit(&dev, |commit| {
            change(&dev, commit, 1, |op| {
                // SAFETY: As above.
                unsafe { set_blob(&dev, &mut op.data, &numbers(200)) }
            })
        })?;
        let fourth = snapshot(&dev)?.ok_or(ENOENT)?;
        assert_eq!(matrix(&fourth, 1), Some(numbers(200)));
        assert_eq!(matrix(&third, 1), Some(numbers(100)));

        commit(&dev, |commit| choose(&dev, commit, None))?;
        assert!(snapshot(&dev)?.is_none());

        // Snapshots outlive the device.
        commit(&dev, |commit| show(&dev, commit, None))?;
        drop((fb, client, dev));
        assert_eq!(live(), (0, 0));
        assert_eq!(matrix(&fourth, 1), Some(numbers(200)));
        Ok(())
    }

    // Nothing of a commit that fails its check is left, and a device can go with its pipeline on.
    #[test]
    fn failed_check() -> Result {
        static FAILS: Script = Script {
            check: |check| check.helper_check().and(Err(EDOM)),
            setup: SCRIPT.setup,
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-colorop2", None)?;
        let dev = device(&parent, &FAILS, &events)?;
        let ret = commit(&dev, |commit| choose(&dev, commit, Some(0)));
        assert_eq!(ret, Err(EDOM));
        assert!(snapshot(&dev)?.is_none());
        drop(dev);

        let parent = faux::Registration::new(c"kunit-kms-colorop3", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        commit(&dev, |commit| choose(&dev, commit, Some(0)))?;
        assert!(snapshot(&dev)?.is_some());
        drop(dev);
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    #[test]
    fn tables() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-colorop-lut", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let lut: [[u32; 4]; 4] = core::array::from_fn(|i| [i as u32, 10, u32::MAX, 7]);
        let cube: [[u32; 4]; 8] = core::array::from_fn(|i| [0, i as u32, 0, 0]);

        commit(&dev, |commit| {
            choose(&dev, commit, Some(3))?;
            for (index, data) in [(3, &lut[..]), (4, &cube[..])] {
                change(&dev, commit, index, |op| {
                    op.bypass = false;
                    // SAFETY: The state owns what is in its slot.
                    unsafe { set_blob(&dev, &mut op.data, data) }
                })?;
            }
            Ok(())
        })?;
        let pipeline = snapshot(&dev)?.ok_or(ENOENT)?;
        assert_eq!(pipeline.index(), 1);
        let [lut, cube] = pipeline.steps() else {
            return Err(EINVAL);
        };
        let ColorTransform::Lut(lut) = lut.transform() else {
            return Err(EINVAL);
        };
        let ColorTransform::Lut3d { size: 2, entries } = cube.transform() else {
            return Err(EINVAL);
        };
        assert_eq!((lut.len(), entries.len()), (4, 8));
        assert_eq!(
            (lut[3].red(), lut[3].green(), lut[3].blue()),
            (3, 10, u32::MAX)
        );
        assert_eq!(entries[7].green(), 7);

        // Too short to be a table, which the ioctl would not let in.
        commit(&dev, |commit| {
            change(&dev, commit, 4, |op| {
                // SAFETY: As above.
                unsafe { set_blob(&dev, &mut op.data, &[[0u32; 4]; 7]) }
            })
        })?;
        assert_eq!(snapshot(&dev)?.ok_or(ENOENT)?.steps().len(), 1);
        Ok(())
    }

    #[test]
    fn crtc_color_management() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-ctm", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let crtc = crtc(&dev, 0)?.as_raw();
        let matrix: [u64; 9] = core::array::from_fn(|i| 1 << 63 | i as u64);

        // SAFETY: The CRTC has a state, which nobody changes.
        let state = || unsafe { CrtcState::<TestCrtc>::from_raw((*crtc).state) };

        assert!(state().ctm().is_none() && state().degamma_lut().is_none());
        assert!(!state().color_mgmt_changed());
        commit(&dev, |commit| {
            // SAFETY: The commit is valid and unchecked; the state owns what is in its slots.
            unsafe {
                let state = from_err_ptr(bindings::drm_atomic_get_crtc_state(commit, crtc))?;

                set_blob(&dev, &raw mut (*state).degamma_lut, &[[1u16, 2, 3, 4]; 33])?;
                set_blob(&dev, &raw mut (*state).ctm, &matrix)?;
                (*state).set_color_mgmt_changed(true);
            }
            Ok(())
        })?;

        let degamma = state().degamma_lut().ok_or(ENOENT)?;
        assert_eq!(degamma.len(), 33);
        assert_eq!(
            (degamma[32].red(), degamma[32].green(), degamma[32].blue()),
            (1, 2, 3)
        );
        let [_, _, [_, _, last]] = state().ctm().ok_or(ENOENT)?.lines();
        assert_eq!((last.magnitude(), last.to_fixed()), (8, -8));
        assert!(last.is_negative());
        assert!(state().color_mgmt_changed());
        assert!(state().gamma_lut().is_none());

        // Too short to be a matrix.
        commit(&dev, |commit| {
            // SAFETY: As above.
            unsafe {
                let state = from_err_ptr(bindings::drm_atomic_get_crtc_state(commit, crtc))?;

                set_blob(&dev, &raw mut (*state).ctm, &matrix[..8])
            }
        })?;
        assert!(state().ctm().is_none());
        Ok(())
    }

    // User space finds the pipelines by the property of the plane, and their operations one by one.
    #[test]
    fn properties() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-colorprop", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;

        // SAFETY: The plane has the property, whose values never change.
        let values = unsafe {
            let property = (*plane(&dev, 0)?.as_raw()).color_pipeline_property;

            core::slice::from_raw_parts((*property).values, (*property).num_values as usize)
        };
        let id = |index| {
            // SAFETY: The operation is initialised.
            u64::from(unsafe { (*operation(&dev, index)).base.id })
        };
        let next = |index| {
            // SAFETY: The operation is initialised.
            unsafe { (*operation(&dev, index)).next }
        };
        assert_eq!(values, [0, id(0), id(3)]);
        for op in [0, 1, 3] {
            assert_eq!(next(op), operation(&dev, op + 1));
        }
        assert!(next(2).is_null());
        assert!(next(4).is_null());

        // What was created before an error goes with the device.
        static FAILS: Script = Script {
            setup: |setup| (SCRIPT.setup)(setup).and(Err(EDOM)),
            ..Script::DEFAULT
        };
        let parent = faux::Registration::new(c"kunit-kms-colorprop2", None)?;
        assert_eq!(device(&parent, &FAILS, &events).err(), Some(EDOM));
        Ok(())
    }
}
