// SPDX-License-Identifier: GPL-2.0

// Promise: DMA mappings are made for bound devices only.
// Error: E0308
// Error-text: mismatched types
// Error-text: expected `&Device<Bound>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn table(obj: &Object, dev: &device::Device<device::Bound>) -> bool {
    obj.sg_table(dev).is_ok()
}

#[cfg(violate)]
fn violate(obj: &Object, dev: &device::Device) -> bool {
    obj.sg_table(dev).is_ok()
}
