// SPDX-License-Identifier: GPL-2.0

// Two minimal drivers for programs about GEM objects: `Driver` with shmem objects (`Object`) and
// `Other` with plain ones (`OtherObject`).

#[allow(unused_imports, reason = "not every program uses everything")]
use kernel::{
    device,
    drm::{
        self,
        gem::{
            self,
            shmem::ObjectConfig,
            BaseObject,
            DriverObject, //
        },
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

macro_rules! driver {
    ($driver:ident, $file:ident, $data:ident, $object:ident = $type:ty) => {
        pub struct $driver;
        pub struct $file;
        pub struct $data;
        pub type $object = $type;

        impl drm::file::DriverFile for $file {
            type Driver = $driver;

            fn open(_dev: &drm::Device<$driver>) -> Result<Pin<KBox<Self>>> {
                Ok(KBox::new(Self, GFP_KERNEL)?.into())
            }
        }

        impl DriverObject for $data {
            type Driver = $driver;
            type Args = ();

            fn new(
                _dev: &drm::Device<$driver>,
                _size: usize,
                _args: (),
            ) -> impl PinInit<Self, Error> {
                Ok::<_, Error>($data)
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
    };
}

driver!(Driver, File, Data, Object = gem::shmem::Object<Data>);
driver!(Other, OtherFile, OtherData, OtherObject = gem::Object<OtherData>);
