// SPDX-License-Identifier: GPL-2.0

//! Damage: the parts of a plane that have changed since it was shown last.
//!
//! For devices that keep a copy of the picture and have it updated, as over a bus. C header:
//! [`include/drm/drm_damage_helper.h`](srctree/include/drm/drm_damage_helper.h)

use super::{
    modes::Rect,
    plane::{
        DriverPlane,
        PlaneCommit, //
    },
};
use crate::{
    bindings,
    types::NotThreadSafe, //
};
use core::marker::PhantomData;

/// Iterator over the damage of a plane in a commit, see [`damage`](PlaneCommit::damage).
///
/// # Invariants
///
/// The states that `iter` was initialised with are valid for `'a`, and so are the rectangles that
/// it points to, which belong to the new state.
pub struct Damage<'a> {
    iter: bindings::drm_atomic_helper_damage_iter,
    _states: PhantomData<&'a ()>,
    _not_send: NotThreadSafe,
}

impl Iterator for Damage<'_> {
    type Item = Rect;

    fn next(&mut self) -> Option<Rect> {
        let mut rect = bindings::drm_rect::default();

        // SAFETY: By the type invariants the iterator and what it points to are valid.
        unsafe { bindings::drm_atomic_helper_damage_iter_next(&mut self.iter, &mut rect) }
            .then(|| Rect::from_raw(rect))
    }
}

impl<'a, T: DriverPlane> PlaneCommit<'a, T> {
    /// Returns the rectangles that differ from what the old state of the plane has shown, in
    /// pixels of the new framebuffer.
    ///
    /// They lie within the [visible part](super::PlaneState::src) of the framebuffer, of which
    /// pixels that are visible in part count as a whole; they may overlap. There are none if the
    /// plane is not visible. It is a single one, all of the visible part, if user space does not
    /// say more, if another part of the framebuffer becomes visible, or after a modeset: then the
    /// device is taken to have forgotten what it has shown.
    ///
    /// Needs [`DriverPlane::FB_DAMAGE_CLIPS`] and a plane that was checked by
    /// [`check_plane_state`](super::AtomicCheck::check_plane_state). Does not sleep. C:
    /// `drm_atomic_helper_damage_iter_init()`.
    pub fn damage(&self) -> Damage<'a> {
        const {
            assert!(
                T::FB_DAMAGE_CLIPS,
                "damage needs FB_DAMAGE_CLIPS, or user space cannot tell it"
            )
        };

        let mut iter = bindings::drm_atomic_helper_damage_iter::default();

        // SAFETY: Both states are valid and of the same plane, which has the property. Neither
        // changes any more.
        unsafe {
            bindings::drm_atomic_helper_damage_iter_init(
                &mut iter,
                self.old().as_raw(),
                self.new().as_raw(),
            )
        };

        // INVARIANT: The states of a commit are valid for `'a`.
        Damage {
            iter,
            _states: PhantomData,
            _not_send: NotThreadSafe,
        }
    }
}
