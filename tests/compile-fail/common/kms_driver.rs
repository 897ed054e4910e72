// SPDX-License-Identifier: GPL-2.0

// Two minimal KMS drivers for programs about mode setting: `Driver`, with shmem objects, and
// `Other`, with plain ones. `kms_driver!` makes more of them; a program that is about one of the
// traits leaves it out of the list and implements it itself.

#[allow(unused_imports, reason = "not every program uses everything")]
use kernel::{
    device,
    drm::{
        self,
        gem,
        kms::{
            self,
            fourcc,
            AsyncUpdate,
            AtomicCheck,
            AtomicCommit,
            Begin,
            CommitDone,
            CommitPlanes,
            CommitTail,
            ConnectorProbe,
            ConnectorType,
            Crtc,
            CrtcCheck,
            CrtcCommit,
            CrtcState,
            EncoderType,
            Framebuffer,
            FramebufferMap,
            KmsRef,
            ModeConfigInfo,
            Plane,
            PlaneArgs,
            PlaneCheck,
            PlaneCommit,
            PlaneState,
            PlaneType,
            Scaling,
            SetupDevice,
            WritebackCommit,
            WritebackConnector,
            WritebackJob,
            WritebackProbe, //
        },
        Device,
        Registered,
        UnregisteredDevice, //
    },
    faux,
    prelude::*,
    sync::aref::ARef,
    ThisModule, //
};

/// Stands for the module that a driver is part of.
pub struct LocalModule;

impl kernel::ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"compile_fail";
    // SAFETY: Null is what built-in code uses.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

macro_rules! kms_part {
    (crtc, $driver:ident, $crtc:ident) => {
        #[vtable]
        impl kms::DriverCrtc for $crtc {
            type Driver = $driver;
            type State = ();
            type Vblank = kms::vblank::Timer;
        }
    };
    (plane, $driver:ident, $plane:ident) => {
        #[vtable]
        impl kms::DriverPlane for $plane {
            type Driver = $driver;
            type State = ();

            fn atomic_update(_commit: &PlaneCommit<'_, Self>) {}
        }
    };
    (encoder, $driver:ident, $encoder:ident) => {
        #[vtable]
        impl kms::DriverEncoder for $encoder {
            type Driver = $driver;
        }
    };
    (connector, $driver:ident, $connector:ident) => {
        #[vtable]
        impl kms::DriverConnector for $connector {
            type Driver = $driver;
            type State = ();

            fn get_modes(_probe: &ConnectorProbe<'_, Self>) -> Result {
                Ok(())
            }
        }
    };
}

macro_rules! kms_driver {
    (
        $driver:ident, $object:ty, $bo:ident, $file:ident,
        [$crtc:ident, $plane:ident, $encoder:ident, $connector:ident],
        fbdev: $fbdev:ty, parts: [$($part:ident: $part_type:ident),*], { $($rest:tt)* }
    ) => {
        pub struct $driver;
        pub struct $bo;
        pub struct $file;
        pub struct $crtc;
        pub struct $plane;
        pub struct $encoder;
        pub struct $connector;

        $(kms_part!($part, $driver, $part_type);)*

        impl gem::DriverObject for $bo {
            type Driver = $driver;
            type Args = ();

            fn new(_dev: &Device<$driver>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
                Ok::<_, Error>($bo)
            }
        }

        impl drm::file::DriverFile for $file {
            type Driver = $driver;

            fn open(_dev: &Device<$driver>) -> Result<Pin<KBox<Self>>> {
                Ok(KBox::new(Self, GFP_KERNEL)?.into())
            }
        }

        #[vtable]
        impl drm::Driver for $driver {
            type Data = ();
            type RegistrationData<'a> = ();
            type File = $file;
            type Object = $object;
            type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

            const INFO: drm::DriverInfo = drm::DriverInfo {
                major: 0,
                minor: 0,
                patchlevel: 0,
                name: c"compile-fail",
                desc: c"Must not compile",
            };

            kernel::declare_drm_ioctls! {}
        }

        impl kms::KmsDriver for $driver {
            type Crtc = $crtc;
            type Plane = $plane;
            type Encoder = $encoder;
            type Connector = $connector;
            type Fbdev = $fbdev;

            fn mode_config_info(_dev: &Device<Self>) -> Result<ModeConfigInfo> {
                Err(ENODEV)
            }

            fn create_objects(_setup: &SetupDevice<'_, Self>) -> Result {
                Ok(())
            }

            $($rest)*
        }
    };
}

kms_driver! {
    Driver, gem::shmem::Object<Bo>, Bo, File, [MyCrtc, MyPlane, MyEncoder, MyConnector],
    fbdev: kms::fbdev::Shmem,
    parts: [crtc: MyCrtc, plane: MyPlane, encoder: MyEncoder, connector: MyConnector], {}
}

kms_driver! {
    Other, gem::Object<OtherBo>, OtherBo, OtherFile,
    [OtherCrtc, OtherPlane, OtherEncoder, OtherConnector],
    fbdev: kms::fbdev::None,
    parts: [crtc: OtherCrtc, plane: OtherPlane, encoder: OtherEncoder, connector: OtherConnector],
    {}
}
