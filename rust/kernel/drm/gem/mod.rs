// SPDX-License-Identifier: GPL-2.0

//! Graphics Execution Manager (GEM) buffer objects.
//!
//! A GEM object, or buffer object (BO), is a reference-counted piece of memory that belongs to one
//! DRM device. User space names it by a 32-bit *handle*, which is valid for one open [`File`] only,
//! and shares it with other devices as a dma-buf file descriptor (PRIME).
//!
//! A driver describes the private part of its objects by implementing [`DriverObject`] and chooses
//! the memory behind them by the type that wraps it:
//!
//! - [`Object<T>`]: no CPU or device mappings by itself; the driver brings its own memory manager.
//! - `shmem::Object<T>`: anonymous pageable memory, with kernel mappings, `mmap()`, scatter/gather
//!   tables, dumb buffers and PRIME.
//!
//! The chosen type is the driver's [`drm::Driver::Object`].
//!
//! # One object type per driver
//!
//! The DRM core hands objects around as `struct drm_gem_object`: a handle lookup, a framebuffer or
//! a re-imported dma-buf all end in such a pointer. Turning it back into a Rust type is only
//! correct if it is known which type it was. Hence the rule on which everything in this module
//! relies: **every GEM object of a device of driver `D` is a `D::Object`**. The constructors demand
//! it of the compiler, and the callbacks by which the core could create an object of another type
//! are all replaced.
//!
//! # Lifetimes
//!
//! An object holds a reference on its [`drm::Device`], as the C object points to its device until
//! the very end. It may be created as soon as there is a device, thus also on a
//! [`drm::UnregisteredDevice`], and may outlive both the registration and the last handle of the
//! device. For the same reason [`drm::Driver::Data`], which the device owns, should not own
//! objects of that device: such a cycle keeps both alive for ever. Objects that the driver itself
//! needs belong into [`drm::Driver::RegistrationData`].
//!
//! When the last reference goes away, the driver's data is dropped first, so that it can take down
//! hardware mappings while the memory is still there; then DMA mappings, then the memory itself.
//! The last reference may go away in any context that may sleep, on any task. Callers must not
//! drop it with the reservation lock of the object held.
//!
//! # What the driver's code may do where
//!
//! | code | runs on | may sleep | locks that are held |
//! |---|---|---|---|
//! | [`DriverObject::new`] | the task that creates the object | yes | during an import: `drm_device.object_name_lock` and the PRIME lock of the client |
//! | arguments of [`DumbCreate`] | the client's task | yes | none |
//! | arguments of [`PrimeImport`] | the client's task | yes | as for `new` during an import |
//! | [`DriverObject::open`] | the client's task | yes | during an import: the PRIME lock of the client |
//! | [`DriverObject::close`] | the client's task, or the one that closes its file | yes | none |
//! | `Drop` of the [`DriverObject`] | any task | yes | whatever the owner of the last reference holds |
//!
//! In none of them the device is known to be registered or its parent to be bound: objects can be
//! created before, and clients may close their handles long after. What needs the hardware asks for
//! it with [`drm::Device::registration_guard`] or a [`Devres`](crate::devres::Devres).
//!
//! # The functions behind it
//!
//! | here | C |
//! |---|---|
//! | [`Object::new`] | `drm_gem_object_init()` |
//! | `shmem::Object::new` | `drm_gem_shmem_init()` |
//! | [`ARef`] of an object | `drm_gem_object_get()`, `drm_gem_object_put()` |
//! | [`BaseObject::create_handle`] | `drm_gem_handle_create()` |
//! | [`BaseObject::lookup_handle`] | `drm_gem_object_lookup()` |
//! | [`BaseObject::delete_handle`] | `drm_gem_handle_delete()` |
//! | [`BaseObject::create_mmap_offset`] | `drm_gem_create_mmap_offset()` |
//! | `shmem::Object::vmap` | `drm_gem_shmem_vmap_locked()` |
//! | `shmem::Object::sg_table` | `drm_gem_shmem_get_pages_sgt()`, `dma_buf_map_attachment()` |
//! | [`DriverObject::DUMB`] | `drm_driver.dumb_create` |
//! | [`DriverObject::IMPORT`] | `drm_driver.gem_prime_import` |
//!
//! C header: [`include/drm/drm_gem.h`](srctree/include/drm/drm_gem.h)
//!
//! [`File`]: drm::File

use crate::{
    bindings,
    drm::{
        self,
        driver::AllocImpl, //
    },
    error::to_result,
    page::page_align,
    prelude::*,
    sync::aref::{
        ARef,
        AlwaysRefCounted, //
    },
};

mod create;
#[cfg(CONFIG_DRM_RUST_KUNIT_TEST)]
mod kunit;
mod object;
#[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
mod plain;
#[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
pub mod shmem;

pub use self::{
    create::{
        DumbBuffer,
        DumbCreate,
        PrimeImport, //
    },
    object::Object, //
};
#[cfg(CONFIG_RUST_DRM_GEM_SHMEM_HELPER)]
pub use self::plain::Plain;

/// The [`drm::File`] type of the driver that a [`DriverObject`] belongs to.
pub type DriverFile<T> = drm::File<<<T as DriverObject>::Driver as drm::Driver>::File>;

/// The complete GEM object type, as chosen by [`drm::Driver::Object`], of the driver that a
/// [`DriverObject`] belongs to.
pub type DriverAllocImpl<T> = <<T as DriverObject>::Driver as drm::Driver>::Object;

/// The driver's private part of a GEM object.
///
/// It is embedded in the object ([`Object<T>`] or `shmem::Object<T>`), which dereferences to it,
/// and is dropped together with it. References to it are shared between all tasks that use the
/// object, hence the `Send` and `Sync` bounds; what changes after creation needs a lock or atomics.
///
/// See the example of the `shmem` module.
pub trait DriverObject: Sync + Send + Sized + 'static {
    /// The driver whose devices own objects of this type.
    type Driver: drm::Driver;

    /// What [`DriverObject::new`] needs to know beyond the size.
    type Args;

    /// How `DRM_IOCTL_MODE_CREATE_DUMB` creates objects of this type.
    ///
    /// With [`None`], the default, the driver has no dumb buffers: the ioctl fails with `ENOSYS`.
    /// Only `shmem::Object` supports them; for [`Object`] this must be [`None`].
    const DUMB: Option<DumbCreate<Self>> = None;

    /// How `DRM_IOCTL_PRIME_FD_TO_HANDLE` creates objects of this type for foreign dma-bufs.
    ///
    /// With [`None`], the default, only dma-bufs that the very same device has exported can be
    /// imported; the ioctl fails with `EINVAL` for all others. Only `shmem::Object` supports
    /// imports; for [`Object`] this must be [`None`].
    const IMPORT: Option<PrimeImport<Self>> = None;

    /// Creates the driver's private part of a new object of `size` bytes.
    ///
    /// `size` is the final size of the object: a multiple of the page size and not zero. The memory
    /// behind the object does not exist yet.
    ///
    /// Called on the task that creates the object; may sleep. During an import the DRM core holds
    /// `drm_device.object_name_lock`, under which no other object may be exported or imported and
    /// no handle may be created.
    fn new(
        dev: &drm::Device<Self::Driver>,
        size: usize,
        args: Self::Args,
    ) -> impl PinInit<Self, Error>;

    /// Called when `file` gets a handle for the object; an error refuses it.
    ///
    /// May sleep. Called once per handle, so possibly several times for one object and file. It is
    /// balanced by [`DriverObject::close`] if it returns [`Ok`].
    fn open(_obj: &DriverAllocImpl<Self>, _file: &DriverFile<Self>) -> Result {
        Ok(())
    }

    /// Called when `file` loses a handle for the object, at the latest when `file` is closed.
    ///
    /// May sleep.
    fn close(_obj: &DriverAllocImpl<Self>, _file: &DriverFile<Self>) {}
}

/// A type that contains a `struct drm_gem_object`.
///
/// This trait is sealed: it is implemented by the object types of this module only.
pub trait IntoGEMObject: Sized + super::private::Sealed {
    /// Returns a pointer to the embedded `struct drm_gem_object`.
    ///
    /// It is valid for as long as there is a reference to `self`.
    fn as_raw(&self) -> *mut bindings::drm_gem_object;

    /// Converts a pointer to an embedded `struct drm_gem_object` into a reference to the object
    /// around it.
    ///
    /// # Safety
    ///
    /// - `self_ptr` must point to the `struct drm_gem_object` that is embedded in a valid `Self`.
    /// - The object must not be freed, which a reference count that the caller owns or borrows
    ///   ensures, and must not be referenced mutably during `'a`.
    unsafe fn from_raw<'a>(self_ptr: *mut bindings::drm_gem_object) -> &'a Self;
}

/// The operations that all GEM objects have in common.
///
/// # Examples
///
/// What the ioctls of a driver do that create a BO and tell where it can be mapped. Whatever goes
/// wrong, nothing is left behind: the object lives on only if its handle was created.
///
/// ```
/// use kernel::{
///     drm::{
///         self,
///         gem::{
///             self,
///             BaseObject,
///             DriverObject, //
///         },
///     },
///     prelude::*, //
/// };
///
/// fn bo_create<D, T>(dev: &drm::Device<D>, file: &drm::File<D::File>, size: u64) -> Result<u32>
/// where
///     D: drm::Driver<Object = gem::Object<T>>,
///     T: DriverObject<Driver = D, Args = ()>,
/// {
///     let bo = gem::Object::<T>::new(dev, usize::try_from(size)?, ())?;
///
///     bo.create_handle(file)
/// }
///
/// fn bo_mmap_offset<D, T>(file: &drm::File<D::File>, handle: u32) -> Result<u64>
/// where
///     D: drm::Driver<Object = gem::Object<T>>,
///     T: DriverObject<Driver = D>,
/// {
///     gem::Object::<T>::lookup_handle(file, handle)?.create_mmap_offset()
/// }
/// ```
pub trait BaseObject: IntoGEMObject {
    /// Returns the size of the object in bytes, which is a multiple of the page size.
    fn size(&self) -> usize {
        // SAFETY: `self.as_raw()` points to a valid object, whose size never changes.
        unsafe { (*self.as_raw()).size }
    }

    /// Returns whether the object stands for a dma-buf that another device or driver has exported.
    ///
    /// The memory of such an object belongs to the exporter.
    fn is_imported(&self) -> bool {
        // SAFETY: `self.as_raw()` points to a valid object. `import_attach` is written before
        // anyone else knows of the object and never changes after that.
        unsafe { !(*self.as_raw()).import_attach.is_null() }
    }

    /// Creates a handle by which the client `file` can name the object.
    ///
    /// The handle owns a reference on the object until the client closes it. As soon as it exists,
    /// the client may use it, even guess it before the driver returns it: this belongs at the end
    /// of an ioctl that creates an object. Handles start at 1.
    ///
    /// May sleep. Wraps `drm_gem_handle_create()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `file` was opened on another device than that of the object.
    /// - `ENOMEM` or `ENOSPC` if there is no space for another handle.
    /// - The error of [`DriverObject::open`].
    fn create_handle<D, F>(&self, file: &drm::File<F>) -> Result<u32>
    where
        Self: AllocImpl<Driver = D>,
        D: drm::Driver<Object = Self, File = F>,
        F: drm::file::DriverFile<Driver = D>,
    {
        // SAFETY: `file` is an open `struct drm_file`, whose minor stays valid and unchanged until
        // it is closed, and `self.as_raw()` is a valid object, whose device never changes.
        if unsafe { (*(*file.as_raw()).minor).dev != (*self.as_raw()).dev } {
            return Err(EINVAL);
        }

        let mut handle: u32 = 0;

        // SAFETY: `file` is an open `struct drm_file` of the device of the object, `self.as_raw()`
        // is a valid and completely initialized object.
        to_result(unsafe {
            bindings::drm_gem_handle_create(file.as_raw(), self.as_raw(), &mut handle)
        })?;

        Ok(handle)
    }

    /// Returns the object that the client `file` knows as `handle`.
    ///
    /// The returned reference is independent of the handle, which the client may close at any time.
    ///
    /// Does not sleep. Wraps `drm_gem_object_lookup()`.
    ///
    /// # Errors
    ///
    /// `ENOENT` if `file` has no such handle.
    fn lookup_handle<D, F>(file: &drm::File<F>, handle: u32) -> Result<ARef<Self>>
    where
        Self: AllocImpl<Driver = D> + AlwaysRefCounted,
        D: drm::Driver<Object = Self, File = F>,
        F: drm::file::DriverFile<Driver = D>,
    {
        // SAFETY: `file` is an open `struct drm_file`.
        let ptr = unsafe { bindings::drm_gem_object_lookup(file.as_raw(), handle) };
        if ptr.is_null() {
            return Err(ENOENT);
        }

        // SAFETY:
        // - `file` belongs to driver `D`. All objects of the devices of `D`, hence all those with a
        //   handle in `file`, are embedded in a `D::Object`, which is `Self`.
        // - `drm_gem_object_lookup()` took a reference, which keeps the object alive.
        let obj = unsafe { Self::from_raw(ptr) };

        // SAFETY: The reference that `drm_gem_object_lookup()` took now belongs to the `ARef`.
        Ok(unsafe { ARef::from_raw(obj.into()) })
    }

    /// Closes the handle `handle` of the client `file`, as `DRM_IOCTL_GEM_CLOSE` does.
    ///
    /// For ioctls that have to take a handle back because a later step failed. The client may have
    /// closed it in the meantime, and even have received the same number for another object: such
    /// a step should rather come before the handle is created.
    ///
    /// May sleep. Wraps `drm_gem_handle_delete()`.
    ///
    /// # Errors
    ///
    /// `EINVAL` if `file` has no such handle.
    fn delete_handle<D, F>(file: &drm::File<F>, handle: u32) -> Result
    where
        Self: AllocImpl<Driver = D>,
        D: drm::Driver<Object = Self, File = F>,
        F: drm::file::DriverFile<Driver = D>,
    {
        // SAFETY: `file` is an open `struct drm_file`.
        to_result(unsafe { bindings::drm_gem_handle_delete(file.as_raw(), handle) })
    }

    /// Reserves (once) the fake offset at which user space can `mmap()` the object on the device
    /// file, and returns it in bytes.
    ///
    /// Only clients that have a handle for the object can map it.
    ///
    /// May sleep. Wraps `drm_gem_create_mmap_offset()`.
    ///
    /// # Errors
    ///
    /// - `ENOMEM` if memory is short.
    /// - `ENOSPC` if the object is larger than the remaining space of offsets.
    fn create_mmap_offset(&self) -> Result<u64> {
        // SAFETY: `self.as_raw()` is a valid object. The offset manager has a lock of its own.
        to_result(unsafe { bindings::drm_gem_create_mmap_offset(self.as_raw()) })?;

        // SAFETY: `self.as_raw()` is a valid object, whose offset was allocated above and is not
        // released before the object is.
        Ok(unsafe { bindings::drm_vma_node_offset_addr(&raw mut (*self.as_raw()).vma_node) })
    }
}

impl<T: IntoGEMObject> BaseObject for T {}

/// Operations of GEM objects for other parts of this crate.
#[cfg_attr(not(CONFIG_RUST_DRM_GEM_SHMEM_HELPER), expect(unused))]
pub(crate) trait BaseObjectPrivate: IntoGEMObject {
    /// Returns the reservation object that protects and synchronizes accesses to the memory.
    fn raw_dma_resv(&self) -> *mut bindings::dma_resv {
        // SAFETY: `self.as_raw()` points to a valid object. `resv` is written before anyone else
        // knows of the object and never changes after that.
        unsafe { (*self.as_raw()).resv }
    }
}

impl<T: IntoGEMObject> BaseObjectPrivate for T {}

/// Takes a reference on a GEM object.
fn inc_ref(obj: &impl IntoGEMObject) {
    // SAFETY: The existence of a reference proves that the reference count is not zero.
    unsafe { bindings::drm_gem_object_get(obj.as_raw()) };
}

/// Drops a reference on a GEM object.
///
/// # Safety
///
/// The caller must own the reference count and must not use `obj` after that.
unsafe fn dec_ref<O: IntoGEMObject>(obj: core::ptr::NonNull<O>) {
    // SAFETY: The reference count that the caller owns proves that the object is still valid. The
    // reference ends before the object may be freed.
    let raw = unsafe { obj.as_ref() }.as_raw();

    // SAFETY: The caller owns a reference count.
    unsafe { bindings::drm_gem_object_put(raw) };
}

/// Returns the size of an object that can hold `size` bytes: a multiple of the page size, whatever
/// that is on this kernel.
///
/// # Errors
///
/// `EINVAL` if `size` is zero or so large that it cannot be rounded up.
/// `drm_gem_private_object_init()` must not see any other sizes, for it takes them as a bug.
fn object_size(size: usize) -> Result<usize> {
    page_align(size).filter(|&size| size != 0).ok_or(EINVAL)
}

/// The `drm_gem_object_funcs.open` callback of all object types.
///
/// # Safety
///
/// `raw_obj` must be a valid object and `raw_file` an open file of the same device, which is one of
/// `T::Driver`.
unsafe extern "C" fn open_callback<T: DriverObject>(
    raw_obj: *mut bindings::drm_gem_object,
    raw_file: *mut bindings::drm_file,
) -> core::ffi::c_int {
    // SAFETY: By the safety requirements.
    let file = unsafe { DriverFile::<T>::from_raw(raw_file) };

    // SAFETY: By the safety requirements the object is valid and belongs to a device of `T::Driver`.
    // All such objects are embedded in a `DriverAllocImpl<T>`.
    let obj: &DriverAllocImpl<T> = unsafe { IntoGEMObject::from_raw(raw_obj) };

    match T::open(obj, file) {
        Ok(()) => 0,
        Err(err) => err.to_errno(),
    }
}

/// The `drm_gem_object_funcs.close` callback of all object types.
///
/// # Safety
///
/// As for [`open_callback`].
unsafe extern "C" fn close_callback<T: DriverObject>(
    raw_obj: *mut bindings::drm_gem_object,
    raw_file: *mut bindings::drm_file,
) {
    // SAFETY: By the safety requirements. The driver's data of a file is dropped only after all its
    // handles are closed.
    let file = unsafe { DriverFile::<T>::from_raw(raw_file) };

    // SAFETY: As in `open_callback()`.
    let obj: &DriverAllocImpl<T> = unsafe { IntoGEMObject::from_raw(raw_obj) };

    T::close(obj, file);
}
