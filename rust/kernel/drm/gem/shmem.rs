// SPDX-License-Identifier: GPL-2.0

//! GEM objects in anonymous pageable memory (shmem).
//!
//! The memory of a [`shmem::Object`](Object) is allocated page by page when it is first needed: by
//! [`Object::vmap`] for the CPU, by [`Object::sg_table`] for the device, by `mmap()` for user
//! space, or when another device attaches to the dma-buf of the object. It stays allocated at
//! least as long as such a use goes on.
//!
//! An imported object stands for a dma-buf of another device instead. It offers the same
//! operations, which are passed on to the exporter. Importing only attaches the device to the
//! dma-buf. DMA mappings, of own and of foreign memory alike, come into being with
//! [`Object::sg_table`] only and end when the parent device is unbound, at the latest: so each of
//! them has exactly one owner, and none outlives the binding that it was made for.
//!
//! # Examples
//!
//! A driver whose BOs carry flags. User space may create them as dumb buffers and by importing
//! dma-bufs as well; they have no flags then:
//!
//! ```
//! use kernel::{
//!     drm::{
//!         self,
//!         gem::{
//!             shmem::{
//!                 self,
//!                 ObjectConfig, //
//!             },
//!             BaseObject,
//!             DriverObject,
//!             DumbCreate,
//!             PrimeImport, //
//!         },
//!     },
//!     io::Io,
//!     page::PAGE_SIZE,
//!     prelude::*, //
//! };
//! # use kernel::{device, faux};
//! # struct MyFile;
//! # impl drm::file::DriverFile for MyFile {
//! #     type Driver = MyDriver;
//! #     fn open(_dev: &drm::Device<MyDriver>) -> Result<Pin<KBox<Self>>> {
//! #         Ok(KBox::new(Self, GFP_KERNEL)?.into())
//! #     }
//! # }
//! # #[vtable]
//! # impl drm::Driver for MyDriver {
//! #     type Data = ();
//! #     type RegistrationData<'a> = ();
//! #     type File = MyFile;
//! #     type Object = Bo;
//! #     type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;
//! #     const INFO: drm::DriverInfo = drm::DriverInfo {
//! #         major: 0,
//! #         minor: 0,
//! #         patchlevel: 0,
//! #         name: c"example",
//! #         desc: c"Example",
//! #     };
//! #     kernel::declare_drm_ioctls! {}
//! # }
//!
//! struct MyDriver;
//!
//! #[pin_data]
//! struct BoData {
//!     flags: u32,
//! }
//!
//! type Bo = shmem::Object<BoData>;
//!
//! impl DriverObject for BoData {
//!     type Driver = MyDriver;
//!     type Args = u32;
//!
//!     const DUMB: Option<DumbCreate<Self>> = Some(DumbCreate::new(|_dev, _buffer| Ok(0)));
//!     const IMPORT: Option<PrimeImport<Self>> = Some(PrimeImport::new(|_dev, _size| Ok(0)));
//!
//!     fn new(
//!         _dev: &drm::Device<MyDriver>,
//!         _size: usize,
//!         flags: u32,
//!     ) -> impl PinInit<Self, Error> {
//!         try_pin_init!(Self { flags })
//!     }
//! }
//!
//! # let parent = faux::Registration::new(c"shmem-example", None)?;
//! # let parent: &faux::Device<device::Bound> = parent.as_ref();
//! // BOs can be created before the device is registered.
//! let dev = drm::UnregisteredDevice::<MyDriver>::new(parent, Ok(()))?;
//! let bo = Bo::new(&dev, 100, ObjectConfig::default(), 7)?;
//! assert_eq!(bo.size(), PAGE_SIZE);
//! assert_eq!(bo.flags, 7);
//!
//! // The CPU's view: 64 bytes are checked when the mapping is made, what is beyond at each access.
//! let map = bo.vmap::<64>()?;
//! map.write32(0xcafe, 60);
//! assert_eq!(bo.vmap::<64>()?.read32(60), 0xcafe);
//! assert!(map.try_write32(0, PAGE_SIZE - 4).is_ok());
//! assert!(map.try_write32(0, PAGE_SIZE).is_err());
//! assert_eq!(bo.vmap::<{ 2 * PAGE_SIZE }>().err(), Some(ENOSPC));
//!
//! // Sizes come from user space as they are.
//! for size in [0, usize::MAX] {
//!     assert_eq!(Bo::new(&dev, size, ObjectConfig::default(), 0).err(), Some(EINVAL));
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/drm/drm_gem_shmem_helper.h`](srctree/include/drm/drm_gem_shmem_helper.h)

use super::{
    close_callback,
    dec_ref,
    inc_ref,
    object_size,
    open_callback,
    BaseObject,
    BaseObjectPrivate,
    DriverObject,
    IntoGEMObject, //
};
use crate::{
    bindings,
    device::{
        self,
        Bound, //
    },
    devres::Devres,
    drm::{
        driver::{
            AllocImpl,
            AllocOps, //
        },
        private::Sealed,
        Device, //
    },
    prelude::*,
    scatterlist,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        new_mutex,
        Mutex,
        SetOnce, //
    },
};
use core::{
    ops::Deref,
    ptr::{
        self,
        NonNull, //
    },
};

mod base;
mod dma_buf;
mod resv;
mod sgt;
mod uapi;
mod vmap;

use self::{
    base::Base,
    dma_buf::Attachment, //
};
pub use self::{
    sgt::SGTableMap,
    vmap::{
        VMap,
        VMapOwned,
        VMapRef, //
    },
};

/// What can be chosen when an [`Object`] is created, and not later.
///
/// # Examples
///
/// BOs that belong to one GPU address space share the reservation object of one of them, so that
/// one lock, and one set of fences, serves for all:
///
/// ```
/// use kernel::{
///     drm::{
///         self,
///         gem::{
///             shmem::{
///                 Object,
///                 ObjectConfig, //
///             },
///             DriverObject, //
///         },
///     },
///     prelude::*,
///     sync::aref::ARef, //
/// };
///
/// fn private_bo<D, T>(dev: &drm::Device<D>, root: &Object<T>, size: usize) -> Result<ARef<Object<T>>>
/// where
///     D: drm::Driver<Object = Object<T>>,
///     T: DriverObject<Driver = D, Args = ()>,
/// {
///     let config = ObjectConfig {
///         map_wc: true,
///         parent_resv_obj: Some(root),
///     };
///
///     Object::new(dev, size, config, ())
/// }
/// ```
pub struct ObjectConfig<'a, T: DriverObject> {
    /// Whether mappings, in the kernel and in user space, are write-combined rather than cached.
    pub map_wc: bool,

    /// The object whose reservation object (`struct dma_resv`) the new object shares, rather than
    /// having one of its own.
    ///
    /// The new object holds a reference on it.
    pub parent_resv_obj: Option<&'a Object<T>>,
}

impl<T: DriverObject> Default for ObjectConfig<'_, T> {
    /// Cached mappings and a reservation object of its own.
    #[inline]
    fn default() -> Self {
        Self {
            map_wc: false,
            parent_resv_obj: None,
        }
    }
}

/// A GEM object in anonymous pageable memory, or an imported one.
///
/// See the [GEM](super) and the [shmem](self) modules for how objects live and die.
///
/// # Invariants
///
/// - `base` belongs to the device `dev`.
/// - The reservation object of `base` is its own, that of `parent_resv`, or that of the dma-buf to
///   which `base` is attached.
/// - `sgt` is empty or owns the one DMA mapping of the object that this module makes.
#[pin_data]
pub struct Object<T: DriverObject> {
    // The fields are dropped in this order: the driver's data may refer to the device's view of the
    // memory, the DMA mapping needs the memory, and all of it needs the reservation object and the
    // device.
    #[pin]
    data: T,
    sgt: SetOnce<Devres<SGTableMap<T>>>,
    #[pin]
    base: Base,
    parent_resv: Option<ARef<Object<T>>>,
    dev: ARef<Device<T::Driver>>,
    /// Serializes the initialization of `sgt`.
    #[pin]
    sgt_lock: Mutex<()>,
}

// SAFETY: The reference counting of GEM objects is atomic and the last reference may be dropped by
// any task. `T` and all other fields are `Send`, or protected by the reservation object.
unsafe impl<T: DriverObject> Send for Object<T> {}

// SAFETY: `&Object<T>` gives access to `&T`, which is `Sync`, and to operations of the DRM core that
// are protected by the reservation object or by locks of their own.
unsafe impl<T: DriverObject> Sync for Object<T> {}

impl<T: DriverObject> Object<T> {
    const OBJECT_FUNCS: bindings::drm_gem_object_funcs = bindings::drm_gem_object_funcs {
        free: Some(Self::free_callback),
        open: Some(open_callback::<T>),
        close: Some(close_callback::<T>),
        print_info: Some(bindings::drm_gem_shmem_object_print_info),
        export: None,
        pin: Some(bindings::drm_gem_shmem_object_pin),
        unpin: Some(bindings::drm_gem_shmem_object_unpin),
        get_sg_table: Some(bindings::drm_gem_shmem_object_get_sg_table),
        vmap: Some(bindings::drm_gem_shmem_object_vmap),
        vunmap: Some(bindings::drm_gem_shmem_object_vunmap),
        mmap: Some(bindings::drm_gem_shmem_object_mmap),
        status: None,
        #[allow(unused_unsafe, reason = "Safe since Rust 1.82.0")]
        // SAFETY: `drm_gem_shmem_vm_ops` is a constant of the C code, whose address is taken only.
        vm_ops: unsafe { &raw const bindings::drm_gem_shmem_vm_ops },
        evict: None,
        rss: None,
    };

    /// Creates an object that can hold `size` bytes.
    ///
    /// The size of the object is `size` rounded up to a multiple of the page size. `args` is passed
    /// to [`DriverObject::new`]. The device need not be registered. No memory but that for the
    /// bookkeeping is allocated yet.
    ///
    /// May sleep. Wraps `drm_gem_shmem_init()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `size` is zero or larger than any file can be.
    /// - `ENOMEM` or `ENFILE` if there is no memory for the object or its shmem file.
    /// - `ENOSPC` if the device has no space for the `mmap()` offset of the object. That bounds the
    ///   size of objects, to about 1 TiB with pages of 4 KiB.
    /// - The error of [`DriverObject::new`].
    pub fn new(
        dev: &Device<T::Driver>,
        size: usize,
        config: ObjectConfig<'_, T>,
        args: T::Args,
    ) -> Result<ARef<Self>>
    where
        T::Driver: crate::drm::Driver<Object = Self>,
    {
        Self::create(dev, size, config, args)
    }

    /// Does the work of [`Object::new`].
    ///
    /// The bound of the latter holds here as well, but the compiler does not see that where this
    /// is called by the callbacks in [`Self::ALLOC_OPS`](AllocImpl::ALLOC_OPS): these are used
    /// because `Self` is `<T::Driver as Driver>::Object`.
    fn create(
        dev: &Device<T::Driver>,
        size: usize,
        config: ObjectConfig<'_, T>,
        args: T::Args,
    ) -> Result<ARef<Self>> {
        let size = object_size(size)?;
        let parent = config.parent_resv_obj;
        let resv = parent.map_or(ptr::null_mut(), |obj| obj.raw_dma_resv());

        // SAFETY: `create_with()` keeps `dev` and `parent`, hence `resv`, alive. `size` is a
        // multiple of the page size.
        let base =
            unsafe { Base::new(dev.as_raw(), size, &Self::OBJECT_FUNCS, config.map_wc, resv) };

        Self::create_with(dev, size, parent, args, base)
    }

    /// Creates an object that stands for the dma-buf of `attach`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the dma-buf is empty or too large to be rounded up.
    /// - `ENOMEM`, `ENOSPC`, or the error of [`DriverObject::new`], as for [`Object::new`].
    fn import(dev: &Device<T::Driver>, attach: Attachment, args: T::Args) -> Result<ARef<Self>> {
        let size = object_size(attach.size())?;

        // SAFETY: `create_with()` keeps `dev` alive. `size` is a multiple of the page size.
        let base = unsafe { Base::new_imported(dev.as_raw(), size, &Self::OBJECT_FUNCS, attach) };

        Self::create_with(dev, size, None, args, base)
    }

    /// Allocates an object and initializes the driver's data and then the C part in it.
    ///
    /// If either fails, what was initialized before is dropped, once, and the memory is freed.
    fn create_with(
        dev: &Device<T::Driver>,
        size: usize,
        parent: Option<&Self>,
        args: T::Args,
        base: impl PinInit<Base, Error>,
    ) -> Result<ARef<Self>> {
        let obj = KBox::pin_init(
            // INVARIANT: `base` is created on the device that `dev` keeps alive, and its
            // reservation object is one of those that the type invariants name.
            try_pin_init!(Self {
                dev: dev.into(),
                parent_resv: parent.map(Into::into),
                sgt: SetOnce::new(),
                sgt_lock <- new_mutex!(()),
                data <- T::new(dev, size, args),
                base <- base,
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
    pub fn dev(&self) -> &Device<T::Driver> {
        &self.dev
    }

    /// Returns a pointer to the embedded `struct drm_gem_shmem_object`.
    pub(super) fn as_raw_shmem(&self) -> *mut bindings::drm_gem_shmem_object {
        self.base.as_raw()
    }

    /// Maps the object into the address space of the kernel.
    ///
    /// The mapping is an [I/O region](crate::io::Io) of the size of the object, which is checked to
    /// be at least `SIZE` bytes, so that accesses below `SIZE` need no check at run time. With
    /// `vmap::<0>()` all accesses are checked at run time. All mappings of an object are one and
    /// the same in hardware; the last one to be dropped undoes it.
    ///
    /// Takes the reservation lock of the object; may sleep.
    ///
    /// # Errors
    ///
    /// - `ENOSPC` if the object is smaller than `SIZE` bytes.
    /// - `ENOMEM` if memory or address space is short.
    /// - `EOPNOTSUPP` if the object is imported and its memory is I/O memory, which must not be
    ///   accessed like system memory.
    /// - For an imported object, the error of the exporter.
    #[inline]
    pub fn vmap<const SIZE: usize>(&self) -> Result<VMapRef<'_, T, SIZE>> {
        VMap::new(self)
    }

    /// The same as [`Object::vmap`], for a mapping that holds a reference on the object.
    ///
    /// # Errors
    ///
    /// Those of [`Object::vmap`].
    #[inline]
    pub fn owned_vmap<const SIZE: usize>(&self) -> Result<VMapOwned<T, SIZE>> {
        VMap::new(self)
    }

    /// Returns the scatter/gather table of the memory, mapped for DMA in both directions.
    ///
    /// `dev` must be the parent of the object's DRM device. The first call allocates and maps the
    /// memory; the mapping then stays until the object is freed or `dev` is unbound, whichever
    /// comes first. It is gone for good then: it does not come back when a driver binds to the
    /// device again.
    ///
    /// Takes the reservation lock of the object; may sleep.
    ///
    /// # Examples
    ///
    /// Handing the memory to a page table, or to whatever else takes ranges of DMA addresses:
    ///
    /// ```
    /// use kernel::{
    ///     device::{
    ///         Bound,
    ///         Device, //
    ///     },
    ///     dma::DmaAddress,
    ///     drm::gem::{
    ///         shmem,
    ///         DriverObject, //
    ///     },
    ///     io::ResourceSize,
    ///     prelude::*, //
    /// };
    ///
    /// fn map_bo<T: DriverObject>(
    ///     bo: &shmem::Object<T>,
    ///     dev: &Device<Bound>,
    ///     mut map: impl FnMut(DmaAddress, ResourceSize) -> Result,
    /// ) -> Result {
    ///     for entry in bo.sg_table(dev)?.iter() {
    ///         map(entry.dma_address(), entry.dma_len())?;
    ///     }
    ///
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `dev` is another device than the parent of the object's DRM device.
    /// - `ENXIO` if the mapping is gone because the device was unbound since.
    /// - `ENOMEM`, or the error of the DMA API or of the exporter, if the memory cannot be mapped.
    /// - `ERESTARTSYS` if a signal arrived while waiting for the reservation lock.
    pub fn sg_table<'a>(
        &'a self,
        dev: &'a device::Device<Bound>,
    ) -> Result<&'a scatterlist::SGTable> {
        let parent = self.dev().as_ref();
        if dev.as_raw() != parent.as_ref().as_raw() {
            return Err(EINVAL);
        }

        let map = match self.sgt.as_ref() {
            Some(map) => map,
            None => self.map_sg_table(dev)?,
        };

        // A device may be bound again after the binding that the mapping was made for has ended.
        // `Devres::access()` looks at the identity of the device only. It is enough to check here:
        // `dev` proves that the current binding goes on, and a mapping that was not revoked yet can
        // only be one of the current binding.
        map.try_access().ok_or(ENXIO)?;

        map.access(dev).map(Deref::deref)
    }

    /// The slow path of [`Object::sg_table`]: makes the mapping, unless someone else has by now.
    fn map_sg_table<'a>(
        &'a self,
        dev: &'a device::Device<Bound>,
    ) -> Result<&'a Devres<SGTableMap<T>>> {
        let _guard = self.sgt_lock.lock();

        if self.sgt.as_ref().is_none() {
            // This cannot find `sgt` populated, as only the owner of `sgt_lock` populates it.
            self.sgt.populate(Devres::new(dev, SGTableMap::new(self))?);
        }

        self.sgt.as_ref().ok_or(ENXIO)
    }

    /// The `drm_gem_object_funcs.free` callback.
    ///
    /// # Safety
    ///
    /// `obj` must belong to an object that `Self::create_with()` has created, and there must be no
    /// other reference to it.
    unsafe extern "C" fn free_callback(obj: *mut bindings::drm_gem_object) {
        // SAFETY: By the safety requirements `obj` is embedded in a `Self`.
        let this = unsafe { Self::container_of(obj) };

        // SAFETY: `Self::create_with()` took the pointer from a `KBox`, and nobody else uses it any
        // more.
        drop(unsafe { KBox::from_raw(this) });
    }

    /// Returns the object around a `struct drm_gem_object`.
    ///
    /// # Safety
    ///
    /// `obj` must point to the `struct drm_gem_object` that is embedded in a `Self`.
    unsafe fn container_of(obj: *mut bindings::drm_gem_object) -> *mut Self {
        // SAFETY: By the safety requirements.
        unsafe {
            let shmem = crate::container_of!(obj, bindings::drm_gem_shmem_object, base);

            crate::container_of!(shmem.cast::<Base>(), Self, base)
        }
    }
}

impl<T: DriverObject> IntoGEMObject for Object<T> {
    fn as_raw(&self) -> *mut bindings::drm_gem_object {
        // SAFETY: `as_raw_shmem()` points to a valid object; only the address is taken.
        unsafe { &raw mut (*self.as_raw_shmem()).base }
    }

    unsafe fn from_raw<'a>(self_ptr: *mut bindings::drm_gem_object) -> &'a Self {
        // SAFETY: By the safety requirements `self_ptr` is embedded in a valid `Self` that lives
        // and is not mutably referenced for `'a`.
        unsafe { &*Self::container_of(self_ptr) }
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

    const ALLOC_OPS: AllocOps = AllocOps {
        // No helper of the C code may create objects: they would not be of type `Self`.
        gem_create_object: Some(uapi::refuse_create_object),
        prime_handle_to_fd: None,
        prime_fd_to_handle: None,
        // Without a callback of its own the driver still imports what it has exported itself. As
        // it has no `gem_prime_import_sg_table`, the core refuses everything else.
        gem_prime_import: if T::IMPORT.is_some() {
            Some(Self::prime_import_callback)
        } else {
            None
        },
        gem_prime_import_sg_table: None,
        dumb_create: if T::DUMB.is_some() {
            Some(Self::dumb_create_callback)
        } else {
            None
        },
        dumb_map_offset: None,
    };
}
