// SPDX-License-Identifier: GPL-2.0

// Promise: A device is registered once at most.
// Error: E0382
// Error-text: use of moved value: `dev`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn register(parent: &faux::Device<Bound>, dev: UnregisteredDevice<Driver>) -> Result {
    drm::Registration::new_devres(parent, dev, Err::<RegData<'static>, Error>(EINVAL))?;
    Ok(())
}

#[cfg(violate)]
fn violate(parent: &faux::Device<Bound>, dev: UnregisteredDevice<Driver>) -> Result {
    drm::Registration::new_devres(parent, dev, Err::<RegData<'static>, Error>(EINVAL))?;
    drm::Registration::new_devres(parent, dev, Err::<RegData<'static>, Error>(EINVAL))?;
    Ok(())
}
