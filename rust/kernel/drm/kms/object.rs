// SPDX-License-Identifier: GPL-2.0

//! What all mode objects have in common.
//!
//! A mode object is a CRTC, a plane, a connector or an encoder. It is created during the setup of
//! its device (see [`SetupDevice`](super::SetupDevice)) and lives until the last reference to the
//! DRM device is gone. A `&Plane<T>` therefore needs no reference count of its own; who must keep
//! one longer than a borrow takes a [`KmsRef`], which holds the device.
//!
//! C header: [`include/drm/drm_mode_object.h`](srctree/include/drm/drm_mode_object.h)

use super::KmsDriver;
use crate::{
    bindings,
    drm::Device,
    prelude::*,
    sync::aref::ARef, //
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// The raw side of mode objects. Only this crate implements it.
pub(crate) mod private {
    use super::*;

    /// Access to the C structures of a mode object.
    ///
    /// # Safety
    ///
    /// `raw_dev` must return the device that the object was created for, which must be a device of
    /// [`Self::Driver`] and must be valid as long as the object is. `raw_base` must return the
    /// initialised `struct drm_mode_object` of the object.
    pub unsafe trait RawObject {
        /// The driver of the device that this object belongs to.
        type Driver: KmsDriver;

        /// Returns the DRM device.
        fn raw_dev(&self) -> *mut bindings::drm_device;

        /// Returns the embedded `struct drm_mode_object`.
        fn raw_base(&self) -> *mut bindings::drm_mode_object;
    }

    /// The old and the new state of one object in one commit.
    ///
    /// # Invariants
    ///
    /// Both pointers are valid as long as the commit is, and belong to the same object.
    pub struct Slot<S> {
        pub(crate) old: NonNull<S>,
        pub(crate) new: NonNull<S>,
    }

    /// Access to the states of an object that takes part in atomic commits.
    ///
    /// # Safety
    ///
    /// `slot` and `add` must return states of this very object. `BANK` must be unique for the kind
    /// of object and `index` unique among the objects of that kind of one device, and below 32.
    pub unsafe trait RawAtomic: RawObject {
        /// The typed state of the object.
        type State;

        /// Number of the kind of object, see [`BANKS`].
        const BANK: usize;

        /// Returns the index of the object among those of its kind.
        fn raw_index(&self) -> u32;

        /// Returns the states of the object in `commit`, if the object is part of it.
        ///
        /// # Safety
        ///
        /// `commit` must be valid and must belong to the same device as the object.
        unsafe fn slot(
            &self,
            commit: *mut bindings::drm_atomic_commit,
        ) -> Option<Slot<Self::State>>;

        /// Adds the object to `commit` and returns its new state.
        ///
        /// # Safety
        ///
        /// `commit` must be valid, in its check phase and must belong to the same device as the
        /// object.
        unsafe fn add(
            &self,
            commit: *mut bindings::drm_atomic_commit,
        ) -> Result<NonNull<Self::State>>;
    }

    /// How many values [`RawAtomic::BANK`] can have.
    pub(crate) const BANKS: usize = 4;
}

use private::{
    RawAtomic,
    RawObject, //
};

/// A CRTC, plane, connector or encoder.
///
/// This trait is sealed.
pub trait ModeObject: RawObject + Send + Sync + Sized {
    /// Returns the device that the object belongs to.
    fn dev(&self) -> &Device<Self::Driver> {
        // SAFETY: By the safety requirements of `RawObject` this is a valid device of
        // `Self::Driver` that lives at least as long as the object.
        unsafe { Device::from_raw(self.raw_dev()) }
    }

    /// Returns the ID by which user space knows the object.
    fn id(&self) -> u32 {
        // SAFETY: By the safety requirements of `RawObject` the pointer is valid, and the ID is
        // set once, on initialisation.
        unsafe { (*self.raw_base()).id }
    }
}

/// A [`ModeObject`] that has a state which atomic commits change: a CRTC, plane or connector.
///
/// This trait is sealed.
pub trait AtomicObject: ModeObject + RawAtomic {
    /// Returns the index of the object among the objects of its kind of this device.
    fn index(&self) -> u32 {
        self.raw_index()
    }
}

/// An owned handle of a mode object.
///
/// It holds a reference to the DRM device. Keep it in work items and the like, but neither in
/// [`drm::Driver::Data`](crate::drm::Driver::Data) nor in the data of a mode object: such a cycle
/// keeps the device from ever being freed. Dropping it may free the device, so drop it in a
/// context that may sleep.
///
/// # Invariants
///
/// `object` belongs to `dev` and is valid as long as `dev` is.
pub struct KmsRef<O: ModeObject> {
    object: NonNull<O>,
    dev: ARef<Device<O::Driver>>,
}

impl<O: ModeObject> KmsRef<O> {
    /// Returns the device that the handle holds.
    pub fn device(&self) -> &ARef<Device<O::Driver>> {
        &self.dev
    }
}

impl<O: ModeObject> From<&O> for KmsRef<O> {
    fn from(object: &O) -> Self {
        // INVARIANT: Mode objects live as long as their device.
        Self {
            object: object.into(),
            dev: object.dev().into(),
        }
    }
}

impl<O: ModeObject> Clone for KmsRef<O> {
    fn clone(&self) -> Self {
        // INVARIANT: Copied from `self`.
        Self {
            object: self.object,
            dev: self.dev.clone(),
        }
    }
}

impl<O: ModeObject> Deref for KmsRef<O> {
    type Target = O;

    fn deref(&self) -> &O {
        // SAFETY: By the type invariants the object is valid as long as `self.dev` is held.
        unsafe { self.object.as_ref() }
    }
}

// SAFETY: The handle gives shared access to `O`, which is `Sync`, and owns a reference to the
// device, which can be dropped on any thread.
unsafe impl<O: ModeObject> Send for KmsRef<O> {}

// SAFETY: As for `Send`; there is no interior mutability besides the device's reference count.
unsafe impl<O: ModeObject> Sync for KmsRef<O> {}

/// The driver's part of the state of a mode object.
///
/// Every CRTC, plane and connector state carries a value of such a type. `()` implements it for
/// drivers that need none.
///
/// States are shared once they are committed, so changes are only possible during the check (see
/// [`StateMut`](super::StateMut)).
pub trait DriverState: Send + Sync + Sized + 'static {
    /// Creates the initial state, on setup of the device. May sleep.
    fn new() -> Result<Self>;

    /// Creates the state for a new commit, starting from the current one.
    ///
    /// What may be used only once (a prepared buffer, a job, a snapshot of what is on the screen)
    /// must not be taken along.
    ///
    /// May sleep; modeset locks are held, so neither take modeset locks nor touch another
    /// device's modeset state.
    ///
    /// # Errors
    ///
    /// The C hooks behind this function can only say that memory ran out, so user space sees any
    /// error as `ENOMEM`.
    fn duplicate(&self) -> Result<Self>;
}

impl DriverState for () {
    fn new() -> Result<Self> {
        Ok(())
    }

    fn duplicate(&self) -> Result<Self> {
        Ok(())
    }
}
