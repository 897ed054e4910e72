// SPDX-License-Identifier: GPL-2.0

//! A display driver without hardware.
//!
//! RVKMS is what the C driver VKMS is, and has its name, so that programs and scripts written for
//! that one run on this one: a CRTC whose vblanks come from a timer, a connector that is always
//! connected, and planes that are composed in software when somebody wants to know the CRC of the
//! picture.

use crate::{
    connector::{
        RvkmsConnector,
        RvkmsEncoder, //
    },
    crtc::RvkmsCrtc,
    plane::RvkmsPlane, //
};
use kernel::{
    device::DeviceContext,
    drm::{
        self,
        gem,
        kms::{
            self,
            ConnectorType,
            EncoderType,
            KmsDriver,
            ModeConfigInfo,
            PlaneArgs,
            PlaneType,
            SetupDevice, //
        },
    },
    faux,
    prelude::*,
};

mod blend;
mod compose;
mod connector;
mod crc;
mod crtc;
mod fixed;
mod format;
mod gamma;
mod line;
mod output;
mod pixel;
mod plane;
#[cfg(CONFIG_DRM_RVKMS_KUNIT_TEST)]
mod tests;
mod yuv;

/// The smallest framebuffer and mode.
const MIN_SIZE: (u32, u32) = (10, 10);

/// The largest framebuffer and mode.
const MAX_SIZE: (u32, u32) = (8192, 8192);

/// The largest cursor.
const CURSOR_SIZE: (u32, u32) = (512, 512);

/// How many overlay planes there are with `enable_overlay`.
const OVERLAYS: usize = 8;

struct RvkmsDriver;
