// SPDX-License-Identifier: GPL-2.0

// Promise: Data that borrows cannot be given to a registration that the parent manages.
// Error-text: borrowed data escapes outside of function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/core_driver.rs"));

fn data<'a>(number: &'a u64) -> Result<RegData<'a>> {
    Ok(RegData {
        number: 0,
        slot: core::cell::UnsafeCell::new(Some(number)),
    })
}

static NUMBER: u64 = 0;

fn fine(parent: &faux::Device<Bound>, dev: UnregisteredDevice<Driver>) -> Result {
    drm::Registration::new_devres(parent, dev, data(&NUMBER))?;
    Ok(())
}

#[cfg(violate)]
fn violate(parent: &faux::Device<Bound>, dev: UnregisteredDevice<Driver>, n: &u64) -> Result {
    drm::Registration::new_devres(parent, dev, data(n))?;
    Ok(())
}
