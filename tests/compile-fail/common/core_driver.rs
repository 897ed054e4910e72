// SPDX-License-Identifier: GPL-2.0

// Two minimal drivers for programs about devices, registrations, files and ioctls: `Driver`,
// whose registration data borrows, and `Other`. `driver!` makes more of them.

#[allow(unused_imports, reason = "not every program uses everything")]
use kernel::{
    device::{
        self,
        Bound, //
    },
    drm::{
        self,
        gem,
        ioctl,
        Device,
        Registered,
        UnregisteredDevice, //
    },
    faux,
    prelude::*,
    sync::aref::ARef,
    uapi,
    ThisModule, //
};

/// Stands for the module that a driver is part of.
pub struct LocalModule;

impl kernel::ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"compile_fail";
    // SAFETY: Null is what built-in code uses.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

/// The registration data of the drivers: invariant in its lifetime, as a lock would make it.
pub struct RegData<'a> {
    pub number: u64,
    pub slot: core::cell::UnsafeCell<Option<&'a u64>>,
}

// SAFETY: The programs do not run.
unsafe impl Send for RegData<'_> {}
// SAFETY: The programs do not run.
unsafe impl Sync for RegData<'_> {}

macro_rules! driver_bo {
    ($driver:ident, $bo:ident) => {
        pub struct $bo;

        impl gem::DriverObject for $bo {
            type Driver = $driver;
            type Args = ();

            fn new(_dev: &Device<$driver>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
                Ok::<_, Error>($bo)
            }
        }
    };
}

macro_rules! driver_file {
    ($driver:ident, $file:ident) => {
        pub struct $file;

        impl drm::file::DriverFile for $file {
            type Driver = $driver;

            fn open(_dev: &Device<$driver>) -> Result<Pin<KBox<Self>>> {
                Ok(KBox::new(Self, GFP_KERNEL)?.into())
            }
        }
    };
}

macro_rules! driver {
    ($driver:ident, $data:ty, $file:ident, $object:ty, { $($rest:tt)* }) => {
        pub struct $driver;

        #[vtable]
        impl drm::Driver for $driver {
            type Data = $data;
            type RegistrationData<'a> = RegData<'a>;
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

            $($rest)*
        }
    };
}

driver_bo!(Driver, Bo);
driver_file!(Driver, File);
driver!(Driver, (), File, gem::Object<Bo>, { kernel::declare_drm_ioctls! {} });

driver_bo!(Other, OtherBo);
driver_file!(Other, OtherFile);
driver!(Other, (), OtherFile, gem::Object<OtherBo>, { kernel::declare_drm_ioctls! {} });
