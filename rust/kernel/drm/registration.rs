// SPDX-License-Identifier: GPL-2.0

//! Showing a DRM device to user space, and taking it away again.
//!
//! C header: [`include/drm/drm_drv.h`](srctree/include/drm/drm_drv.h)

use crate::{
    bindings,
    device::{
        self,
        Bound, //
    },
    devres,
    drm::{
        Device,
        Driver,
        UnregisteredDevice, //
    },
    error::to_result,
    prelude::*,
    sync::aref::ARef, //
};
use core::ptr::NonNull;

/// A DRM device that is registered, and the data that belongs to the registration.
///
/// Dropping it unplugs the device: new opens and ioctls fail, everything that holds a
/// [`RegistrationGuard`](crate::drm::RegistrationGuard) is waited for, user-space mappings are
/// removed, a device with atomic mode setting has its outputs turned off, and then the
/// registration data is dropped. Open files stay open and keep the [`Device`] alive. Dropping may
/// sleep, and must not happen while the thread holds a guard, be it that of another device.
///
/// # Invariants
///
/// `drm` was registered successfully and not unplugged; its pointer to the registration data is
/// that of `reg_data`.
#[must_use = "dropping a registration unplugs the device"]
pub struct Registration<'a, T: Driver> {
    // Dropped in this order: the device may go away with the last reference to it, and nothing
    // must be left that it could have been reached from.
    _reg_data: Pin<KBox<T::RegistrationData<'a>>>,
    drm: ARef<Device<T>>,
}

impl<'a, T: Driver> Registration<'a, T> {
    /// Registers `drm` with user space.
    ///
    /// `reg_data` may borrow for `'a`, a time in which `dev`, the parent of the DRM device, is
    /// bound. Drivers whose data does not borrow use [`Registration::new_devres`], which is safe.
    /// `flags` is 0; drivers have no use for it.
    ///
    /// Ioctls can run before this function returns. Calls `drm_dev_register()`. Sleeps.
    ///
    /// # Errors
    ///
    /// In each case the registration data and the reference of `drm` are dropped; others that hold
    /// a reference to the device can go on using its `Data`, but it cannot be registered any more.
    ///
    /// - `EINVAL` if `dev` is not the parent of `drm`.
    /// - The error of `reg_data`, or `ENOMEM`.
    /// - The error of `drm_dev_register()`. If user space has opened the device meanwhile, its
    ///   ioctls have ended and further ones get `ENODEV`.
    ///
    /// # Safety
    ///
    /// The returned value must be dropped before `'a` ends. In particular it must not be given to
    /// [`core::mem::forget`] or leaked in another way: the device would go on handing out the
    /// registration data.
    pub unsafe fn new<E>(
        dev: &'a device::Device<Bound>,
        drm: UnregisteredDevice<T>,
        reg_data: impl PinInit<T::RegistrationData<'a>, E>,
        flags: usize,
    ) -> Result<Self>
    where
        Error: From<E>,
    {
        // SAFETY: `dev` is bound for `'a`, and the caller drops the registration before that ends.
        unsafe { Self::register(dev, drm, reg_data, flags) }
    }

    /// # Safety
    ///
    /// The returned value must be dropped before `dev` is unbound and before `'a` ends.
    unsafe fn register<E>(
        dev: &device::Device<Bound>,
        drm: UnregisteredDevice<T>,
        reg_data: impl PinInit<T::RegistrationData<'a>, E>,
        flags: usize,
    ) -> Result<Self>
    where
        Error: From<E>,
    {
        let parent: &T::ParentDevice<device::Normal> = (*drm).as_ref();
        if parent.as_ref().as_raw() != dev.as_raw() {
            return Err(EINVAL);
        }

        let reg_data = KBox::pin_init(reg_data, GFP_KERNEL)?;

        // The device keeps the pointer under a lifetime that it does not have;
        // `registration_data_with` gives it back under one that nobody can name.
        let ptr: NonNull<T::RegistrationData<'static>> =
            NonNull::from(reg_data.as_ref().get_ref()).cast();

        // SAFETY: `drm` was never registered, as `UnregisteredDevice` promises, and is registered
        // next. The data is freed after the device is unplugged, or after `drm_dev_register()` has
        // failed.
        unsafe { drm.set_registration_data(ptr) };

        // SAFETY: `drm` is a complete DRM device that was never registered. On failure this
        // function waits for the `drm_dev_enter()` sections of clients that were faster, so that
        // `reg_data` can be freed.
        to_result(unsafe { bindings::drm_dev_register(drm.as_raw(), flags) }).inspect_err(
            |_| {
                // Such a client may have set a mode.
                //
                // SAFETY: The device is marked as unplugged, and no lock is held here.
                unsafe { turn_off(&drm) }
            },
        )?;

        // INVARIANT: The device is registered now, with the data at `ptr`.
        Ok(Self {
            _reg_data: reg_data,
            drm: (&*drm).into(),
        })
    }

    /// Returns the device that is registered.
    pub fn device(&self) -> &Device<T> {
        &self.drm
    }
}

impl<T: Driver> Registration<'static, T> {
    /// Registers `drm` with user space until `parent` is unbound.
    ///
    /// The registration is handed to the parent's list of managed resources, hence the driver has
    /// nothing to keep and nothing to forget. Resources that the driver got from `parent` before
    /// are released after the device is unplugged, and those that an ioctl gets from it meanwhile
    /// are released right then. `reg_data` does not borrow; what belongs to the hardware can be in
    /// a [`Devres`](crate::devres::Devres).
    ///
    /// Ioctls can run before this function returns. Sleeps.
    ///
    /// # Errors
    ///
    /// As for [`Registration::new`]. If there is no memory to remember the registration, the
    /// device is unplugged again and the error is `ENOMEM`.
    ///
    /// # Examples
    ///
    /// ```
    /// # use kernel::{device::Bound, drm, faux, prelude::*, sync::aref::ARef};
    /// fn probe<T>(parent: &faux::Device<Bound>) -> Result<ARef<drm::Device<T>>>
    /// where
    ///     T: drm::Driver<Data = (), ParentDevice<Bound> = faux::Device<Bound>>,
    ///     T: for<'a> drm::Driver<RegistrationData<'a> = ()>,
    /// {
    ///     let drm = drm::UnregisteredDevice::<T>::new(parent, Ok(()))?;
    ///
    ///     drm::Registration::new_devres(parent, drm, Ok::<_, Error>(()))
    /// }
    /// ```
    pub fn new_devres<E>(
        parent: &T::ParentDevice<Bound>,
        drm: UnregisteredDevice<T>,
        reg_data: impl PinInit<T::RegistrationData<'static>, E>,
    ) -> Result<ARef<Device<T>>>
    where
        Error: From<E>,
    {
        let dev = parent.as_ref();

        // SAFETY: The registration goes to `devres::register`, which drops it when `dev` is
        // unbound, or before it returns an error. `'static` does not end.
        let reg = unsafe { Self::register(dev, drm, reg_data, 0) }?;
        let drm = ARef::clone(&reg.drm);

        devres::register::<_, Error>(dev, Ok(Managed(Some(reg))), GFP_KERNEL)?;

        Ok(drm)
    }
}

/// A registration that is one of the managed resources of the parent.
///
/// When the parent is unbound, the core takes all resources off their list before it releases the
/// first. Ioctls still run then, and have the bound parent in their hands. What they, or the drop
/// of the registration data, put on the list would stay there after the parent is unbound.
struct Managed<T: Driver>(Option<Registration<'static, T>>);

impl<T: Driver> Drop for Managed<T> {
    fn drop(&mut self) {
        let Some(reg) = self.0.take() else {
            return;
        };
        // SAFETY: The registration holds its device, which holds its parent.
        let parent: ARef<device::Device> =
            unsafe { device::Device::<device::Normal>::from_raw((*reg.drm.as_raw()).dev) }.into();

        // Nobody could handle an error: there must be none.
        let flags = bindings::GFP_KERNEL | 1 << bindings::___GFP_NOFAIL_BIT;
        // SAFETY: The device is valid. Without an ID the group gets a unique one.
        let id =
            unsafe { bindings::devres_open_group(parent.as_raw(), core::ptr::null_mut(), flags) };

        drop(reg);

        // What was put on the list since then, the latest first.
        //
        // SAFETY: The device is valid and has the group.
        unsafe { bindings::devres_release_group(parent.as_raw(), id) };
    }
}

// SAFETY: A device can be unplugged by any thread, and the registration data is `Send`.
unsafe impl<T: Driver> Send for Registration<'_, T> {}

// SAFETY: Sharing a registration gives access to the device only, which is `Sync`.
unsafe impl<T: Driver> Sync for Registration<'_, T> {}

impl<T: Driver> Drop for Registration<'_, T> {
    fn drop(&mut self) {
        let drm = self.drm.as_raw();

        // Unplug rather than unregister: it alone waits for the `drm_dev_enter()` sections.
        //
        // SAFETY: By the type invariants the device is registered.
        unsafe { bindings::drm_dev_unplug(drm) };

        // SAFETY: The device is unplugged, and no lock is held here.
        unsafe { turn_off(&self.drm) };

        // No `Registered` reference is left and none can be made any more: the registration data
        // can go.
    }
}

/// Turns off the outputs of a device with mode setting, and waits for what it does in the
/// background; does nothing for others.
///
/// Sleeps. C: `drm_atomic_helper_shutdown()`, and more.
///
/// # Safety
///
/// `drm` must be unplugged, and the caller must not hold a modeset lock.
#[cfg_attr(not(CONFIG_RUST_DRM_KMS), expect(unused_variables))]
unsafe fn turn_off<T: Driver>(drm: &Device<T>) {
    #[cfg(CONFIG_RUST_DRM_KMS)]
    if let Some(lifecycle) = drm.lifecycle() {
        // SAFETY: By the safety requirements of this function.
        unsafe { lifecycle.shut_down(drm.as_raw()) };
    }
}
