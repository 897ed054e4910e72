// SPDX-License-Identifier: GPL-2.0

// Promise: A connector is not used longer than its device.
// Error: E0515
// Error-text: returns a value referencing data owned by the current function

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(dev: &Device<Driver>) -> Option<&kms::Connector<MyConnector>> {
    dev.connectors().next()
}

#[cfg(violate)]
fn violate<'a>(dev: ARef<Device<Driver>>) -> Option<&'a kms::Connector<MyConnector>> {
    dev.connectors().next()
}
