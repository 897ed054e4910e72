// SPDX-License-Identifier: GPL-2.0

// Promise: Only this library defines GEM object types.
// Error: E0277
// Error-text: ::Sealed` is not implemented for `Mine`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

struct Mine;

#[cfg(violate)]
impl gem::IntoGEMObject for Mine {
    fn as_raw(&self) -> *mut kernel::bindings::drm_gem_object {
        core::ptr::null_mut()
    }

    unsafe fn from_raw<'a>(_ptr: *mut kernel::bindings::drm_gem_object) -> &'a Self {
        &Mine
    }
}
