// SPDX-License-Identifier: GPL-2.0

//! The programming phase of atomic commits.

use super::super::{
    object::{
        private::Slot,
        AtomicObject, //
    },
    plane::{
        Plane,
        PlaneState, //
    },
    KmsDriver, //
};
use crate::{
    bindings,
    drm::Device,
    types::NotThreadSafe, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};

/// A commit whose new states are being programmed into the hardware.
///
/// Everything is read-only: the new states are the current ones of their objects, which the check
/// of a later commit may read at the same time.
///
/// # Invariants
///
/// `raw` is a valid commit of a device of `D` for `'a`, during which `commit_hw_done` is not
/// called for it.
pub struct AtomicCommit<'a, D: KmsDriver> {
    raw: NonNull<bindings::drm_atomic_commit>,
    _driver: PhantomData<&'a D>,
    _not_send: NotThreadSafe,
}

/// Returns the slot of `object` in `commit`, if it is of the same device and has one.
///
/// # Safety
///
/// `commit` must be valid.
unsafe fn slot_of<O: AtomicObject>(
    commit: NonNull<bindings::drm_atomic_commit>,
    object: &O,
) -> Option<Slot<O::State>> {
    // SAFETY: By the safety requirements of this function.
    if object.raw_dev() != unsafe { (*commit.as_ptr()).dev } {
        return None;
    }
    // SAFETY: By the safety requirements of this function; the devices are the same.
    unsafe { object.slot(commit.as_ptr()) }
}

impl<'a, D: KmsDriver> AtomicCommit<'a, D> {
    /// # Safety
    ///
    /// `raw` must be a valid commit of a device of `D` for `'a`, during which `commit_hw_done` must
    /// not be called for it. It must be past the point where its states were swapped.
    pub(crate) unsafe fn from_raw(raw: *mut bindings::drm_atomic_commit) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            // SAFETY: By the safety requirements of this function.
            raw: unsafe { NonNull::new_unchecked(raw) },
            _driver: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    /// Returns the device.
    pub fn dev(&self) -> &'a Device<D> {
        // SAFETY: By the type invariants; a commit holds its device.
        unsafe { Device::from_raw((*self.raw.as_ptr()).dev) }
    }

    /// Returns the old state of `object`.
    ///
    /// Returns [`None`] if the object is not in the commit or belongs to another device.
    pub fn old_state<O: AtomicObject<Driver = D>>(&self, object: &O) -> Option<&'a O::State> {
        // SAFETY: By the type invariants the commit is valid.
        let slot = unsafe { slot_of(self.raw, object) }?;

        // SAFETY: The commit owns its old states for `'a`; nobody changes them any more.
        Some(unsafe { slot.old.as_ref() })
    }

    /// Returns the new state of `object`.
    ///
    /// Returns [`None`] if the object is not in the commit or belongs to another device.
    pub fn new_state<O: AtomicObject<Driver = D>>(&self, object: &O) -> Option<&'a O::State> {
        // SAFETY: By the type invariants the commit is valid.
        let slot = unsafe { slot_of(self.raw, object) }?;

        // SAFETY: The new states are valid at least until the hardware is programmed, which by the
        // type invariants is not before the end of `'a`; published states are not changed.
        Some(unsafe { slot.new.as_ref() })
    }

    /// Iterates over the planes in the commit with their old and new states, by ascending index.
    pub fn planes(&self) -> Planes<'a, D> {
        Planes {
            raw: self.raw,
            // SAFETY: By the type invariants commit and device are valid.
            count: unsafe { (*(*self.raw.as_ptr()).dev).mode_config.num_total_plane }
                .try_into()
                .unwrap_or(0),
            next: 0,
            _driver: PhantomData,
        }
    }
}

/// Iterator over the planes of a commit, see [`AtomicCommit::planes`].
///
/// # Invariants
///
/// As for [`AtomicCommit`]. `count` is the number of planes of the device.
pub struct Planes<'a, D: KmsDriver> {
    raw: NonNull<bindings::drm_atomic_commit>,
    count: usize,
    next: usize,
    _driver: PhantomData<&'a D>,
}

impl<'a, D: KmsDriver> Iterator for Planes<'a, D> {
    type Item = (
        &'a Plane<D::Plane>,
        &'a PlaneState<D::Plane>,
        &'a PlaneState<D::Plane>,
    );

    fn next(&mut self) -> Option<Self::Item> {
        while self.next < self.count {
            // SAFETY: The array has an entry for each plane of the device.
            let entry = unsafe { &*(*self.raw.as_ptr()).planes.add(self.next) };

            self.next += 1;
            if !entry.ptr.is_null() {
                // SAFETY: Planes live as long as the device. For the states, see
                // `AtomicCommit::old_state` and `AtomicCommit::new_state`.
                return Some(unsafe {
                    (
                        Plane::from_raw(entry.ptr),
                        PlaneState::from_raw(entry.old_state),
                        PlaneState::from_raw(entry.new_state),
                    )
                });
            }
        }
        None
    }
}

/// A commit that is being programmed, as seen by one object in it.
///
/// Dereferences to the [`AtomicCommit`] of the whole commit.
pub struct ObjectCommit<'a, O: AtomicObject> {
    commit: AtomicCommit<'a, O::Driver>,
    object: &'a O,
    old: &'a O::State,
    new: &'a O::State,
}

impl<'a, O: AtomicObject> ObjectCommit<'a, O> {
    /// Returns [`None`] if the object is not in the commit.
    ///
    /// # Safety
    ///
    /// See [`AtomicCommit::from_raw`].
    pub(crate) unsafe fn from_raw(
        raw: *mut bindings::drm_atomic_commit,
        object: &'a O,
    ) -> Option<Self> {
        // SAFETY: By the safety requirements of this function.
        let commit = unsafe { AtomicCommit::from_raw(raw) };
        let old = commit.old_state(object)?;
        let new = commit.new_state(object)?;

        Some(Self {
            commit,
            object,
            old,
            new,
        })
    }

    /// Returns the object.
    pub fn object(&self) -> &'a O {
        self.object
    }

    /// Returns the old state of the object.
    pub fn old(&self) -> &'a O::State {
        self.old
    }

    /// Returns the new state of the object.
    #[expect(clippy::new_ret_no_self, reason = "the counterpart of `old`")]
    pub fn new(&self) -> &'a O::State {
        self.new
    }
}

impl<'a, O: AtomicObject> Deref for ObjectCommit<'a, O> {
    type Target = AtomicCommit<'a, O::Driver>;

    fn deref(&self) -> &Self::Target {
        &self.commit
    }
}

/// The old states of a commit whose new states are programmed.
///
/// # Invariants
///
/// `raw` is a valid commit of a device of `D` for `'a`.
pub struct OldStates<'a, D: KmsDriver> {
    raw: NonNull<bindings::drm_atomic_commit>,
    _driver: PhantomData<&'a D>,
    _not_send: NotThreadSafe,
}

impl<'a, D: KmsDriver> OldStates<'a, D> {
    /// # Safety
    ///
    /// `raw` must be a valid commit of a device of `D` for `'a`, and past the point where its
    /// states were swapped.
    pub(crate) unsafe fn from_raw(raw: NonNull<bindings::drm_atomic_commit>) -> Self {
        // INVARIANT: By the safety requirements of this function.
        Self {
            raw,
            _driver: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    /// Returns the old state of `object`.
    ///
    /// Returns [`None`] if the object is not in the commit or belongs to another device.
    pub fn old_state<O: AtomicObject<Driver = D>>(&self, object: &O) -> Option<&'a O::State> {
        // SAFETY: By the type invariants the commit is valid.
        let slot = unsafe { slot_of(self.raw, object) }?;

        // SAFETY: The commit owns its old states for `'a`; nobody changes them any more.
        Some(unsafe { slot.old.as_ref() })
    }
}
