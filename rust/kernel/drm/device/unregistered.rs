// SPDX-License-Identifier: GPL-2.0

//! A DRM device that user space cannot see yet.

use super::{
    Device,
    KmsPart, //
};
#[cfg(CONFIG_RUST_DRM_KMS)]
use crate::sync::atomic::Relaxed;
use crate::{
    alloc::allocator::Kmalloc,
    bindings,
    device,
    drm::{
        self,
        driver::AllocImpl, //
    },
    error::from_err_ptr,
    prelude::*,
    str::as_char_ptr_in_const_context,
    sync::{
        aref::ARef,
        atomic::Atomic, //
    },
    types::NotThreadSafe, //
};
use core::{
    alloc::Layout,
    mem::offset_of,
    ops::Deref,
    ptr::NonNull, //
};

/// A [`Device`] that was allocated and is not registered.
///
/// The only way to a [`Registration`](drm::Registration), which takes the value: a device is
/// registered once at most, and everything that must happen before user space can see it is
/// written against this type. Set-up of a DRM device is single-threaded, so the type is neither
/// [`Send`] nor [`Sync`]. References to the [`Device`] inside may be counted and shared; they
/// outlive this type, whether the device ends up registered or not.
///
/// Dropping it waits for the work on queues of the device, and gives up the reference that it
/// holds. If that was the last one, `T::Data` is dropped and the memory is freed.
///
/// # Invariants
///
/// `self.0` was not given to `drm_dev_register()`.
///
/// # Examples
///
/// ```
/// # use kernel::{device::Bound, drm, faux, prelude::*};
/// /// Gets a device ready; nothing of this is visible to user space.
/// fn set_up<T>(parent: &faux::Device<Bound>) -> Result<drm::UnregisteredDevice<T>>
/// where
///     T: drm::Driver<Data = (), ParentDevice<Bound> = faux::Device<Bound>>,
/// {
///     drm::UnregisteredDevice::new(parent, Ok(()))
/// }
/// ```
pub struct UnregisteredDevice<T: drm::Driver>(ARef<Device<T>>, NotThreadSafe);

impl<T: drm::Driver> UnregisteredDevice<T> {
    /// The `driver_features` that follow from the constants of the driver.
    const FEATURES: u32 = {
        assert!(
            T::FEAT_SYNCOBJ || !T::FEAT_SYNCOBJ_TIMELINE,
            "FEAT_SYNCOBJ_TIMELINE needs FEAT_SYNCOBJ"
        );

        let mut features = bindings::drm_driver_feature_DRIVER_GEM;
        if T::FEAT_RENDER {
            features |= bindings::drm_driver_feature_DRIVER_RENDER;
        }
        if T::FEAT_SYNCOBJ {
            features |= bindings::drm_driver_feature_DRIVER_SYNCOBJ;
        }
        if T::FEAT_SYNCOBJ_TIMELINE {
            features |= bindings::drm_driver_feature_DRIVER_SYNCOBJ_TIMELINE;
        }
        features
    };

    /// Operations on the device node.
    const FOPS: bindings::file_operations =
        drm::file::create_fops(crate::module::this_module::<T::OwnerModule>().as_ptr());

    /// `struct drm_driver` of a driver without KMS.
    const VTABLE: bindings::drm_driver = Self::driver_vtable();

    /// Layout of the whole allocation that `__drm_dev_alloc()` makes.
    ///
    /// The C side knows only a size and where `struct drm_device` is in it. The checks fail the
    /// build if this layout is ever computed from another type than [`Device`], as once happened
    /// when the constructor moved into the (pointer-sized) wrapper.
    fn layout() -> Layout {
        let layout = Kmalloc::aligned_layout(const { Self::DEVICE_LAYOUT });

        // `kmalloc()` aligns to the largest power of two that divides the size, hence to
        // `layout.align()` if the size is a multiple of it.
        debug_assert!(layout.size() % align_of::<Device<T>>() == 0);
        layout
    }

    const DEVICE_LAYOUT: Layout = {
        let layout = Layout::new::<Device<T>>();

        assert!(
            layout.size() >= size_of::<bindings::drm_device>() + size_of::<T::Data>(),
            "the allocation must hold struct drm_device and the driver's data"
        );
        assert!(
            offset_of!(Device<T>, data) + size_of::<T::Data>() <= layout.size()
                && offset_of!(Device<T>, registration_data) + size_of::<NonNull<()>>()
                    <= layout.size(),
            "the allocation must hold all fields of drm::Device"
        );
        assert!(
            layout.align() >= align_of::<T::Data>() && layout.size() % layout.align() == 0,
            "the allocation must be as aligned as the driver's data"
        );
        layout
    };

    /// Returns the `struct drm_driver` of `T` with the features of a driver without KMS.
    ///
    /// KMS builds its own on top of it, adding features and callbacks.
    pub(crate) const fn driver_vtable() -> bindings::drm_driver {
        let alloc_ops = T::Object::ALLOC_OPS;

        bindings::drm_driver {
            open: Some(drm::File::<T::File>::open_callback),
            postclose: Some(drm::File::<T::File>::postclose_callback),
            release: Some(Device::<T>::release_callback),
            debugfs_init: drm::debugfs::init_callback::<T>(),
            show_fdinfo: drm::file::show_fdinfo_callback::<T>(),

            gem_create_object: alloc_ops.gem_create_object,
            prime_handle_to_fd: alloc_ops.prime_handle_to_fd,
            prime_fd_to_handle: alloc_ops.prime_fd_to_handle,
            gem_prime_import: alloc_ops.gem_prime_import,
            gem_prime_import_sg_table: alloc_ops.gem_prime_import_sg_table,
            dumb_create: alloc_ops.dumb_create,
            dumb_map_offset: alloc_ops.dumb_map_offset,

            major: T::INFO.major,
            minor: T::INFO.minor,
            patchlevel: T::INFO.patchlevel,
            name: as_char_ptr_in_const_context(T::INFO.name).cast_mut(),
            desc: as_char_ptr_in_const_context(T::INFO.desc).cast_mut(),

            driver_features: Self::FEATURES,
            ioctls: T::IOCTLS.as_ptr().cast(),
            num_ioctls: T::IOCTLS.len() as c_int,
            fops: const { &Self::FOPS },

            ..pin_init::zeroed()
        }
    }

    /// Allocates a DRM device whose parent is `parent` and initialises its data with `data`.
    ///
    /// The new device holds a reference to `parent`'s `struct device` for as long as it lives,
    /// which can be longer than `parent` stays bound. `data` is initialised in place and may be
    /// over-aligned; it lives until the last reference to the device is gone.
    ///
    /// Calls `__drm_dev_alloc()`. Sleeps.
    ///
    /// # Errors
    ///
    /// - The error of `data`. What `data` had initialised it has dropped by then; the device is
    ///   freed without touching the rest.
    /// - `ENOMEM` if memory or minor numbers run out, `ENODEV` if the DRM core is not up yet.
    pub fn new(
        parent: &T::ParentDevice<device::Bound>,
        data: impl PinInit<T::Data, Error>,
    ) -> Result<Self> {
        Self::with_vtable(parent, data, const { &Self::VTABLE }, None)
    }

    /// [`UnregisteredDevice::new`] with another `struct drm_driver`.
    ///
    /// `vtable` must be [`UnregisteredDevice::driver_vtable`], with callbacks and features added
    /// that apply to every `Device<T>`. `kms` is for devices with mode setting.
    pub(crate) fn with_vtable(
        parent: &T::ParentDevice<device::Bound>,
        data: impl PinInit<T::Data, Error>,
        vtable: &'static bindings::drm_driver,
        kms: KmsPart,
    ) -> Result<Self> {
        // No `release` until there is something to release: if `data` fails, dropping the
        // reference must free the device and not drop fields that were never written.
        let setup_vtable = bindings::drm_driver {
            release: None,
            ..*vtable
        };

        // SAFETY:
        // - `parent` is a valid `struct device`.
        // - `setup_vtable` outlives its use: it is replaced below, or the device is freed.
        // - The layout is that of `Device<T>`, which has its `struct drm_device` at the offset.
        let ptr = unsafe {
            bindings::__drm_dev_alloc(
                parent.as_ref().as_raw(),
                &setup_vtable,
                Self::layout().size(),
                offset_of!(Device<T>, dev),
            )
        };
        let this: NonNull<Device<T>> = NonNull::new(from_err_ptr(ptr)?.cast()).ok_or(ENOMEM)?;
        let this_ptr = this.as_ptr();

        // SAFETY: `this` was allocated with the layout of `Device<T>`; no reference to it exists.
        let (drm, data_ptr, registration_data_ptr, kms_ptr) = unsafe {
            (
                (&raw mut (*this_ptr).dev).cast::<bindings::drm_device>(),
                &raw mut (*this_ptr).data,
                &raw mut (*this_ptr).registration_data,
                &raw mut (*this_ptr).kms,
            )
        };

        // SAFETY: `data_ptr` is valid for writes, aligned, uninitialised, and its pointee does not
        // move before it is dropped by `Device::release_callback`.
        if let Err(err) = unsafe { pin_init::raw_try_init(data_ptr, data) } {
            // SAFETY: This is the only reference to the device. Its vtable has no `release` yet,
            // so that no field of `Device<T>` is dropped.
            unsafe { bindings::drm_dev_put(drm) };
            return Err(err);
        }

        // SAFETY: The pointer is valid for writes and aligned; nobody else knows the device.
        unsafe { registration_data_ptr.write(Atomic::new(core::ptr::null_mut())) };

        // SAFETY: As above.
        unsafe { kms_ptr.write(kms) };

        // SAFETY: Nobody else knows the device. From here on `release` finds all fields
        // initialised.
        unsafe { (*drm).driver = vtable };

        // INVARIANT: The device is new.
        // SAFETY: All fields of `Device<T>` are initialised, and the reference that
        // `__drm_dev_alloc()` returned becomes that of the `ARef`.
        Ok(Self(unsafe { ARef::from_raw(this) }, NotThreadSafe))
    }
}

#[cfg(CONFIG_RUST_DRM_KMS)]
impl<T: drm::Driver> Drop for UnregisteredDevice<T> {
    fn drop(&mut self) {
        // Otherwise it was given to `drm_dev_register()`, and the registration does this.
        let unregistered = self.0.registration_data.load(Relaxed).is_null();

        if let Some(lifecycle) = self.0.lifecycle().filter(|_| unregistered) {
            lifecycle.close_queues();
        }
    }
}

impl<T: drm::Driver> Deref for UnregisteredDevice<T> {
    type Target = Device<T>;

    #[inline]
    fn deref(&self) -> &Self::Target {
        &self.0
    }
}
