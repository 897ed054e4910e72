// SPDX-License-Identifier: GPL-2.0

//! Open device nodes.
//!
//! C header: [`include/drm/drm_file.h`](srctree/include/drm/drm_file.h)

use crate::{
    bindings,
    drm::{
        self,
        Device,
        Driver,
        Ioctl,
        Printer, //
    },
    prelude::*,
    types::Opaque, //
};
use core::marker::PhantomData;

/// What a driver keeps for each open of a device node, that is, for each client.
///
/// User space can use one open file from several threads and share it between processes, hence
/// `Send + Sync`; and it can keep the file open for as long as it likes, hence `'static`.
///
/// Dropped when the file is closed for good, after the client's BO handles were closed, and while
/// the device is still alive. That can be after the device was unplugged.
pub trait DriverFile: Sized + Send + Sync + 'static {
    /// The driver whose device nodes are opened.
    type Driver: Driver<File = Self>;

    /// Called when a device node is opened, and for clients inside the kernel.
    ///
    /// Can run while the device is being registered or unplugged. May sleep.
    ///
    /// # Errors
    ///
    /// An error fails the `open()` of user space with the same value.
    fn open(device: &Device<Self::Driver>) -> Result<Pin<KBox<Self>>>;
}

/// The [`Driver::File`] of a driver `D` that keeps nothing for a client.
pub struct Plain<D>(PhantomData<fn() -> D>);

impl<D: Driver<File = Self>> DriverFile for Plain<D> {
    type Driver = D;

    fn open(_device: &Device<D>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self(PhantomData), GFP_KERNEL)?.into())
    }
}

/// An open device node with the driver's `T`.
///
/// Only ever seen as a reference, for the time of a callback.
///
/// # Invariants
///
/// `self.0` is a valid `struct drm_file` of a device of `T::Driver`. Its `driver_priv` came from
/// [`KBox::into_raw`] of a `T` that is not dropped while a reference to `self` exists.
#[repr(transparent)]
pub struct File<T: DriverFile>(Opaque<bindings::drm_file>, PhantomData<T>);

impl<T: DriverFile> File<T> {
    /// Returns the file at `ptr`.
    ///
    /// For the callbacks of the abstractions, not for drivers.
    ///
    /// # Safety
    ///
    /// For as long as the returned reference is used, `ptr` must point to a valid
    /// `struct drm_file`, of a device of `T::Driver`, for which `open_callback` has succeeded and
    /// `postclose_callback` was not called.
    #[doc(hidden)]
    pub unsafe fn from_raw<'a>(ptr: *mut bindings::drm_file) -> &'a Self {
        // SAFETY: `File` is a transparent wrapper of `struct drm_file`, and the caller vouches for
        // the invariants.
        unsafe { &*ptr.cast() }
    }

    /// Returns the `struct drm_file`.
    pub(crate) fn as_raw(&self) -> *mut bindings::drm_file {
        self.0.get()
    }

    /// Returns the driver's part of the file.
    pub fn inner(&self) -> Pin<&T> {
        // SAFETY: By the type invariants.
        let inner = unsafe { &*(*self.as_raw()).driver_priv.cast::<T>() };

        // SAFETY: It was pinned when it was created, and nothing moves it before it is dropped.
        unsafe { Pin::new_unchecked(inner) }
    }

    /// Returns the number that identifies this client in fdinfo and debugfs.
    ///
    /// Unique among all DRM devices since boot.
    pub fn client_id(&self) -> u64 {
        // SAFETY: By the type invariants; the number never changes.
        unsafe { (*self.as_raw()).client_id }
    }

    /// Tells whether the file was opened through the render node.
    pub fn is_render_client(&self) -> bool {
        // SAFETY: By the type invariants; a file never changes its minor.
        let minor = unsafe { (*(*self.as_raw()).minor).type_ };

        minor == bindings::drm_minor_type_DRM_MINOR_RENDER as c_int
    }

    /// `open` callback of `struct drm_driver`.
    ///
    /// # Safety
    ///
    /// Only to be called by the DRM core, for devices of `T::Driver`.
    pub(crate) unsafe extern "C" fn open_callback(
        dev: *mut bindings::drm_device,
        file: *mut bindings::drm_file,
    ) -> c_int {
        // SAFETY: The DRM core passes a device of `T::Driver` and holds a reference to it.
        let dev = unsafe { Device::<T::Driver>::from_raw(dev) };

        match T::open(dev) {
            Ok(inner) => {
                // SAFETY: `File::inner` gives out pinned references only, and the value is dropped
                // in place by `postclose_callback`.
                let inner = unsafe { Pin::into_inner_unchecked(inner) };

                // SAFETY: `file` is valid, and nobody else uses it before it is open.
                unsafe { (*file).driver_priv = KBox::into_raw(inner).cast() };
                0
            }
            Err(err) => err.to_errno(),
        }
    }

    /// `postclose` callback of `struct drm_driver`.
    ///
    /// # Safety
    ///
    /// Only to be called by the DRM core, once for each file that `open_callback` has opened.
    pub(crate) unsafe extern "C" fn postclose_callback(
        _dev: *mut bindings::drm_device,
        file: *mut bindings::drm_file,
    ) {
        // SAFETY: `open_callback` has stored a pointer from `KBox::into_raw`, and the DRM core has
        // dropped everything that could use the file.
        drop(unsafe { KBox::from_raw((*file).driver_priv.cast::<T>()) });
    }
}

impl<T: DriverFile> super::private::Sealed for File<T> {}

/// Returns the `show_fdinfo` callback of `struct drm_driver`, if the driver has one.
pub(crate) const fn show_fdinfo_callback<T: Driver>(
) -> Option<unsafe extern "C" fn(*mut bindings::drm_printer, *mut bindings::drm_file)> {
    if T::HAS_SHOW_FDINFO {
        Some(show_fdinfo::<T>)
    } else {
        None
    }
}

/// # Safety
///
/// Only to be called by the DRM core, for an open file of a device of `T`.
unsafe extern "C" fn show_fdinfo<T: Driver>(
    printer: *mut bindings::drm_printer,
    file: *mut bindings::drm_file,
) {
    // SAFETY: The DRM core passes an open file, whose device is alive. A node is opened only after
    // the device was given to `drm_dev_register()`.
    let dev = unsafe { Device::<T, Ioctl>::from_raw((*(*file).minor).dev) };

    let Some(guard) = dev.registration_guard() else {
        return;
    };

    // SAFETY: The file is open for as long as this callback runs.
    let file = unsafe { drm::File::<T::File>::from_raw(file) };

    // SAFETY: The DRM core passes a printer that is ours until this callback returns.
    let mut printer = unsafe { Printer::from_raw(printer) };

    guard.registration_data_with(|reg_data| T::show_fdinfo(&guard, reg_data, file, &mut printer));
}

/// Returns the operations of a device node, for a driver in the module `owner`.
///
/// `owner` is pinned for as long as a node is open, so that the callbacks stay in memory.
pub(crate) const fn create_fops(owner: *mut bindings::module) -> bindings::file_operations {
    let mut fops: bindings::file_operations = pin_init::zeroed();

    fops.owner = owner;
    fops.open = Some(bindings::drm_open);
    fops.release = Some(bindings::drm_release);
    fops.unlocked_ioctl = Some(bindings::drm_ioctl);
    #[cfg(CONFIG_COMPAT)]
    {
        fops.compat_ioctl = Some(bindings::drm_compat_ioctl);
    }
    fops.poll = Some(bindings::drm_poll);
    fops.read = Some(bindings::drm_read);
    fops.llseek = Some(bindings::noop_llseek);
    fops.mmap = Some(bindings::drm_gem_mmap);
    #[cfg(CONFIG_PROC_FS)]
    {
        fops.show_fdinfo = Some(bindings::drm_show_fdinfo);
    }
    fops.fop_flags = bindings::FOP_UNSIGNED_OFFSET;

    fops
}
