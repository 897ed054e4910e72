// SPDX-License-Identifier: GPL-2.0

//! The library behind `lab`: prepares a kernel tree from a stock source
//! package and this overlay, builds it, boots it and judges what it does.
//!
//! The modules, from the bottom up:
//!
//! - [`proc`], [`sandbox`], [`atomic`], [`lock`], [`ui`]: running commands,
//!   making things whole or not at all, one writer at a time, progress.
//! - [`cache`], [`checkout`], [`context`]: where things are.
//! - [`host`]: what the machine lacks and how to install it.
//! - [`root`], [`base`], [`workspace`], [`overlay`], [`kernel`]: the Debian
//!   root, the stock source, a checkout's tree and outputs, the overlay laid
//!   over it, and the builds of the result. [`prepare`] does all but the last.
//! - [`cmd`]: one file for each subcommand.

pub mod atomic;
pub mod base;
pub mod boot;
pub mod cache;
pub mod checkout;
pub mod cli;
pub mod clients;
pub mod cmd;
pub mod context;
pub mod error;
pub mod expect;
pub mod guest;
pub mod host;
pub mod kernel;
pub mod lock;
pub mod log;
pub mod machine;
pub mod modules;
pub mod overlay;
pub mod picture;
pub mod prepare;
pub mod proc;
pub mod report;
pub mod root;
pub mod sandbox;
pub mod show;
pub mod suites;
pub mod ui;
pub mod workspace;
