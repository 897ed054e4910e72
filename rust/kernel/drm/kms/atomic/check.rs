// SPDX-License-Identifier: GPL-2.0

//! The check phase of atomic commits.

use super::super::{
    crtc::Crtc,
    object::{
        private::{
            RawAtomic,
            BANKS, //
        },
        AtomicObject, //
    },
    plane::{
        Plane,
        Scaling, //
    },
    KmsDriver, //
};
use crate::{
    bindings,
    dev_warn,
    device,
    drm::Device,
    error::to_result,
    prelude::*,
    types::NotThreadSafe, //
};
use core::{
    cell::Cell,
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};

/// A commit that is being checked.
///
/// The states of the objects in the commit can be read and changed; nothing is visible to the
/// hardware or to other commits yet. Modeset locks of all objects in the commit are held, and the
/// check may sleep. The whole check may be repeated with other states: it must have no effect
/// besides what it does to the new states.
///
/// # Errors
///
/// Functions that add objects to the commit take modeset locks and can return `EDEADLK`: the core
/// then gives up its locks and checks again. Errors of the core stick: once one has occurred, these
/// functions return it again, and the check fails, even if the driver's function does not.
///
/// # Invariants
///
/// - `raw` is a valid commit in its check phase, of a device of `D`.
/// - A bit in `borrowed` is set exactly while a [`StateMut`] for the object of that bank and index
///   exists. This is the only view that gives access to new states.
/// - `failed` is the first error of the core, if there was one.
/// - `'a` stands for this check alone.
pub struct AtomicCheck<'a, D: KmsDriver> {
    raw: NonNull<bindings::drm_atomic_commit>,
    borrowed: [Cell<u32>; BANKS],
    failed: Cell<Option<Error>>,
    // Invariant in `'a`.
    _brand: PhantomData<fn(&'a ()) -> &'a ()>,
    _driver: PhantomData<fn() -> D>,
    _not_send: NotThreadSafe,
}

/// Proof that the core has checked a commit, and with it the driver's functions for its objects.
///
/// Made by [`AtomicCheck::helper_check`]. The lifetime is that of one check and invariant, so that
/// the proof of one commit cannot be used for another.
#[must_use = "must be returned from `atomic_check`"]
pub struct Checked<'a> {
    // Invariant in `'a`.
    _brand: PhantomData<fn(&'a ()) -> &'a ()>,
    _not_send: NotThreadSafe,
}

impl<'a, D: KmsDriver> AtomicCheck<'a, D> {
    /// # Safety
    ///
    /// `raw` must be a valid commit in its check phase, of a device of `D`, for as long as the view
    /// exists, and no other view of it may be used meanwhile. `'a` must not be the lifetime of the
    /// view of another commit.
    pub(crate) unsafe fn from_raw(raw: *mut bindings::drm_atomic_commit) -> Self {
        // INVARIANT: By the safety requirements of this function; nothing is borrowed yet.
        Self {
            // SAFETY: By the safety requirements of this function.
            raw: unsafe { NonNull::new_unchecked(raw) },
            borrowed: [const { Cell::new(0) }; BANKS],
            failed: Cell::new(None),
            _brand: PhantomData,
            _driver: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    /// Returns the device.
    pub fn dev(&self) -> &'a Device<D> {
        // SAFETY: By the type invariants; a commit holds its device.
        unsafe { Device::from_raw((*self.raw.as_ptr()).dev) }
    }

    /// Returns whether this commit may switch CRTCs off and on again, and add CRTCs that user space
    /// has not named.
    pub fn allows_modeset(&self) -> bool {
        // SAFETY: By the type invariants the commit is valid.
        unsafe { bindings::drm_atomic_commit::allow_modeset_raw(self.raw.as_ptr()) }
    }

    /// Returns an error unless `object` belongs to the device of the commit.
    fn same_device<O: AtomicObject<Driver = D>>(&self, object: &O) -> Result {
        // SAFETY: By the type invariants the commit is valid.
        if object.raw_dev() == unsafe { (*self.raw.as_ptr()).dev } {
            Ok(())
        } else {
            Err(EINVAL)
        }
    }

    /// Returns the mask of the CRTCs in the commit.
    fn crtcs(&self) -> u32 {
        // SAFETY: By the type invariants commit and device are valid.
        let count = unsafe { (*(*self.raw.as_ptr()).dev).mode_config.num_crtc };

        (0..usize::try_from(count).unwrap_or(0)).fold(0, |mask, i| {
            // SAFETY: The array has an entry for each CRTC of the device.
            let entry = unsafe { &*(*self.raw.as_ptr()).crtcs.add(i) };

            mask | u32::from(!entry.ptr.is_null()) << i
        })
    }

    /// Runs `f`, which calls the core, unless the core has failed before: after `EDEADLK` it must
    /// not take another lock.
    fn sticky<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        if let Some(err) = self.failed.get() {
            return Err(err);
        }
        f().inspect_err(|err| self.failed.set(Some(*err)))
    }

    /// Runs `f`, which adds something to the commit, and refuses the result if CRTCs came with it
    /// that user space has not named and does not allow. The core would only warn.
    fn add_with<R>(&self, f: impl FnOnce() -> Result<R>) -> Result<R> {
        self.sticky(|| {
            let before = self.crtcs();
            let ret = f()?;

            if self.allows_modeset() || self.crtcs() == before {
                Ok(ret)
            } else {
                Err(EINVAL)
            }
        })
    }

    /// Returns what the core is told: `result` is what the driver says.
    ///
    /// The driver cannot make a success of an error of the core. `EDEADLK` is of the core alone,
    /// which has to do something about it. The commit that switches an unplugged device off is not
    /// the driver's to refuse.
    pub(crate) fn finish(&self, result: Result) -> Result {
        let result = match (self.failed.get(), result) {
            (Some(EDEADLK), _) => return Err(EDEADLK),
            (_, Err(EDEADLK)) => Err(EINVAL),
            (Some(err), Ok(())) => Err(err),
            (_, result) => result,
        };

        match result {
            Err(err) if self.is_switching_off() => {
                let parent: &<D as crate::drm::Driver>::ParentDevice<device::Normal> =
                    self.dev().as_ref();

                dev_warn!(
                    parent.as_ref(),
                    "check fails while the device is switched off: {:?}\n",
                    err
                );
                Ok(())
            }
            result => result,
        }
    }

    /// [`Self::finish`] for the check of the whole commit.
    pub(crate) fn finish_commit(&mut self, result: Result) -> Result {
        let failed = self.failed.get().is_some() || result.is_err();

        self.finish(result)?;
        if failed {
            // The error was passed over, but the driver may not have had the commit checked.
            self.failed.set(None);
            let _checked = self.helper_check()?;
        }
        Ok(())
    }

    fn is_switching_off(&self) -> bool {
        self.dev().lifecycle().is_some_and(|l| l.is_switching_off())
    }

    /// Lends the new state of `object`, which is `state`.
    fn borrow<O: AtomicObject<Driver = D>>(
        &self,
        object: &O,
        state: NonNull<O::State>,
    ) -> Result<StateMut<'_, O>> {
        let borrowed = self.borrowed.get(O::BANK).ok_or(EINVAL)?;
        let bit = 1u32.checked_shl(object.raw_index()).ok_or(EINVAL)?;

        if borrowed.get() & bit != 0 {
            return Err(EBUSY);
        }
        borrowed.set(borrowed.get() | bit);

        // INVARIANT: The bit says that the state was not lent, and it does now.
        Ok(StateMut {
            state,
            borrowed,
            bit,
        })
    }

    /// Returns the old state of `object`.
    ///
    /// Returns [`None`] if the object is not in the commit or belongs to another device.
    pub fn old_state<O: AtomicObject<Driver = D>>(&self, object: &O) -> Option<&O::State> {
        self.same_device(object).ok()?;
        // SAFETY: The commit is valid and of the same device.
        let slot = unsafe { object.slot(self.raw.as_ptr()) }?;

        // SAFETY: The commit holds the state, which is published and therefore not changed, as
        // long as it exists; `StateMut` is for new states only.
        Some(unsafe { slot.old.as_ref() })
    }

    /// Lends the new state of `object`, which must be in the commit.
    ///
    /// # Errors
    ///
    /// - `ENOENT` if the object is not in the commit.
    /// - `EBUSY` if the state is lent already: drop the other [`StateMut`] first.
    /// - `EINVAL` if the object belongs to another device.
    pub fn new_state<O: AtomicObject<Driver = D>>(&self, object: &O) -> Result<StateMut<'_, O>> {
        self.same_device(object)?;
        // SAFETY: The commit is valid and of the same device.
        let slot = unsafe { object.slot(self.raw.as_ptr()) }.ok_or(ENOENT)?;

        self.borrow(object, slot.new)
    }

    /// Adds `object` to the commit, if it is not in it yet, and lends its new state.
    ///
    /// With a plane or connector comes the CRTC that it is on now.
    ///
    /// # Errors
    ///
    /// The check fails with the error, but for `EBUSY` and an object of another device.
    ///
    /// - `EDEADLK` if the core has to give up its locks.
    /// - `ENOMEM` if the state cannot be allocated.
    /// - `EBUSY` if the state is lent already: drop the other [`StateMut`] first.
    /// - `EINVAL` if the object belongs to another device, or a CRTC would be added without
    ///   [`allows_modeset`](Self::allows_modeset).
    pub fn add<O: AtomicObject<Driver = D>>(&self, object: &O) -> Result<StateMut<'_, O>> {
        self.same_device(object)?;
        // SAFETY: The commit is valid, in its check phase and of the same device.
        let state = self.add_with(|| unsafe { object.add(self.raw.as_ptr()) })?;

        self.borrow(object, state)
    }

    /// Adds all planes that are assigned to `crtc` to the commit.
    ///
    /// C: `drm_atomic_add_affected_planes()`.
    ///
    /// # Errors
    ///
    /// The check fails with the error, if it is one of the first two.
    ///
    /// - `EDEADLK` if the core has to give up its locks.
    /// - `ENOMEM` if a state cannot be allocated.
    /// - `ENOENT` if the CRTC is not in the commit, `EINVAL` if it belongs to another device.
    pub fn add_affected_planes(&self, crtc: &Crtc<D::Crtc>) -> Result {
        self.same_device(crtc)?;
        // SAFETY: The commit is valid and of the same device.
        unsafe { crtc.slot(self.raw.as_ptr()) }.ok_or(ENOENT)?;

        self.sticky(|| {
            // SAFETY: The commit is valid, in its check phase, of the same device, and has the
            // CRTC.
            to_result(unsafe {
                bindings::drm_atomic_add_affected_planes(self.raw.as_ptr(), crtc.as_raw())
            })
        })
    }

    /// Clips a plane to its CRTC and checks its position and scaling.
    ///
    /// `crtc` must be the state of the CRTC that `plane` is assigned to; if it is assigned to none,
    /// the plane is marked as invisible. `can_position` says whether the plane may be smaller than
    /// the CRTC, `can_update_disabled` whether it can be changed while the CRTC is off.
    ///
    /// C: `drm_atomic_helper_check_plane_state()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the plane has a position that is not possible, or `crtc` is not its CRTC.
    /// - `ERANGE` if the scaling is out of range.
    pub fn check_plane_state(
        &self,
        plane: &mut StateMut<'_, Plane<D::Plane>>,
        crtc: &StateMut<'_, Crtc<D::Crtc>>,
        scaling: Scaling,
        can_position: bool,
        can_update_disabled: bool,
    ) -> Result {
        if plane.crtc().is_some() && !plane.is_on(crtc.crtc()) {
            return Err(EINVAL);
        }
        // SAFETY: Both states are valid and belong together.
        to_result(unsafe {
            bindings::drm_atomic_helper_check_plane_state(
                plane.as_raw(),
                crtc.as_raw(),
                i32::try_from(scaling.min)?,
                i32::try_from(scaling.max)?,
                can_position,
                can_update_disabled,
            )
        })
    }

    /// Runs the checks of all objects in the commit: `drm_atomic_helper_check()`.
    ///
    /// For [`KmsDriver::atomic_check`]. All [`StateMut`] must be dropped before, which the
    /// exclusive borrow ensures.
    ///
    /// # Errors
    ///
    /// Those of the core and of the checks of the objects. The whole check fails with it.
    pub fn helper_check(&mut self) -> Result<Checked<'a>> {
        self.sticky(|| {
            // SAFETY: The commit is valid and in its check phase. The hooks of the objects get
            // views of their own; by the exclusive borrow, nothing is lent by this one.
            to_result(unsafe {
                bindings::drm_atomic_helper_check((*self.raw.as_ptr()).dev, self.raw.as_ptr())
            })
        })?;

        Ok(Checked {
            _brand: PhantomData,
            _not_send: NotThreadSafe,
        })
    }
}

/// A commit that is being checked, as seen by one object in it.
///
/// Dereferences to the [`AtomicCheck`] of the whole commit.
pub struct ObjectCheck<'a, O: AtomicObject> {
    check: AtomicCheck<'a, O::Driver>,
    object: &'a O,
}

impl<'a, O: AtomicObject> ObjectCheck<'a, O> {
    /// # Safety
    ///
    /// See [`AtomicCheck::from_raw`]; `object` must be in the commit.
    pub(crate) unsafe fn from_raw(raw: *mut bindings::drm_atomic_commit, object: &'a O) -> Self {
        Self {
            // SAFETY: By the safety requirements of this function.
            check: unsafe { AtomicCheck::from_raw(raw) },
            object,
        }
    }

    /// Returns the object.
    pub fn object(&self) -> &'a O {
        self.object
    }

    /// Returns the old state of the object.
    pub fn old(&self) -> Result<&O::State> {
        self.check.old_state(self.object).ok_or(ENOENT)
    }

    /// Lends the new state of the object.
    ///
    /// # Errors
    ///
    /// `EBUSY` if the state is lent already: drop the other [`StateMut`] first.
    #[expect(clippy::new_ret_no_self, reason = "the counterpart of `old`")]
    pub fn new(&self) -> Result<StateMut<'_, O>> {
        self.check.new_state(self.object)
    }
}

impl<'a, O: AtomicObject> Deref for ObjectCheck<'a, O> {
    type Target = AtomicCheck<'a, O::Driver>;

    fn deref(&self) -> &Self::Target {
        &self.check
    }
}

/// Exclusive access to the new state of one object during the check.
///
/// Dereferences to the state for reading. What may be changed has methods here: the C part must
/// not be moved or replaced, so there is no `&mut` to the whole.
///
/// # Invariants
///
/// `state` is valid and not accessed by anything else in Rust as long as this exists and `bit` is
/// set in `borrowed`.
pub struct StateMut<'v, O: AtomicObject> {
    state: NonNull<O::State>,
    borrowed: &'v Cell<u32>,
    bit: u32,
}

impl<O: AtomicObject> StateMut<'_, O> {
    /// Returns the state for the methods of the object's kind.
    pub(crate) fn as_ptr(&mut self) -> *mut O::State {
        self.state.as_ptr()
    }
}

impl<O: AtomicObject> Deref for StateMut<'_, O> {
    type Target = O::State;

    fn deref(&self) -> &O::State {
        // SAFETY: By the type invariants.
        unsafe { self.state.as_ref() }
    }
}

impl<O: AtomicObject> Drop for StateMut<'_, O> {
    fn drop(&mut self) {
        // INVARIANT: This was the only access.
        self.borrowed.set(self.borrowed.get() & !self.bit);
    }
}
