// SPDX-License-Identifier: GPL-2.0

//! Asynchronous updates: the cursor moves without waiting for anything.
//!
//! User space that moves the cursor by the legacy ioctls expects that to take effect at once, as
//! often as it likes, also while a page flip waits for its vblank. The core offers a commit of that
//! kind to the driver when it changes a single plane, only what the plane shows and where, and no
//! other commit that has the plane in it is being programmed. If
//! [`DriverPlane::async_check`] takes it, there is no commit tail: the current state of the plane is
//! changed in place.
//!
//! # Why this is sound
//!
//! Elsewhere a state that is current is never changed, and readers rely on that. Here it is, while
//! nobody reads it: checks of other commits need the modeset lock of the plane, which the ioctl
//! holds; the commit that made it the current one has said that its programming is over, after which
//! it has no access to its new states; and the handler of panics is kept out by its lock.
//!
//! C header: [`include/drm/drm_modeset_helper_vtables.h`](srctree/include/drm/drm_modeset_helper_vtables.h)

use super::{
    atomic::ObjectCheck,
    crtc::{
        Crtc,
        CrtcState, //
    },
    object::private::{
        RawAtomic,
        RawObject, //
    },
    plane::{
        DriverPlane,
        Plane,
        PlaneState, //
    },
    KmsDriver, //
};
use crate::{
    bindings,
    error::from_result,
    prelude::*,
    types::NotThreadSafe, //
};

/// An asynchronous update that is being executed.
pub struct AsyncUpdate<'a, T: DriverPlane> {
    state: &'a PlaneState<T>,
    crtc: &'a Crtc<<T::Driver as KmsDriver>::Crtc>,
    crtc_state: &'a CrtcState<<T::Driver as KmsDriver>::Crtc>,
    _not_send: NotThreadSafe,
}

impl<'a, T: DriverPlane> AsyncUpdate<'a, T> {
    /// Returns the plane.
    pub fn plane(&self) -> &'a Plane<T> {
        self.state.plane()
    }

    /// Returns the state of the plane, with what it shows from now on.
    pub fn state(&self) -> &'a PlaneState<T> {
        self.state
    }

    /// Returns the CRTC that the plane is on.
    pub fn crtc(&self) -> &'a Crtc<<T::Driver as KmsDriver>::Crtc> {
        self.crtc
    }

    /// Returns the state that the CRTC would have got, had this been an ordinary commit.
    ///
    /// Nobody else sees it, and it is freed after the update. What the check has put into the
    /// driver's part of it is there.
    pub fn crtc_state(&self) -> &'a CrtcState<<T::Driver as KmsDriver>::Crtc> {
        self.crtc_state
    }
}

impl<T: DriverPlane> Plane<T> {
    /// # Safety
    ///
    /// `plane` must be a plane of type `T` in `commit`, which must be in its check phase, with no
    /// other view of it in use.
    pub(super) unsafe extern "C" fn atomic_async_check_callback(
        plane: *mut bindings::drm_plane,
        commit: *mut bindings::drm_atomic_commit,
        flip: bool,
    ) -> c_int {
        from_result(|| {
            // Page flips that tear are another thing, and not offered to user space.
            if flip {
                return Err(EINVAL);
            }
            // SAFETY: By the safety requirements of this function.
            let check = unsafe { ObjectCheck::from_raw(commit, Self::from_raw(plane)) };

            T::async_check(&check)?;
            Ok(0)
        })
    }

    /// # Safety
    ///
    /// `plane` must be a plane of type `T` in `commit`, which `atomic_async_check_callback` has
    /// taken, and which is prepared; the modeset lock of the plane must have been held since.
    pub(super) unsafe extern "C" fn atomic_async_update_callback(
        plane: *mut bindings::drm_plane,
        commit: *mut bindings::drm_atomic_commit,
    ) {
        // SAFETY: By the safety requirements of this function.
        let plane = unsafe { Self::from_raw(plane) };

        // SAFETY: The commit is valid and has the plane.
        let Some(slot) = (unsafe { plane.slot(commit) }) else {
            return;
        };
        let dev = plane.raw_dev();

        // SAFETY: The device is valid.
        let flags = unsafe { bindings::drm_panic_lock(dev) };
        // SAFETY: The commit's old state is the current one, since the lock of the plane is held.
        // For the reasons in the description of the module nobody accesses it, and nobody but this
        // function knows of the new one.
        unsafe { PlaneState::take_over(slot.old.as_ptr(), slot.new.as_ptr()) };
        // SAFETY: Locked above; these are the flags that came of it.
        unsafe { bindings::drm_panic_unlock(dev, flags) };

        // SAFETY: The state is valid, and not changed before the lock of the plane is given up.
        let state = unsafe { slot.old.as_ref() };
        let Some(crtc) = state.crtc() else { return };

        // SAFETY: The commit is valid and of the same device.
        let Some(crtc_slot) = (unsafe { crtc.slot(commit) }) else {
            return;
        };

        T::async_update(&AsyncUpdate {
            state,
            crtc,
            // SAFETY: The commit owns the state, and frees it after this function.
            crtc_state: unsafe { crtc_slot.new.as_ref() },
            _not_send: NotThreadSafe,
        });
    }
}
