// SPDX-License-Identifier: GPL-2.0

// Promise: A frame keeps the colour pipeline of its commit, and nobody changes it.
// Error: E0596
// Error-text: cannot borrow data in dereference of `Arc<ColorPipeline>` as mutable

#![no_std]
#![allow(dead_code, unused_imports, missing_docs)]

include!(concat!(env!("COMPILE_FAIL_COMMON"), "/kms_driver.rs"));

use kernel::sync::Arc;
use kms::color::pipeline::ColorPipeline;

struct Frame {
    pipeline: Option<Arc<ColorPipeline>>,
}

fn fine(state: &PlaneState<MyPlane>) -> Frame {
    Frame {
        pipeline: state.color_pipeline().cloned(),
    }
}

#[cfg(violate)]
fn violate(mut pipeline: Arc<ColorPipeline>, other: ColorPipeline) {
    let pipeline: &mut ColorPipeline = &mut pipeline;

    *pipeline = other;
}
