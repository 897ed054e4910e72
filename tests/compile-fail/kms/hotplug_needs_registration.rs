// SPDX-License-Identifier: GPL-2.0

// Promise: Only a registered device tells user space about its connectors.
// Error: E0308
// Error-text: expected `&Device<Driver, Registered>`, found `&Device<Driver>`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(dev: &Device<Driver, Registered>, connector: &kms::Connector<MyConnector>) -> Result {
    connector.update_status(dev).map(|_| ())
}

#[cfg(violate)]
fn violate(dev: &Device<Driver>, connector: &kms::Connector<MyConnector>) -> Result {
    connector.update_status(dev).map(|_| ())
}
