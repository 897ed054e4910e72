// SPDX-License-Identifier: GPL-2.0

// Promise: The modes of a connector change only while it is probed, with the lock held.
// Error: E0599
// Error-text: no method named `update_edid` found

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(probe: &ConnectorProbe<'_, MyConnector>, edid: &kms::Edid) -> Result {
    probe.update_edid(Some(edid))
}

#[cfg(violate)]
fn violate(connector: &kms::Connector<MyConnector>, edid: &kms::Edid) -> Result {
    connector.update_edid(Some(edid))
}
