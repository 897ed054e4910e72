// SPDX-License-Identifier: GPL-2.0

// Promise: Objects without memory cannot be dumb buffers.
// Error: E0080
// Error-text: evaluation panicked

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

pub struct Fourth;
pub struct FourthFile;
pub struct FourthData;

impl drm::file::DriverFile for FourthFile {
    type Driver = Fourth;

    fn open(_dev: &drm::Device<Fourth>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

impl DriverObject for FourthData {
    type Driver = Fourth;
    type Args = ();

    #[cfg(violate)]
    const DUMB: Option<gem::DumbCreate<Self>> = Some(gem::DumbCreate::new(|_dev, _buffer| Ok(())));

    fn new(_dev: &drm::Device<Fourth>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(FourthData)
    }
}

#[vtable]
impl drm::Driver for Fourth {
    type Data = ();
    type RegistrationData<'a> = ();
    type File = FourthFile;
    type Object = gem::Object<FourthData>;
    type ParentDevice<Ctx: device::DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = <Driver as drm::Driver>::INFO;

    kernel::declare_drm_ioctls! {}
}

pub fn probe(parent: &faux::Device<device::Bound>) -> Result<drm::UnregisteredDevice<Fourth>> {
    drm::UnregisteredDevice::new(parent, Ok(()))
}
