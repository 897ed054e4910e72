// SPDX-License-Identifier: GPL-2.0

//! A display driver without hardware.
//!
//! RVKMS is meant to replace the C driver VKMS, and has its name, so that programs and scripts
//! written for that one run on this one; only one of the two can be loaded at a time. It is a CRTC
//! whose vblanks come from a timer, a connector that is always connected unless configfs says
//! otherwise, and planes that are composed in software when somebody wants to know the CRC of the
//! picture.
//!
//! # Module parameters
//!
//! They are VKMS's, with its defaults: `create_default_dev`, and `enable_cursor`, `enable_overlay`,
//! `enable_writeback` and `enable_plane_pipeline`, which are about the default device.
//!
//! # Devices
//!
//! A [device](device::VirtualDevice) is made of a [topology](topology::Topology), which says what
//! objects there are, and which the device then owns as its data. [`objects`] makes mode objects of
//! it. There is the default device, which the module parameters describe, and there are those that
//! user space describes in [configfs](configfs).
//!
//! # Lifetime of a frame
//!
//! - The check of a commit makes an empty [`Frame`](compose::Frame) while it can still fail.
//! - The flush of the CRTC fills it with the mapped framebuffers of the visible planes and publishes
//!   it. Nothing in it refers to the state of a mode object.
//! - Each vblank gives the published frame to the composer's [work item](output::Output), if
//!   somebody wants CRCs or the commit wants the picture [written](writeback).
//! - It is dropped, and its framebuffers unmapped, when the next commit has replaced it and the work
//!   item has done its part. Switching the CRTC off, which unplugging the device does too, waits
//!   for that.

use crate::{
    connector::{
        RvkmsConnector,
        RvkmsEncoder, //
    },
    crtc::RvkmsCrtc,
    device::{
        DeviceData,
        VirtualDevice, //
    },
    plane::RvkmsPlane,
    topology::{
        Defaults,
        Topology, //
    }, //
};
use kernel::{
    configfs::Subsystem,
    device::DeviceContext,
    drm::{
        self,
        gem,
        kms::{
            self,
            KmsDriver,
            ModeConfigInfo,
            SetupDevice, //
        }, //
    },
    faux,
    prelude::*,
};

mod blend;
mod compose;
mod configfs;
mod connector;
mod crc;
mod crtc;
mod curve;
mod debugfs;
mod device;
mod fixed;
mod format;
mod gamma;
mod line;
mod objects;
mod output;
mod pipeline;
mod pixel;
mod plane;
mod rotate;
#[cfg(CONFIG_DRM_RVKMS_KUNIT_TEST)]
mod tests;
mod topology;
mod writeback;
mod yuv;

/// The smallest framebuffer and mode.
const MIN_SIZE: (u16, u16) = (10, 10);

/// The largest framebuffer and mode.
const MAX_SIZE: (u16, u16) = (8192, 8192);

/// The largest cursor.
const CURSOR_SIZE: (u16, u16) = (512, 512);

/// The name of the default device.
const DEFAULT_NAME: &CStr = c"vkms";

struct RvkmsDriver;

/// Nothing is kept for an open file.
struct File;

impl drm::file::DriverFile for File {
    type Driver = RvkmsDriver;

    fn open(_dev: &drm::Device<RvkmsDriver>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

/// Nothing is kept for a BO.
#[pin_data]
struct Bo {}

impl gem::DriverObject for Bo {
    type Driver = RvkmsDriver;
    type Args = ();

    const DUMB: Option<gem::DumbCreate<Self>> = Some(gem::DumbCreate::new(|_dev, _buffer| Ok(())));
    const IMPORT: Option<gem::PrimeImport<Self>> =
        Some(gem::PrimeImport::new(|_dev, _size| Ok(())));

    fn new(_dev: &drm::Device<RvkmsDriver>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {})
    }
}

#[vtable]
impl drm::Driver for RvkmsDriver {
    type Data = DeviceData;
    type RegistrationData<'a> = ();
    type Object = gem::shmem::Object<Bo>;
    type File = File;
    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"vkms",
        desc: c"Virtual Kernel Mode Setting",
    };

    kernel::declare_drm_ioctls! {}

    fn debugfs_init(_dev: &drm::Device<Self>, dir: &drm::debugfs::Dir<'_, Self>) {
        debugfs::init(dir);
    }
}

impl KmsDriver for RvkmsDriver {
    type Crtc = RvkmsCrtc;
    type Plane = RvkmsPlane;
    type Connector = RvkmsConnector;
    type Encoder = RvkmsEncoder;
    type Fbdev = kms::fbdev::Shmem;

    fn mode_config_info(_dev: &drm::Device<Self>) -> Result<ModeConfigInfo> {
        let size = |(width, height): (u16, u16)| (width.into(), height.into());

        Ok(ModeConfigInfo {
            min_size: size(MIN_SIZE),
            max_size: size(MAX_SIZE),
            cursor_size: size(CURSOR_SIZE),
            preferred_depth: 0,
        })
    }

    fn create_objects(setup: &SetupDevice<'_, Self>) -> Result {
        objects::create(setup)
    }
}

/// Makes the default device, unless the module parameters say that there is none.
fn default_device() -> Result<Option<VirtualDevice>> {
    if !module_parameters::create_default_dev.value() {
        return Ok(None);
    }

    let topology = Topology::default_device(Defaults {
        cursor: module_parameters::enable_cursor.value(),
        overlay: module_parameters::enable_overlay.value(),
        writeback: module_parameters::enable_writeback.value(),
        plane_pipeline: module_parameters::enable_plane_pipeline.value(),
    })?;

    VirtualDevice::new(DEFAULT_NAME, topology).map(Some)
}

#[pin_data]
struct RvkmsModule {
    _default_device: Option<VirtualDevice>,
    // Comes last: as soon as it is there, user space can use it, and it cannot fail any more.
    #[pin]
    configfs: Subsystem<configfs::Devices>,
}

impl kernel::InPlaceModule for RvkmsModule {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            _default_device: default_device()?,
            configfs <- configfs::register(),
        })
    }
}

module! {
    type: RvkmsModule,
    name: "rvkms",
    authors: ["The RVKMS authors"],
    description: "Virtual Kernel Mode Setting",
    license: "GPL",
    params: {
        enable_cursor: bool {
            default: true,
            description: "Enable/Disable cursor support",
        },
        enable_writeback: bool {
            default: true,
            description: "Enable/Disable writeback connector support",
        },
        enable_overlay: bool {
            default: false,
            description: "Enable/Disable overlay support",
        },
        enable_plane_pipeline: bool {
            default: false,
            description: "Enable/Disable plane pipeline support",
        },
        create_default_dev: bool {
            default: true,
            description: "Create or not the default VKMS device",
        },
    },
}
