// SPDX-License-Identifier: GPL-2.0

// Data of configfs groups for programs about them.

#[allow(unused_imports, reason = "not every program uses everything")]
use kernel::{
    configfs::{
        AttributeOperations,
        DefaultGroups,
        Group,
        GroupData,
        GroupOperations,
        LinkOperations, //
    },
    configfs_group,
    page::PAGE_SIZE,
    prelude::*,
    ThisModule, //
};

/// Stands for the module that the groups are part of.
pub struct LocalModule;

impl kernel::ModuleMetadata for LocalModule {
    const NAME: &'static CStr = c"compile_fail";
    // SAFETY: Null is what built-in code uses.
    const THIS_MODULE: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };
}

/// A group without anything.
pub struct Plain;

configfs_group! {
    data: Plain,
    attributes: [],
    operations: [],
}
