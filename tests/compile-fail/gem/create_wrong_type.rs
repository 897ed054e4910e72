// SPDX-License-Identifier: GPL-2.0

// Promise: Objects of a type that is not the driver's object type cannot be created.
// Error: E0271
// Error-text: type mismatch resolving

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

struct Second;

impl DriverObject for Second {
    type Driver = Driver;
    type Args = ();

    fn new(_dev: &drm::Device<Driver>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        Ok::<_, Error>(Second)
    }
}

fn create(dev: &drm::Device<Driver>) -> Result<ARef<Object>> {
    Object::new(dev, 1, ObjectConfig::default(), ())
}

#[cfg(violate)]
fn violate(dev: &drm::Device<Driver>) -> Result<ARef<gem::shmem::Object<Second>>> {
    gem::shmem::Object::<Second>::new(dev, 1, ObjectConfig::default(), ())
}
