// SPDX-License-Identifier: GPL-2.0

//! GEM objects without memory management.

use super::{
    close_callback,
    dec_ref,
    inc_ref,
    object_size,
    open_callback,
    DriverObject,
    IntoGEMObject, //
};
use crate::{
    bindings,
    drm::{
        self,
        driver::{
            AllocImpl,
            AllocOps, //
        },
        private::Sealed, //
    },
    error::to_result,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
    types::Opaque, //
};
use core::{
    ops::Deref,
    ptr::NonNull, //
};

/// The C part of an [`Object`].
///
/// # Invariants
///
/// `inner` was initialized by `drm_gem_object_init()` and its device is alive.
#[pin_data(PinnedDrop)]
#[repr(transparent)]
struct Base {
    #[pin]
    inner: Opaque<bindings::drm_gem_object>,
}

impl Base {
    /// Initializes the C part of an object of `size` bytes.
    ///
    /// # Safety
    ///
    /// - `dev` must be valid until the initialized object is dropped.
    /// - `size` must be a multiple of the page size.
    unsafe fn new(
        dev: *mut bindings::drm_device,
        size: usize,
        funcs: &'static bindings::drm_gem_object_funcs,
    ) -> impl PinInit<Self, Error> {
        // INVARIANT: The closure succeeds only if `drm_gem_object_init()` does, and the caller
        // keeps the device alive.
        try_pin_init!(Self {
            inner <- Opaque::try_ffi_init(move |obj: *mut bindings::drm_gem_object| {
                // SAFETY: `obj` points to memory of the right size and alignment that nobody else
                // uses. All zeroes is what `drm_gem_object_init()` expects.
                unsafe {
                    obj.write_bytes(0, 1);
                    (*obj).funcs = funcs;
                }

                // SAFETY: `dev` is valid, `obj` is zeroed but for its functions, and `size` is a
                // multiple of the page size.
                let ret = unsafe { bindings::drm_gem_object_init(dev, obj, size) };

                to_result(ret).inspect_err(|_| {
                    // SAFETY: When `drm_gem_object_init()` fails, it has initialized the private
                    // part of the object, and only that.
                    unsafe { bindings::drm_gem_private_object_fini(obj) };
                })
            }),
        }? Error)
    }
}

#[pinned_drop]
impl PinnedDrop for Base {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant the object is initialized and its device alive. Nobody
        // else can use it any more when it is dropped.
        unsafe { bindings::drm_gem_object_release(self.inner.get()) };
    }
}

/// A GEM object without memory management.
///
/// The type to start from for a driver that manages memory itself, say that of its device.
///
/// It has a size, handles and an `mmap()` offset, and an unused shmem file that accounts for its
/// size; but neither mappings nor dumb buffers, and its dma-bufs cannot be attached to other
/// devices. See the [module documentation](super) for how objects live and die.
///
/// # Invariants
///
/// `base` belongs to the device `dev`.
#[pin_data]
pub struct Object<T: DriverObject> {
    // The fields are dropped in this order.
    #[pin]
    data: T,
    #[pin]
    base: Base,
    dev: ARef<drm::Device<T::Driver>>,
}

// SAFETY: The reference counting of GEM objects is atomic and the last reference may be dropped by
// any task. `T` is `Send`.
unsafe impl<T: DriverObject> Send for Object<T> {}

// SAFETY: `&Object<T>` gives access to `&T`, which is `Sync`, and to operations of the DRM core that
// do their own locking.
unsafe impl<T: DriverObject> Sync for Object<T> {}

impl<T: DriverObject> Object<T> {
    const OBJECT_FUNCS: bindings::drm_gem_object_funcs = bindings::drm_gem_object_funcs {
        free: Some(Self::free_callback),
        open: Some(open_callback::<T>),
        close: Some(close_callback::<T>),
        print_info: None,
        export: None,
        pin: None,
        unpin: None,
        get_sg_table: None,
        vmap: None,
        vunmap: None,
        mmap: None,
        status: None,
        vm_ops: core::ptr::null_mut(),
        evict: None,
        rss: None,
    };

    /// Creates an object that can hold `size` bytes.
    ///
    /// The size of the object is `size` rounded up to a multiple of the page size. `args` is passed
    /// to [`DriverObject::new`]. The device need not be registered.
    ///
    /// May sleep. Wraps `drm_gem_object_init()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `size` is zero or larger than any file can be.
    /// - `ENOMEM` or `ENFILE` if there is no memory for the object or its shmem file.
    /// - The error of [`DriverObject::new`].
    pub fn new(dev: &drm::Device<T::Driver>, size: usize, args: T::Args) -> Result<ARef<Self>>
    where
        T::Driver: drm::Driver<Object = Self>,
    {
        let size = object_size(size)?;

        let obj = KBox::pin_init(
            // INVARIANT: `base` is created on the device that `dev` keeps alive.
            try_pin_init!(Self {
                dev: dev.into(),
                data <- T::new(dev, size, args),
                // SAFETY: `dev` is dropped after `base`, and `size` is a multiple of the page size.
                base <- unsafe { Base::new(dev.as_raw(), size, &Self::OBJECT_FUNCS) },
            }? Error),
            GFP_KERNEL,
        )?;

        // SAFETY: The object stays pinned: `free_callback()` drops it in place.
        let ptr = KBox::into_raw(unsafe { Pin::into_inner_unchecked(obj) });

        // SAFETY: `ptr` comes from `KBox::into_raw()`, hence is not null. The initial reference of
        // the GEM object now belongs to the `ARef`.
        Ok(unsafe { ARef::from_raw(NonNull::new_unchecked(ptr)) })
    }

    /// Returns the device that the object belongs to.
    pub fn dev(&self) -> &drm::Device<T::Driver> {
        &self.dev
    }

    /// The `drm_gem_object_funcs.free` callback.
    ///
    /// # Safety
    ///
    /// `obj` must belong to an object that `Self::new()` has created, and there must be no other
    /// reference to it.
    unsafe extern "C" fn free_callback(obj: *mut bindings::drm_gem_object) {
        let base: *mut Base = obj.cast();

        // SAFETY: By the safety requirements `obj` is embedded in a `Self`.
        let this = unsafe { crate::container_of!(base, Self, base) };

        // SAFETY: `Self::new()` took the pointer from a `KBox`, and nobody else uses it any more.
        drop(unsafe { KBox::from_raw(this) });
    }
}

impl<T: DriverObject> IntoGEMObject for Object<T> {
    fn as_raw(&self) -> *mut bindings::drm_gem_object {
        self.base.inner.get()
    }

    unsafe fn from_raw<'a>(self_ptr: *mut bindings::drm_gem_object) -> &'a Self {
        let base: *mut Base = self_ptr.cast();

        // SAFETY: By the safety requirements `self_ptr` points to the C part of a valid `Self`
        // that lives and is not mutably referenced for `'a`.
        unsafe { &*crate::container_of!(base, Self, base) }
    }
}

// SAFETY: The reference count is that of the GEM object, which keeps the whole object alive.
unsafe impl<T: DriverObject> AlwaysRefCounted for Object<T> {
    fn inc_ref(&self) {
        inc_ref(self);
    }

    unsafe fn dec_ref(obj: NonNull<Self>) {
        // SAFETY: The caller owns a reference count that it gives away.
        unsafe { dec_ref(obj) };
    }
}

impl<T: DriverObject> Sealed for Object<T> {}

impl<T: DriverObject> Deref for Object<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.data
    }
}

impl<T: DriverObject> AllocImpl for Object<T> {
    type Driver = T::Driver;

    const ALLOC_OPS: AllocOps = {
        // Without memory there is nothing to show on a display or to import.
        assert!(T::DUMB.is_none() && T::IMPORT.is_none());

        AllocOps {
            gem_create_object: None,
            prime_handle_to_fd: None,
            prime_fd_to_handle: None,
            gem_prime_import: None,
            gem_prime_import_sg_table: None,
            dumb_create: None,
            dumb_map_offset: None,
        }
    };
}
