// SPDX-License-Identifier: GPL-2.0

// Promise: A scatter/gather table is not used after the device may have been unbound.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

use kernel::scatterlist::SGTable;

fn table<'a>(obj: &'a Object, dev: &'a device::Device<device::Bound>) -> Result<&'a SGTable> {
    obj.sg_table(dev)
}

#[cfg(violate)]
fn violate<'a, 'b>(obj: &'a Object, dev: &'b device::Device<device::Bound>) -> Result<&'a SGTable> {
    obj.sg_table(dev)
}
