// SPDX-License-Identifier: GPL-2.0

// Promise: The arguments of dumb buffers are those of the driver's constructor.
// Error: E0271
// Error-text: type mismatch resolving `<Data as DriverObject>::Args == u32`

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/gem_driver.rs"));

const GOOD: gem::DumbCreate<Data> = gem::DumbCreate::new(|_dev, _buffer| Ok(()));

#[cfg(violate)]
const BAD: gem::DumbCreate<Data> = gem::DumbCreate::new(|_dev, _buffer| Ok(1u32));
