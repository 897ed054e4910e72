// SPDX-License-Identifier: GPL-2.0

// Promise: A shared object gives no mutable access to the driver's part.
// Error: E0596
// Error-text: trait `DerefMut` is required to modify through a dereference

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

fn read(obj: &Object) -> &Data {
    obj
}

#[cfg(violate)]
fn violate(obj: &mut Object) -> &mut Data {
    &mut **obj
}
