// SPDX-License-Identifier: GPL-2.0

// Promise: Only a group that says what becomes of links has any.
// Error: E0277
// Error-text: the trait bound `Data: LinkOperations` is not satisfied

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/configfs_groups.rs"));

struct Data;

configfs_group! {
    data: Data,
    attributes: [],
    operations: [links],
}

#[cfg(not(violate))]
impl LinkOperations for Data {
    type Target = Plain;

    fn allow_link(&self, _target: &Plain) -> Result {
        Ok(())
    }

    fn drop_link(&self, _target: &Plain) {}
}
