// SPDX-License-Identifier: GPL-2.0

//! Kernel mode setting (KMS).
//!
//! A KMS driver implements [`KmsDriver`] besides [`drm::Driver`], and one trait for each kind of
//! mode object: [`DriverCrtc`], [`DriverPlane`], [`DriverEncoder`] and [`DriverConnector`], and
//! [`DriverWriteback`] if it has [writeback connectors](writeback). The types that implement the
//! latter are the driver's data of one object.
//!
//! # Lifetimes
//!
//! | what                          | from                           | until                        |
//! |-------------------------------|--------------------------------|------------------------------|
//! | mode objects and their data   | [`KmsDriver::create_objects`]  | last reference to the device |
//! | states                        | check of a commit              | the next commit has replaced it, or the check failed |
//! | [`Framebuffer`]               | user space creates it          | last reference ([`ARef`](crate::sync::aref::ARef)) |
//! | [`FramebufferMap`]            | [`Framebuffer::vmap`]          | dropped                      |
//! | [`WritebackJob`]              | [`DriverWriteback::commit`]    | completed or dropped         |
//!
//! [`drm::Driver::Data`] is dropped *before* mode objects and their states are: their [`Drop`]
//! cannot use it.
//!
//! # Contexts of the callbacks
//!
//! | callback | may sleep | locks held | may fail |
//! |----------|-----------|------------|----------|
//! | [`KmsDriver::create_objects`] | yes | none, single-threaded | yes |
//! | [`DriverState::duplicate`] | yes | modeset lock of the object | yes (`ENOMEM`) |
//! | `atomic_check` of all kinds | yes | modeset locks of all objects in the commit | yes |
//! | [`KmsDriver::atomic_commit_tail`], `atomic_begin`, `atomic_update`, `atomic_flush`, `atomic_enable`, `atomic_disable` | yes | none that could be relied on | no |
//! | [`DriverCrtc::handle_vblank_timeout`] | no, hard interrupt | none | stops the timer |
//! | [`DriverCrtc::set_crc_source`] | yes | none | yes |
//! | [`DriverWriteback::commit`] | yes | none that could be relied on | no, but the job can |
//! | [`DriverConnector::get_modes`], [`DriverConnector::detect`], [`DriverWriteback::get_modes`] | yes | mode configuration mutex, connection lock | yes |
//!
//! # Unplug
//!
//! When the [`Registration`](drm::Registration) is dropped, the device is unplugged, commits that
//! would switch a CRTC on are refused with `ENODEV` from then on, and all CRTCs are switched off.
//! Then commits that are still running, cleanup included, and what is on an [`OrderedQueue`] are
//! waited for. After that, no vblank is handled and no [`atomic_flush`](DriverCrtc::atomic_flush)
//! with an active CRTC comes any more, although files may stay open. What comes is the commits that
//! close such files; they switch planes off, and run in the thread that closes the file.
//!
//! Switching off fails only if a [`DriverState::duplicate`] does or memory runs out. Then the CRTC
//! stays on as far as the hardware is concerned, and vblanks are forced off.
//!
//! # Examples
//!
//! The mode-setting half of a driver with one virtual display, which shows nothing:
//!
//! ```
//! # #![allow(dead_code)]
//! use kernel::{
//!     drm::{
//!         self,
//!         kms, //
//!     },
//!     prelude::*,
//! };
//!
//! struct MyCrtc;
//!
//! #[vtable]
//! impl kms::DriverCrtc for MyCrtc {
//!     type Driver = MyDriver;
//!     type State = ();
//!     type Vblank = kms::vblank::Timer;
//! }
//!
//! struct MyPlane;
//!
//! #[vtable]
//! impl kms::DriverPlane for MyPlane {
//!     type Driver = MyDriver;
//!     type State = ();
//!
//!     fn atomic_check(check: &kms::PlaneCheck<'_, Self>) -> Result {
//!         let mut new = check.new()?;
//!         let Some(crtc) = new.crtc() else {
//!             return Ok(());
//!         };
//!         let crtc = check.add(crtc)?;
//!
//!         check.check_plane_state(&mut new, &crtc, kms::Scaling::NONE, false, false)
//!     }
//!
//!     fn atomic_update(_commit: &kms::PlaneCommit<'_, Self>) {}
//! }
//!
//! struct MyEncoder;
//!
//! #[vtable]
//! impl kms::DriverEncoder for MyEncoder {
//!     type Driver = MyDriver;
//! }
//!
//! struct MyConnector;
//!
//! #[vtable]
//! impl kms::DriverConnector for MyConnector {
//!     type Driver = MyDriver;
//!     type State = ();
//!
//!     fn get_modes(probe: &kms::ConnectorProbe<'_, Self>) -> Result {
//!         probe.add_modes_noedid(1920, 1080);
//!         probe.set_preferred_mode(1024, 768);
//!         Ok(())
//!     }
//! }
//!
//! impl kms::KmsDriver for MyDriver {
//!     type Crtc = MyCrtc;
//!     type Plane = MyPlane;
//!     type Encoder = MyEncoder;
//!     type Connector = MyConnector;
//!     type Fbdev = kms::fbdev::None;
//!
//!     fn mode_config_info(_dev: &drm::Device<Self>) -> Result<kms::ModeConfigInfo> {
//!         Ok(kms::ModeConfigInfo {
//!             min_size: (10, 10),
//!             max_size: (1920, 1080),
//!             cursor_size: (0, 0),
//!             preferred_depth: 0,
//!         })
//!     }
//!
//!     fn create_objects(setup: &kms::SetupDevice<'_, Self>) -> Result {
//!         let primary = setup.create_plane(
//!             &kms::PlaneArgs {
//!                 type_: kms::PlaneType::Primary,
//!                 formats: &[kms::fourcc::XRGB8888],
//!                 modifiers: &[],
//!                 name: None,
//!             },
//!             Ok(MyPlane),
//!         )?;
//!         let crtc = setup.create_crtc(primary, None, None, Ok(MyCrtc))?;
//!         let encoder =
//!             setup.create_encoder(kms::EncoderType::Virtual, &[crtc], None, Ok(MyEncoder))?;
//!
//!         setup.create_connector(kms::ConnectorType::Virtual, &[encoder], Ok(MyConnector))?;
//!         Ok(())
//!     }
//! }
//!
//! # use kernel::{device, drm::{gem, file}, faux};
//! # struct MyDriver;
//! # #[pin_data]
//! # struct MyObject {}
//! # impl gem::DriverObject for MyObject {
//! #     type Driver = MyDriver;
//! #     type Args = ();
//! #     fn new(_: &drm::Device<MyDriver>, _: usize, _: ()) -> impl PinInit<Self, Error> {
//! #         try_pin_init!(MyObject {})
//! #     }
//! # }
//! # struct MyFile;
//! # impl file::DriverFile for MyFile {
//! #     type Driver = MyDriver;
//! #     fn open(_: &drm::Device<MyDriver>) -> Result<Pin<KBox<Self>>> {
//! #         Ok(KBox::new(Self, GFP_KERNEL)?.into())
//! #     }
//! # }
//! # #[vtable]
//! # impl drm::Driver for MyDriver {
//! #     type Data = ();
//! #     type RegistrationData<'a> = ();
//! #     type Object = gem::Object<MyObject>;
//! #     type File = MyFile;
//! #     type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;
//! #     const INFO: drm::DriverInfo = drm::DriverInfo {
//! #         major: 1, minor: 0, patchlevel: 0, name: c"my", desc: c"My driver",
//! #     };
//! #     kernel::declare_drm_ioctls! {}
//! # }
//! /// In `probe`, before the device is registered.
//! fn set_up(parent: &faux::Device<device::Bound>) -> Result<drm::UnregisteredDevice<MyDriver>> {
//!     kms::new_device(parent, Ok(()))
//! }
//! ```
//!
//! C header: [`include/drm/drm_mode_config.h`](srctree/include/drm/drm_mode_config.h)

#[cfg(CONFIG_PCI)]
mod aperture;
pub mod async_update;
pub mod atomic;
pub mod blend;
mod blit;
pub mod color;
pub mod connector;
pub mod crc;
pub mod crtc;
pub mod damage;
pub mod edid;
pub mod encoder;
pub mod fbdev;
pub mod fourcc;
pub mod framebuffer;
pub mod hotplug;
#[cfg(CONFIG_DRM_RUST_KUNIT_TEST)]
mod kunit;
pub(crate) mod lifecycle;
mod mode_config;
pub mod modes;
pub mod object;
pub mod panic;
pub mod plane;
mod queue;
mod setup;
pub mod vblank;
pub mod writeback;

#[cfg(CONFIG_PCI)]
pub use self::aperture::remove_conflicting_pci_devices;
pub use self::{
    async_update::AsyncUpdate,
    atomic::{
        tail::{
            Begin,
            CommitDone,
            CommitPlanes,
            CommitTail, //
        },
        AtomicCheck,
        AtomicCommit,
        Checked,
        ObjectCheck,
        ObjectCommit,
        OldStates,
        StateMut, //
    },
    blend::{
        Angle,
        Rotation,
        Rotations, //
    },
    connector::{
        Connector,
        ConnectorCheck,
        ConnectorProbe,
        ConnectorState,
        ConnectorStatus,
        ConnectorType,
        DriverConnector, //
    },
    crc::CrcSource,
    damage::Damage,
    crtc::{
        Crtc,
        CrtcCheck,
        CrtcCommit,
        CrtcState,
        DriverCrtc, //
    },
    edid::Edid,
    encoder::{
        DriverEncoder,
        Encoder,
        EncoderType, //
    },
    fourcc::{
        FormatInfo,
        Fourcc,
        Modifier, //
    },
    framebuffer::{
        Framebuffer,
        FramebufferMap, //
    },
    hotplug::Connectors,
    mode_config::ModeConfigInfo,
    modes::{
        DisplayMode,
        ModeStatus,
        Rect, //
    },
    object::{
        AtomicObject,
        DriverState,
        KmsRef,
        ModeObject, //
    },
    plane::{
        DriverPlane,
        Plane,
        PlaneArgs,
        PlaneCheck,
        PlaneCommit,
        PlaneState,
        PlaneType,
        Scaling, //
    },
    queue::OrderedQueue,
    setup::{
        new_device,
        SetupDevice, //
    },
    vblank::{
        OwnedVblankRef,
        PendingVblankEvent,
        VblankRef, //
    },
    writeback::{
        DriverWriteback,
        WritebackCheck,
        WritebackCommit,
        WritebackConnector,
        WritebackJob,
        WritebackProbe,
        WritebackState, //
    },
};

use crate::{
    drm::{
        self,
        Device, //
    },
    prelude::*,
    str::CStrExt, //
};
use core::ptr;

/// A DRM driver that does mode setting.
///
/// There is one type for each kind of mode object. A driver whose objects differ among themselves
/// makes that type an enumeration.
pub trait KmsDriver: drm::Driver {
    /// The driver's data of a CRTC.
    type Crtc: DriverCrtc<Driver = Self>;

    /// The driver's data of a plane.
    type Plane: DriverPlane<Driver = Self>;

    /// The driver's data of an encoder.
    type Encoder: DriverEncoder<Driver = Self>;

    /// The driver's data of a connector.
    type Connector: DriverConnector<Driver = Self>;

    /// The framebuffer device: `fbdev::Shmem` or [`fbdev::None`](struct@fbdev::None).
    type Fbdev: fbdev::FbdevSupport<Self>;

    /// Returns the limits of the device. Called once, before the objects are created. May sleep.
    fn mode_config_info(dev: &Device<Self>) -> Result<ModeConfigInfo>;

    /// Creates the mode objects. Called once, during [`new_device`]. May sleep.
    ///
    /// # Errors
    ///
    /// An error, also one that [`new_device`] finds in the set of objects, undoes the creation of
    /// the device.
    fn create_objects(setup: &SetupDevice<'_, Self>) -> Result;

    /// Checks a whole commit.
    ///
    /// A driver that implements it calls [`AtomicCheck::helper_check`], which calls the checks of
    /// the objects and returns the proof of it, and adds checks of its own before or after. May
    /// sleep; modeset locks of all objects in the commit are held.
    ///
    /// The commit that switches an unplugged device off cannot be refused: its errors are logged.
    fn atomic_check<'a>(check: &mut AtomicCheck<'a, Self>) -> Result<Checked<'a>> {
        check.helper_check()
    }

    /// Programs a commit into the hardware. See [`atomic::tail`].
    ///
    /// Runs on a work queue or in the ioctl. May sleep; holds no modeset lock that could be relied
    /// on.
    fn atomic_commit_tail<'a>(tail: CommitTail<'a, Self>) -> CommitDone<'a> {
        tail.commit_modeset_disables()
            .commit_planes(CommitPlanes::All)
            .commit_modeset_enables()
            .commit_hw_done()
            .wait_for_flip_done()
            .cleanup_planes()
    }
}

/// Returns the format string for an optional object name.
///
/// Names are data: they never are the format string themselves.
fn name_format(name: Option<&CStr>) -> *const c_char {
    match name {
        Some(_) => c"%s".as_char_ptr(),
        None => ptr::null(),
    }
}

/// Returns the argument that goes with [`name_format`].
fn name_arg(name: Option<&CStr>) -> *const c_char {
    name.map_or(ptr::null(), CStrExt::as_char_ptr)
}
