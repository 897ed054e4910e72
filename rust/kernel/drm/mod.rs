// SPDX-License-Identifier: GPL-2.0

//! The Direct Rendering Manager (DRM).
//!
//! A DRM driver makes a [`Device`] as a child of the bus device that it is bound to, and shows it
//! to user space with a [`Registration`]. User space opens the device node, which gives it a
//! [`File`], allocates BOs ([`gem`]) and calls the driver's ioctls ([`ioctl`]). What a driver is,
//! [`Driver`] says. Devices with a display are built with `drm::kms`.
//!
//! # Lifetimes
//!
//! Three things that C drivers tend to mix up end at different times, and have different types:
//!
//! | What         | Seen as                  | Ends when            | Holds               |
//! |--------------|--------------------------|----------------------|---------------------|
//! | bound parent | [`Device<Bound>`][Bound] | it is unbound        | MMIO, interrupts    |
//! | registration | [`RegistrationGuard`]    | it is unplugged      | [registration data] |
//! | device       | [`ARef`] of a [`Device`] | no reference is left | [device data]       |
//!
//! A registration ends before the parent is unbound; the device lives on for as long as a file is
//! open, a BO is exported or anybody else holds a reference. So the device data cannot borrow from
//! the hardware. The registration data can, and is reached only by those that keep the device
//! registered while they look.
//!
//! A file ([`Driver::File`]) and a BO ([`Driver::Object`]) are inside the device; each file also
//! keeps the driver's module loaded.
//!
//! # From probe to unplug
//!
//! 1. [`UnregisteredDevice::new`] allocates the device and initialises `Driver::Data` in place.
//!    User space does not see it; it stays on its thread. BOs and KMS objects can be made.
//! 2. [`Registration::new_devres`] (or the unsafe [`Registration::new`], for data that borrows)
//!    takes it, initialises `Driver::RegistrationData`, and calls `drm_dev_register()`. From there
//!    on, and before the function returns, device nodes can be opened and ioctls called.
//! 3. The registration is dropped, by the parent when it is unbound, or by the driver. New opens
//!    fail with `ENOENT` or `ENODEV` and ioctls with `ENODEV`; running ones are waited for, as are
//!    all other guards; mappings of BOs are removed; outputs are turned off, and commits that are
//!    still running waited for. Then the registration data is dropped.
//! 4. Files are closed when user space likes, and call no ioctl any more. With the last reference
//!    the device is freed, and `Driver::Data` dropped.
//!
//! Each step can fail, and `?` is all that is needed then:
//!
//! | What fails                            | What is left behind                         |
//! |---------------------------------------|---------------------------------------------|
//! | the initialiser of `Data`             | nothing; what it had initialised is dropped |
//! | the probe, before registration        | nothing, or the device if it is referenced  |
//! | the initialiser of `RegistrationData` | the same                                    |
//! | `drm_dev_register()`                  | the same; its clients find it unplugged     |
//! | the probe, after registration         | the same, by way of an unplug               |
//!
//! # Contexts
//!
//! `Device<T, C>` is a device in a context `C` ([`DeviceContext`]), which says what is certain
//! about it and which methods it has. What a callback may do follows from the reference it gets:
//!
//! | Callback                   | Device         | Registered?      | Notes                     |
//! |----------------------------|----------------|------------------|---------------------------|
//! | ioctl handler              | [`Registered`] | yes              | and the data of it        |
//! | unguarded ioctl handler    | [`Ioctl`]      | perhaps no more  | may wait for long         |
//! | [`Driver::show_fdinfo`]    | [`Registered`] | yes              | and the data of it        |
//! | [`Driver::debugfs_init`]   | [`Uninit`]     | just becoming so | in [`Registration::new`]  |
//! | a debugfs file             | [`Registered`] | yes              | and the data of it        |
//! | [`DriverFile::open`][open] | [`Uninit`]     | perhaps          | also of kernel clients    |
//! | drop of [`Driver::File`]   | none           | perhaps no more  | the device still exists   |
//! | drop of registration data  | none           | no more          | the parent is still bound |
//! | drop of device data        | none           | no more          | nobody has a reference    |
//!
//! All of them may sleep, and none is called with a lock of the DRM core held, with one exception:
//! files of clients in the kernel are dropped under `clientlist_mutex` when the device is
//! unplugged. Callbacks that get a [`Registered`] device keep it from being unplugged and must not
//! wait for long. Anything else, such as a work item or an interrupt thread, asks
//! [`Device::registration_guard`].
//!
//! # Examples
//!
//! A driver for a device without hardware, from its types to unplug:
//!
//! ```
//! use kernel::{
//!     device::{
//!         Bound,
//!         DeviceContext, //
//!     },
//!     drm::{
//!         self,
//!         gem,
//!         ioctl,
//!         Registered, //
//!     },
//!     faux,
//!     prelude::*,
//!     sync::aref::ARef,
//!     uapi, //
//! };
//!
//! /// Stands for the driver.
//! struct Example;
//!
//! /// What belongs to the hardware.
//! struct Hardware {
//!     vram_size: u64,
//! }
//!
//! /// What is kept for a client: nothing.
//! struct File;
//!
//! /// What is kept for a BO: nothing, besides what the DRM core does.
//! #[pin_data]
//! struct Bo {}
//!
//! impl drm::file::DriverFile for File {
//!     type Driver = Example;
//!
//!     fn open(_dev: &drm::Device<Example>) -> Result<Pin<KBox<Self>>> {
//!         Ok(KBox::new(Self, GFP_KERNEL)?.into())
//!     }
//! }
//!
//! impl gem::DriverObject for Bo {
//!     type Driver = Example;
//!     type Args = ();
//!
//!     fn new(_dev: &drm::Device<Example>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
//!         try_pin_init!(Self {})
//!     }
//! }
//!
//! impl File {
//!     /// `DRM_IOCTL_NOVA_GETPARAM`, to have an ioctl that exists.
//!     fn get_param(
//!         _dev: &drm::Device<Example, Registered>,
//!         hw: &Hardware,
//!         arg: &mut uapi::drm_nova_getparam,
//!         _file: &drm::File<File>,
//!     ) -> Result<u32> {
//!         // Numbers of user space are compared whole: truncated, 1 << 32 would be 0.
//!         if arg.param != u64::from(uapi::NOVA_GETPARAM_VRAM_BAR_SIZE) {
//!             return Err(EINVAL);
//!         }
//!         arg.value = hw.vram_size;
//!         Ok(0)
//!     }
//! }
//!
//! #[vtable]
//! impl drm::Driver for Example {
//!     type Data = ();
//!     type RegistrationData<'a> = Hardware;
//!     type Object = gem::Object<Bo>;
//!     type File = File;
//!     type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;
//!
//!     const INFO: drm::DriverInfo = drm::DriverInfo {
//!         major: 1,
//!         minor: 0,
//!         patchlevel: 0,
//!         name: c"example",
//!         desc: c"Example without hardware",
//!     };
//!
//!     kernel::declare_drm_ioctls! {
//!         (NOVA_GETPARAM, drm_nova_getparam, ioctl::RENDER_ALLOW, File::get_param),
//!     }
//! }
//!
//! fn probe(parent: &faux::Device<Bound>) -> Result<ARef<drm::Device<Example>>> {
//!     let drm = drm::UnregisteredDevice::<Example>::new(parent, Ok(()))?;
//!     let hw = Hardware { vram_size: 1 << 20 };
//!
//!     drm::Registration::new_devres(parent, drm, Ok::<_, Error>(hw))
//! }
//!
//! let parent = faux::Registration::new(c"drm-example", None)?;
//! let dev = probe(parent.as_ref())?;
//!
//! let guard = dev.registration_guard().ok_or(ENODEV)?;
//! assert_eq!(guard.registration_data_with(|hw| hw.vram_size), 1 << 20);
//! drop(guard);
//!
//! // The hardware goes away; the device does not, but nobody gets at `Hardware` any more.
//! drop(parent);
//! assert!(dev.registration_guard().is_none());
//! # Ok::<(), Error>(())
//! ```
//!
//! [Bound]: crate::device::Bound
//! [device data]: Driver::Data
//! [open]: file::DriverFile::open
//! [registration data]: Driver::RegistrationData
//! [`ARef`]: crate::sync::aref::ARef

pub mod debugfs;
pub mod device;
pub mod driver;
pub mod file;
pub mod gem;
pub mod ioctl;
#[cfg(CONFIG_RUST_DRM_KMS)]
pub mod kms;
#[cfg(CONFIG_DRM_RUST_KUNIT_TEST)]
mod kunit;
mod print;
mod registration;

pub use self::device::{
    Device,
    DeviceContext,
    Init,
    Ioctl,
    Normal,
    Registered,
    RegistrationGuard,
    Uninit,
    UnregisteredDevice, //
};
pub use self::driver::{
    Driver,
    DriverInfo, //
};
pub use self::file::File;
pub use self::print::Printer;
pub use self::registration::Registration;

pub(crate) mod private {
    /// A trait that is implemented by the abstractions only.
    pub trait Sealed {}
}

/// Makes a value of a type without contents.
///
/// The C side stores a plain function pointer for a callback. A generic function whose type
/// parameter is the type of the Rust function is such a pointer, and needs no place for a value.
///
/// # Safety
///
/// `F` must have a size of zero, and a value of it must exist or have existed, of which a copy may
/// be used here.
pub(crate) unsafe fn conjure<F: Copy + Send + Sync + 'static>() -> F {
    const { assert!(size_of::<F>() == 0) };

    // SAFETY: A read of size zero is valid for every pointer that is aligned and not null, and the
    // caller promises that there are values of this type.
    unsafe { core::ptr::NonNull::<F>::dangling().read() }
}
