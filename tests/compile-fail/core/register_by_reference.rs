// SPDX-License-Identifier: GPL-2.0

// Promise: Only a device that was never registered can be registered.
// Error: E0308
// Error-text: expected `UnregisteredDevice<_>`, found `ARef<Device<Driver>>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn register(parent: &faux::Device<Bound>, dev: UnregisteredDevice<Driver>) -> Result {
    drm::Registration::new_devres(parent, dev, Err::<RegData<'static>, Error>(EINVAL))?;
    Ok(())
}

#[cfg(violate)]
fn violate(parent: &faux::Device<Bound>, dev: ARef<Device<Driver>>) -> Result {
    drm::Registration::new_devres(parent, dev, Err::<RegData<'static>, Error>(EINVAL))?;
    Ok(())
}
