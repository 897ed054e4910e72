// SPDX-License-Identifier: GPL-2.0

//! What a DRM driver is.
//!
//! C header: [`include/drm/drm_drv.h`](srctree/include/drm/drm_drv.h)

use crate::{
    bindings,
    device,
    drm,
    error::VTABLE_DEFAULT_ERROR,
    prelude::*, //
};

#[doc(inline)]
pub use super::registration::Registration;

/// How a driver introduces itself to user space (`DRM_IOCTL_VERSION`).
pub struct DriverInfo {
    /// Major version: raised when the user-space interface breaks.
    pub major: i32,
    /// Minor version: raised when the user-space interface grows.
    pub minor: i32,
    /// Patch level: of no meaning to user space.
    pub patchlevel: i32,
    /// Name by which user space picks its own driver. Not empty.
    pub name: &'static CStr,
    /// Description for humans.
    pub desc: &'static CStr,
}

/// The callbacks of `struct drm_driver` that belong to a memory manager.
///
/// Filled in by the memory managers of the abstractions (see [`drm::gem`]), opaque to drivers.
pub struct AllocOps {
    pub(crate) gem_create_object: Option<
        unsafe extern "C" fn(
            dev: *mut bindings::drm_device,
            size: usize,
        ) -> *mut bindings::drm_gem_object,
    >,
    pub(crate) prime_handle_to_fd: Option<
        unsafe extern "C" fn(
            dev: *mut bindings::drm_device,
            file: *mut bindings::drm_file,
            handle: u32,
            flags: u32,
            fd: *mut c_int,
        ) -> c_int,
    >,
    pub(crate) prime_fd_to_handle: Option<
        unsafe extern "C" fn(
            dev: *mut bindings::drm_device,
            file: *mut bindings::drm_file,
            fd: c_int,
            handle: *mut u32,
        ) -> c_int,
    >,
    pub(crate) gem_prime_import: Option<
        unsafe extern "C" fn(
            dev: *mut bindings::drm_device,
            buf: *mut bindings::dma_buf,
        ) -> *mut bindings::drm_gem_object,
    >,
    pub(crate) gem_prime_import_sg_table: Option<
        unsafe extern "C" fn(
            dev: *mut bindings::drm_device,
            attachment: *mut bindings::dma_buf_attachment,
            sgt: *mut bindings::sg_table,
        ) -> *mut bindings::drm_gem_object,
    >,
    pub(crate) dumb_create: Option<
        unsafe extern "C" fn(
            file: *mut bindings::drm_file,
            dev: *mut bindings::drm_device,
            args: *mut bindings::drm_mode_create_dumb,
        ) -> c_int,
    >,
    pub(crate) dumb_map_offset: Option<
        unsafe extern "C" fn(
            file: *mut bindings::drm_file,
            dev: *mut bindings::drm_device,
            handle: u32,
            offset: *mut u64,
        ) -> c_int,
    >,
}

/// A kind of BO that the DRM core can create, import and look up for a driver.
///
/// Implemented by the object types of [`drm::gem`], not by drivers.
pub trait AllocImpl: super::private::Sealed + drm::gem::IntoGEMObject {
    /// The driver that the BOs belong to.
    type Driver: drm::Driver;

    /// The callbacks that make such BOs.
    const ALLOC_OPS: AllocOps;
}

/// A DRM driver.
///
/// Implement it with `#[vtable]` for a type that stands for the driver; it is never instantiated.
/// The associated types say what the driver keeps where:
///
/// | Type                 | One per               | Lives                                  |
/// |----------------------|-----------------------|----------------------------------------|
/// | [`Data`]             | device                | until the last reference to the device |
/// | [`RegistrationData`] | registration          | while the device is registered         |
/// | [`File`]             | open of a device node | until that file is closed              |
/// | [`Object`]           | BO                    | until the last reference to the BO     |
///
/// They refer to each other through this trait: files, BOs and ioctls of another driver do not
/// fit. The example in [`kernel::drm`](crate::drm) has a complete driver.
///
/// [`Data`]: Driver::Data
/// [`RegistrationData`]: Driver::RegistrationData
/// [`File`]: Driver::File
/// [`Object`]: Driver::Object
#[vtable]
pub trait Driver: Sized + 'static {
    /// Data of a device, shared by everything that holds a reference to it.
    ///
    /// It may not borrow: an open file keeps the device alive after the driver is unbound.
    type Data: Send + Sync + 'static;

    /// Data that exists only while the device is registered.
    ///
    /// The place for what belongs to the hardware: it may borrow from the time `'a` in which the
    /// parent is bound. Owned by the [`Registration`], reached through
    /// [`Device::registration_data_with`](drm::Device::registration_data_with) and as an argument
    /// of ioctl handlers, and dropped after the last user has left.
    type RegistrationData<'a>: Send + Sync + 'a;

    /// The BOs of this driver, one of the types of [`drm::gem`].
    type Object: AllocImpl<Driver = Self>;

    /// What the driver keeps for each open file.
    type File: drm::file::DriverFile<Driver = Self>;

    /// The bus device that DRM devices of this driver are children of.
    type ParentDevice<Ctx: device::DeviceContext>: device::AsBusDevice<Ctx>;

    /// Name and version.
    const INFO: DriverInfo;

    /// The driver's own ioctls, written by [`declare_drm_ioctls!`](crate::declare_drm_ioctls).
    const IOCTLS: &'static [drm::ioctl::DrmIoctlDescriptor<Self>];

    /// Whether devices get a render node, `/dev/dri/renderD*`.
    ///
    /// Clients of a render node need no authentication and cannot reach each other's BOs by name.
    /// They can only use ioctls that are marked with
    /// [`RENDER_ALLOW`](drm::ioctl::RENDER_ALLOW).
    const FEAT_RENDER: bool = false;

    /// Whether user space can create synchronisation objects (`DRIVER_SYNCOBJ`).
    ///
    /// The driver's submission ioctls must then accept them as wait and signal operations.
    const FEAT_SYNCOBJ: bool = false;

    /// Whether synchronisation objects can have points on a timeline (`DRIVER_SYNCOBJ_TIMELINE`).
    ///
    /// Needs [`FEAT_SYNCOBJ`](Driver::FEAT_SYNCOBJ); the build fails otherwise.
    const FEAT_SYNCOBJ_TIMELINE: bool = false;

    /// Adds the driver's lines to `/proc/PID/fdinfo/FD` of an open device node.
    ///
    /// The DRM core has printed `drm-driver`, `drm-client-id` and `drm-pdev` before; keys and
    /// units are described in Documentation/gpu/drm-usage-stats.rst. Not called once the device
    /// was unplugged. May sleep; runs inside a `drm_dev_enter()` section.
    fn show_fdinfo(
        _dev: &drm::Device<Self, drm::Registered>,
        _reg_data: &Self::RegistrationData<'_>,
        _file: &drm::File<Self::File>,
        _printer: &mut drm::Printer<'_>,
    ) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }

    /// Adds files to the debugfs directory of the device, `/sys/kernel/debug/dri/PARENT`.
    ///
    /// Called once, from within [`Registration::new`](drm::Registration::new). May sleep. Without
    /// `CONFIG_DEBUG_FS` it is not called. The files are gone before the registration data is.
    fn debugfs_init(_dev: &drm::Device<Self>, _dir: &drm::debugfs::Dir<'_, Self>) {
        build_error!(VTABLE_DEFAULT_ERROR)
    }
}
