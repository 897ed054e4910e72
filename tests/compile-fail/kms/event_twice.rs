// SPDX-License-Identifier: GPL-2.0

// Promise: An event is sent or armed once.
// Error: E0382
// Error-text: use of moved value: `event`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

fn fine(commit: &CrtcCommit<'_, MyCrtc>) {
    if let Some(event) = commit.take_event() {
        event.arm_or_send();
    }
}

#[cfg(violate)]
fn violate(commit: &CrtcCommit<'_, MyCrtc>) {
    if let Some(event) = commit.take_event() {
        let _ = event.arm();
        event.send();
    }
}
