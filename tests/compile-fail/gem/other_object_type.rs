// SPDX-License-Identifier: GPL-2.0

// Promise: A driver's objects are those of the same driver.
// Error: E0271
// Error-text: type mismatch resolving

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

struct Third;
struct ThirdFile;
struct ThirdData;

impl drm::file::DriverFile for ThirdFile {
    type Driver = Third;

    fn open(_dev: &drm::Device<Third>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

impl DriverObject for ThirdData {
    type Driver = Third;
    type Args = ();

    fn new(_dev: &drm::Device<Third>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(ThirdData)
    }
}

#[vtable]
impl drm::Driver for Third {
    type Data = ();
    type RegistrationData<'a> = ();
    type File = ThirdFile;
    #[cfg(not(violate))]
    type Object = gem::Object<ThirdData>;
    #[cfg(violate)]
    type Object = OtherObject;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = <Driver as drm::Driver>::INFO;

    kernel::declare_drm_ioctls! {}
}
