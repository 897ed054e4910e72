// SPDX-License-Identifier: GPL-2.0

// Promise: The data of a device does not borrow: an open file keeps it after the driver is gone.
// Error: E0310
// Error-text: the parameter type `T` may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

pub struct Generic<T>(core::marker::PhantomData<fn() -> T>);
pub struct GenericBo<T>(core::marker::PhantomData<fn() -> T>);
pub struct GenericFile<T>(core::marker::PhantomData<fn() -> T>);

macro_rules! generic_driver {
    ($($bound:tt)*) => {
        impl<T: $($bound)*> gem::DriverObject for GenericBo<T> {
            type Driver = Generic<T>;
            type Args = ();

            fn new(_dev: &Device<Generic<T>>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
                Ok::<_, Error>(Self(core::marker::PhantomData))
            }
        }

        impl<T: $($bound)*> drm::file::DriverFile for GenericFile<T> {
            type Driver = Generic<T>;

            fn open(_dev: &Device<Generic<T>>) -> Result<Pin<KBox<Self>>> {
                Err(EINVAL)
            }
        }

        #[vtable]
        impl<T: $($bound)*> drm::Driver for Generic<T> {
            type Data = T;
            type RegistrationData<'a> = ();
            type File = GenericFile<T>;
            type Object = gem::Object<GenericBo<T>>;
            type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

            const INFO: drm::DriverInfo = <Driver as drm::Driver>::INFO;

            kernel::declare_drm_ioctls! {}
        }
    };
}

#[cfg(not(violate))]
generic_driver!(Send + Sync + 'static);

#[cfg(violate)]
generic_driver!(Send + Sync);
