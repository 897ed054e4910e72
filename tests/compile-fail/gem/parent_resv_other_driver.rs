// SPDX-License-Identifier: GPL-2.0

// Promise: A reservation object is shared between objects of one driver only.
// Error: E0308
// Error-text: mismatched types

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn create(dev: &drm::Device<Driver>, parent: &Object) -> Result<ARef<Object>> {
    let config = ObjectConfig {
        map_wc: false,
        parent_resv_obj: Some(parent),
    };

    Object::new(dev, 1, config, ())
}

#[cfg(violate)]
fn violate(dev: &drm::Device<Driver>, parent: &OtherObject) -> Result<ARef<Object>> {
    let config = ObjectConfig {
        map_wc: false,
        parent_resv_obj: Some(parent),
    };

    Object::new(dev, 1, config, ())
}
