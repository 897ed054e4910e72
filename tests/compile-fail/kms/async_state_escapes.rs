// SPDX-License-Identifier: GPL-2.0

// Promise: The states of an asynchronous update cannot be kept beyond it.
// Error-text: lifetime may not live long enough

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine<'a>(update: &AsyncUpdate<'a, MyPlane>) -> &'a PlaneState<MyPlane> {
    update.state()
}

#[cfg(violate)]
fn violate<'a>(update: &AsyncUpdate<'a, MyPlane>) -> &'static PlaneState<MyPlane> {
    update.state()
}
