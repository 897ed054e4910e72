// SPDX-License-Identifier: GPL-2.0

//! A display driver without hardware.
//!
//! RVKMS is what the C driver VKMS is, and has its name, so that programs and scripts written for
//! that one run on this one: a CRTC whose vblanks come from a timer, a connector that is always
//! connected, and planes that are composed in software when somebody wants to know the CRC of the
//! picture.

use crate::{
    connector::{
        RvkmsConnector,
        RvkmsEncoder, //
    },
    crtc::RvkmsCrtc,
    plane::RvkmsPlane, //
};
use kernel::{
    device::DeviceContext,
    drm::{
        self,
        gem,
        kms::{
            self,
            color::{
                ColorEncoding,
                ColorRange, //
            },
            ConnectorType,
            EncoderType,
            KmsDriver,
            ModeConfigInfo,
            PlaneArgs,
            PlaneType,
            SetupDevice, //
        },
    },
    faux,
    prelude::*,
};

mod blend;
mod compose;
mod connector;
mod crc;
mod crtc;
mod fixed;
mod format;
mod gamma;
mod line;
mod output;
mod pixel;
mod plane;
#[cfg(CONFIG_DRM_RVKMS_KUNIT_TEST)]
mod tests;
mod yuv;

/// The smallest framebuffer and mode.
const MIN_SIZE: (u16, u16) = (10, 10);

/// The largest framebuffer and mode.
const MAX_SIZE: (u16, u16) = (8192, 8192);

/// The largest cursor.
const CURSOR_SIZE: (u16, u16) = (512, 512);

/// The encodings of YCbCr framebuffers, the default first.
const ENCODINGS: [ColorEncoding; 3] = [
    ColorEncoding::Bt601,
    ColorEncoding::Bt709,
    ColorEncoding::Bt2020,
];

/// The ranges of YCbCr framebuffers, the default first.
const RANGES: [ColorRange; 2] = [ColorRange::Full, ColorRange::Limited];

/// How many overlay planes there are with `enable_overlay`.
const OVERLAYS: usize = 8;

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

    fn new(
        _dev: &drm::Device<RvkmsDriver>,
        _size: usize,
        _args: (),
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {})
    }
}

#[vtable]
impl drm::Driver for RvkmsDriver {
    type Data = ();
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
        let plane = |type_| {
            let args = PlaneArgs {
                type_,
                formats: &plane::FORMATS,
                modifiers: &[],
                name: None,
            };

            let plane = setup.create_plane(&args, Ok(RvkmsPlane))?;

            setup.create_color_properties(plane, &ENCODINGS, &RANGES)?;
            // Blending is always pre-multiplied, which user space should be able to see.
            setup.create_blend_mode_property(plane, &[])?;
            Ok::<_, Error>(plane)
        };
        // Planes are stacked in the order of their creation.
        let primary = plane(PlaneType::Primary)?;
        let mut overlays = KVec::new();

        if module_parameters::enable_overlay.value() {
            for _ in 0..OVERLAYS {
                overlays.push(plane(PlaneType::Overlay)?, GFP_KERNEL)?;
            }
        }

        let cursor = if module_parameters::enable_cursor.value() {
            Some(plane(PlaneType::Cursor)?)
        } else {
            None
        };
        let crtc = setup.create_crtc(primary, cursor, None, RvkmsCrtc::new())?;

        setup.enable_gamma(crtc, gamma::MAX_ENTRIES as u32)?;
        setup.attach_background_color(crtc)?;
        for overlay in overlays {
            setup.allow_crtc(overlay, crtc)?;
        }

        let encoder = setup.create_encoder(EncoderType::Virtual, &[crtc], None, Ok(RvkmsEncoder))?;

        setup.create_connector(ConnectorType::Virtual, &[encoder], Ok(RvkmsConnector))?;
        Ok(())
    }
}

/// The default device.
struct RvkmsModule {
    _device: Option<faux::Registration>,
}

impl kernel::Module for RvkmsModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        if !module_parameters::create_default_dev.value() {
            return Ok(Self { _device: None });
        }

        let faux = faux::Registration::new(c"vkms", None)?;
        let parent = faux.as_ref();
        let drm = kms::new_device::<RvkmsDriver>(parent, Ok(()))?;
        let drm = drm::Registration::new_devres(parent.as_ref(), drm, Ok::<_, Error>(()), 0)?;

        if let Some(guard) = drm.registration_guard() {
            kms::fbdev::setup_clients(&guard);
        }
        Ok(Self {
            _device: Some(faux),
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
        enable_overlay: bool {
            default: false,
            description: "Enable/Disable overlay support",
        },
        create_default_dev: bool {
            default: true,
            description: "Create or not the default device",
        },
    },
}
