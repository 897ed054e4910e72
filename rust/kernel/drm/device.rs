// SPDX-License-Identifier: GPL-2.0

//! DRM devices.
//!
//! [`Device`] is what a driver, its files, its BOs and its work items hold references to. It is
//! made as an [`UnregisteredDevice`], shown to user space by a
//! [`Registration`](crate::drm::Registration), and stays alive after that for as long as anybody
//! holds a reference. [`RegistrationGuard`] tells whether it is still registered and keeps it so.
//!
//! C header: [`include/drm/drm_device.h`](srctree/include/drm/drm_device.h)

use crate::{
    bindings,
    device,
    drm,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            Acquire,
            Atomic,
            Relaxed,
            Release, //
        },
    },
    types::{
        NotThreadSafe,
        Opaque, //
    },
    workqueue::{
        HasDelayedWork,
        HasWork,
        Work,
        WorkItem, //
    }, //
};
use core::{
    marker::PhantomData,
    ops::Deref,
    ptr::NonNull, //
};

#[cfg(CONFIG_RUST_DRM_KMS)]
use crate::{
    drm::kms::lifecycle::Lifecycle,
    sync::Arc, //
};

mod context;
mod unregistered;

pub use self::context::{
    DeviceContext,
    Init,
    Ioctl,
    Normal,
    Registered,
    Uninit, //
};
pub use self::unregistered::UnregisteredDevice;

/// What a device with mode setting has in addition.
#[cfg(CONFIG_RUST_DRM_KMS)]
pub(crate) type KmsPart = Option<Arc<Lifecycle>>;
#[cfg(not(CONFIG_RUST_DRM_KMS))]
pub(crate) type KmsPart = Option<core::convert::Infallible>;

/// A DRM device of the driver `T`, with its data, in the context `C`.
///
/// Dereferences to `T::Data`. The data is shared by all threads and all open files and lives
/// until the last reference to the device is dropped, which can be long after the hardware is
/// gone: an open file, an exported BO or a mapping holds one. What belongs to the hardware goes
/// into [`Driver::RegistrationData`](drm::Driver::RegistrationData) instead.
///
/// Only the general context is reference-counted; see [`DeviceContext`] for the others. Dropping
/// the last [`ARef`] drops `T::Data` and may sleep.
///
/// # Invariants
///
/// - `dev` is a valid `struct drm_device` with a non-zero reference count, its parent is a
///   `T::ParentDevice`, and its `struct drm_driver` is that of `T`.
/// - `registration_data` is null until the device is given to `drm_dev_register()`, and is not
///   changed after that. It points to the data of the [`Registration`](drm::Registration) for as
///   long as the device is registered.
/// - `kms` is there if and only if the device has mode setting.
/// - The invariants of `C` hold.
#[repr(C)]
pub struct Device<T: drm::Driver, C: DeviceContext = Uninit> {
    dev: Opaque<bindings::drm_device>,
    data: T::Data,
    registration_data: Atomic<*mut T::RegistrationData<'static>>,
    kms: KmsPart,
    // The layout must not depend on `C`: references are cast from one context to another.
    _ctx: PhantomData<C>,
}

impl<T: drm::Driver, C: DeviceContext> Device<T, C> {
    /// Returns the `struct drm_device`.
    pub(crate) fn as_raw(&self) -> *mut bindings::drm_device {
        self.dev.get()
    }

    /// Returns the device that contains the `struct drm_device` at `ptr`.
    ///
    /// For the callbacks of the abstractions, not for drivers.
    ///
    /// # Safety
    ///
    /// - `ptr` must point to the `struct drm_device` of a `Device<T>` that holds a reference count
    ///   above zero for as long as the returned reference is used.
    /// - The invariants of `C` must hold for as long as the returned reference is used.
    #[doc(hidden)]
    pub unsafe fn from_raw<'a>(ptr: *const bindings::drm_device) -> &'a Self {
        let dev = Opaque::cast_from(ptr);

        // SAFETY: `ptr` points to the field of a `Device<T>` per the requirements, and the layout
        // of `Device` does not depend on the context.
        unsafe { &*crate::container_of!(dev, Self, dev) }
    }

    /// Claims that the device is in another context.
    ///
    /// The way out where the type system cannot know what the author does, for example that a
    /// callback of another subsystem only runs while the device is registered. There is nothing
    /// that checks the claim: prefer [`Device::registration_guard`], which does.
    ///
    /// # Safety
    ///
    /// The invariants of `NewCtx` must hold for this device for as long as the returned reference
    /// is used. For [`Registered`] this includes that the parent stays bound and the
    /// [`Registration`](drm::Registration) is not dropped meanwhile.
    #[inline]
    pub unsafe fn assume_ctx<NewCtx: DeviceContext>(&self) -> &Device<T, NewCtx> {
        // SAFETY: The layout of `Device` does not depend on the context, and the caller vouches
        // for the invariants of the new one.
        unsafe { &*core::ptr::from_ref(self).cast() }
    }

    /// Returns what runs in the background of a device with mode setting.
    #[cfg(CONFIG_RUST_DRM_KMS)]
    pub(crate) fn lifecycle(&self) -> Option<&Arc<Lifecycle>> {
        self.kms.as_ref()
    }

    /// `release` callback of `struct drm_driver`.
    ///
    /// # Safety
    ///
    /// Only to be called by the DRM core, when the last reference to a `Device<T>` is gone.
    pub(crate) unsafe extern "C" fn release_callback(ptr: *mut bindings::drm_device) {
        let dev = Opaque::cast_from(ptr);

        // SAFETY: The DRM core calls this for devices of `T` only.
        let this = unsafe { crate::container_of!(dev, Self, dev) }.cast_mut();

        // SAFETY: There is no other reference. The callback is installed after all fields were
        // initialised, and it runs once. The memory itself is freed by the DRM core later, which
        // still needs the `struct drm_device`; `Opaque` does not drop that.
        unsafe { core::ptr::drop_in_place(this) };
    }

    /// Enters a `drm_dev_enter()` section.
    ///
    /// # Safety
    ///
    /// The registration data must have been stored, as [`Ioctl`] promises.
    #[inline]
    unsafe fn enter(&self) -> Option<RegistrationGuard<'_, T>> {
        let mut idx = 0;

        // SAFETY: `self.as_raw()` is a valid `struct drm_device`.
        if !unsafe { bindings::drm_dev_enter(self.as_raw(), &mut idx) } {
            return None;
        }

        // INVARIANT: `idx` is the index of the section that was just entered. The registration
        // data is stored right before `drm_dev_register()` is called, and the device is not marked
        // as unplugged; hence the registration was neither dropped nor has it failed. Both set the
        // mark and wait for this section, before they free the registration data and let the
        // parent be unbound.
        Some(RegistrationGuard {
            // SAFETY: As explained above, for as long as the guard lives.
            dev: unsafe { self.assume_ctx() },
            idx,
            _not_send: NotThreadSafe,
        })
    }

    /// Stores the pointer that [`Device::registration_data_with`] follows.
    ///
    /// # Safety
    ///
    /// - The caller must give the device to `drm_dev_register()` next, and must not have done so
    ///   before.
    /// - `data` must stay valid until the device was unplugged, or until `drm_dev_register()` has
    ///   failed.
    pub(super) unsafe fn set_registration_data(&self, data: NonNull<T::RegistrationData<'static>>) {
        // INVARIANT: Guaranteed by the caller. `Release` pairs with the load in
        // `registration_guard`: who sees the pointer sees the data.
        self.registration_data.store(data.as_ptr(), Release);
    }
}

impl<T: drm::Driver> Device<T> {
    /// Keeps the device registered, if it is.
    ///
    /// For code that runs at any time: work items, timers, interrupt threads, callbacks of other
    /// subsystems. May be called in any context but NMI; it does not sleep. See
    /// [`RegistrationGuard`] for what may be done while the guard lives.
    ///
    /// Returns [`None`] before the device is given to `drm_dev_register()` and after it was
    /// unplugged. A client that is fast enough to open the device while it is being registered
    /// already gets a guard; should the registration fail then, it waits for the guard like an
    /// unplug.
    #[inline]
    pub fn registration_guard(&self) -> Option<RegistrationGuard<'_, T>> {
        if self.registration_data.load(Acquire).is_null() {
            return None;
        }

        // SAFETY: By the type invariants the device was given to `drm_dev_register()`, or is about
        // to be, without anything in between that could fail.
        unsafe { self.enter() }
    }
}

impl<T: drm::Driver> Device<T, Ioctl> {
    /// Keeps the device registered, if it still is.
    ///
    /// Calls `drm_dev_enter()`. May be called in any context but NMI; it does not sleep.
    ///
    /// Returns [`None`] once the device was unplugged; an ioctl then fails with `ENODEV`.
    #[inline]
    pub fn registration_guard(&self) -> Option<RegistrationGuard<'_, T>> {
        // SAFETY: This is what the `Ioctl` context promises.
        unsafe { self.enter() }
    }
}

impl<T: drm::Driver> Device<T, Registered> {
    /// Calls `f` with the data that the driver gave to [`Registration`](drm::Registration).
    ///
    /// The data can borrow from the time in which the parent is bound. `f` has to work for any
    /// two lifetimes: neither the reference nor what the data borrows can leave the closure, and
    /// nothing that lives shorter than the data can be put into it, not even a reference to the
    /// data itself.
    #[inline]
    pub fn registration_data_with<R, F>(&self, f: F) -> R
    where
        F: for<'a, 'b> FnOnce(&'a T::RegistrationData<'b>) -> R,
    {
        // SAFETY: The `Registered` context promises that the data was stored and that the
        // registration, which owns it, outlives this reference.
        let data = unsafe { &*self.registration_data.load(Relaxed) };

        f(data)
    }
}

/// Proof that the device is registered and its parent bound, for as long as the guard lives.
///
/// Dereferences to `Device<T, Registered>`. While a guard exists, dropping the
/// [`Registration`](drm::Registration) waits, and with it the removal of the driver, so that
///
/// - guards are held for a short time: a guard that waits for user space or for hardware without
///   a timeout stalls hot-unplug;
/// - the code that drops a [`Registration`](drm::Registration) must not hold one: it would wait
///   for itself.
///
/// Sleeping is allowed and guards can be nested. A guard stays on the thread that made it.
///
/// # Invariants
///
/// `idx` is the index of a `drm_dev_enter()` section that this guard has entered and not left, and
/// which keeps `dev` in the [`Registered`] context.
#[must_use = "the device is only kept registered while the guard lives"]
pub struct RegistrationGuard<'a, T: drm::Driver> {
    dev: &'a Device<T, Registered>,
    idx: c_int,
    _not_send: NotThreadSafe,
}

impl<T: drm::Driver> Deref for RegistrationGuard<'_, T> {
    type Target = Device<T, Registered>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        self.dev
    }
}

impl<T: drm::Driver> Drop for RegistrationGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: By the type invariants the section was entered and not left. `dev` is not used
        // after it: it is private, and what was borrowed through `Deref` ended before the drop.
        unsafe { bindings::drm_dev_exit(self.idx) };
    }
}

impl<T: drm::Driver> Deref for Device<T> {
    type Target = T::Data;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.data
    }
}

macro_rules! impl_deref_to_general_context {
    ($($ctx:ty),* $(,)?) => {$(
        impl<T: drm::Driver> Deref for Device<T, $ctx> {
            type Target = Device<T>;

            #[inline]
            fn deref(&self) -> &Self::Target {
                // SAFETY: The general context promises nothing that the others do not.
                unsafe { self.assume_ctx() }
            }
        }
    )*};
}

impl_deref_to_general_context!(Init, Ioctl, Registered);

// SAFETY: `drm_dev_get()` and `drm_dev_put()` count the references to the device, and the memory
// is freed when the last is gone.
unsafe impl<T: drm::Driver> AlwaysRefCounted for Device<T> {
    fn inc_ref(&self) {
        // SAFETY: The reference count is above zero because `self` exists.
        unsafe { bindings::drm_dev_get(self.as_raw()) };
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller gives up a reference, hence the device is alive. No Rust reference to
        // it is created, as the device may be freed before this function returns.
        unsafe { bindings::drm_dev_put((&raw mut (*obj.as_ptr()).dev).cast()) };
    }
}

impl<T: drm::Driver> AsRef<T::ParentDevice<device::Normal>> for Device<T> {
    fn as_ref(&self) -> &T::ParentDevice<device::Normal> {
        // SAFETY: The DRM device holds a reference to its parent until its memory is freed.
        let parent = unsafe { device::Device::from_raw((*self.as_raw()).dev) };

        // SAFETY: By the type invariants the parent is a `T::ParentDevice`.
        unsafe { device::AsBusDevice::from_device(parent) }
    }
}

impl<T: drm::Driver> AsRef<T::ParentDevice<device::Bound>> for Device<T, Registered> {
    fn as_ref(&self) -> &T::ParentDevice<device::Bound> {
        // SAFETY: The DRM device holds a reference to its parent until its memory is freed, and
        // the `Registered` context promises that the parent is bound.
        let parent = unsafe { device::Device::<device::Bound>::from_raw((*self.as_raw()).dev) };

        // SAFETY: By the type invariants the parent is a `T::ParentDevice`.
        unsafe { device::AsBusDevice::from_device(parent) }
    }
}

// SAFETY: The last reference may be dropped by any thread: `T::Data` is `Send`, and the C part has
// no thread affinity.
unsafe impl<T: drm::Driver, C: DeviceContext> Send for Device<T, C> {}

// SAFETY: `T::Data` and the registration data are `Sync`; the C part takes its own locks.
unsafe impl<T: drm::Driver, C: DeviceContext> Sync for Device<T, C> {}

/// Work items in the driver's data run with a reference to the device.
impl<T, const ID: u64> WorkItem<ID> for Device<T>
where
    T: drm::Driver,
    T::Data: WorkItem<ID, Pointer = ARef<Self>> + HasWork<Self, ID>,
{
    type Pointer = ARef<Self>;

    fn run(this: ARef<Self>) {
        T::Data::run(this);
    }
}

// SAFETY: `T::Data` is a field of `Device<T>`. Both functions go through the implementation of
// `T::Data`, which converts between a pointer to it and one to the work item in it; adding and
// subtracting the offset of the field keeps them inverse.
unsafe impl<T, const ID: u64> HasWork<Self, ID> for Device<T>
where
    T: drm::Driver,
    T::Data: HasWork<Self, ID>,
{
    unsafe fn raw_get_work(ptr: *mut Self) -> *mut Work<Self, ID> {
        // SAFETY: The caller passes a valid pointer to a device.
        let data = unsafe { &raw mut (*ptr).data };

        // SAFETY: `data` is valid as `ptr` is.
        unsafe { T::Data::raw_get_work(data) }
    }

    unsafe fn work_container_of(ptr: *mut Work<Self, ID>) -> *mut Self {
        // SAFETY: The caller passes a pointer that `raw_get_work` returned, hence one to the work
        // item in a `T::Data`.
        let data = unsafe { T::Data::work_container_of(ptr) };

        // SAFETY: That `T::Data` is the field of a `Device<T>`.
        unsafe { crate::container_of!(data, Self, data) }
    }
}

// SAFETY: The work item that `HasWork` finds is the one in `T::Data`, for which the implementation
// of `T::Data` promises that it is part of a `delayed_work`.
unsafe impl<T, const ID: u64> HasDelayedWork<Self, ID> for Device<T>
where
    T: drm::Driver,
    T::Data: HasDelayedWork<Self, ID>,
{
}
