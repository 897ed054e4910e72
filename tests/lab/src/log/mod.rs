// SPDX-License-Identifier: GPL-2.0

//! Reading what kernels and programs print.

pub mod known;
pub mod ktap;
pub mod leaks;
pub mod lines;
pub mod splat;
