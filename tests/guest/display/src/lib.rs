// SPDX-License-Identifier: GPL-2.0

//! Shows pictures on a KMS device, and checks what the kernel made of them.
//!
//! Everything here goes through the DRM uAPI as any client would: dumb BOs, atomic commits,
//! page-flip events, and the CRC interface in debugfs. The expected CRC is computed from what
//! lies in the framebuffers, see [`canvas`], so that a wrong pixel anywhere between the BO and
//! the composed output is seen.

pub mod canvas;
pub mod card;
pub mod configured;
pub mod crc;
pub mod flip;
pub mod format;
pub mod gamma;
pub mod output;
pub mod pause;
pub mod picture;
pub mod scanout;
pub mod scene;
