// SPDX-License-Identifier: GPL-2.0

// Promise: A link leads to a group of a type that can be told from others.
// Error: E0277
// Error-text: the trait bound `Other: GroupData` is not satisfied

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/configfs_groups.rs"));

struct Other;

#[cfg(not(violate))]
configfs_group! {
    data: Other,
    attributes: [],
    operations: [],
}

struct Data;

configfs_group! {
    data: Data,
    attributes: [],
    operations: [links],
}

impl LinkOperations for Data {
    type Target = Other;

    fn allow_link(&self, _target: &Other) -> Result {
        Ok(())
    }

    fn drop_link(&self, _target: &Other) {}
}
