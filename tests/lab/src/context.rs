// SPDX-License-Identifier: GPL-2.0

//! What every subcommand works with.

use crate::{cache::Cache, checkout::Checkout, ui::Ui};
use anyhow::Result;
use std::path::Path;

/// A checkout, the cache and the way to talk to the user.
#[derive(Debug)]
pub struct Lab {
    /// The checkout that is built and tested.
    pub checkout: Checkout,
    /// Where everything that is made lives.
    pub cache: Cache,
    /// Progress and messages.
    pub ui: Ui,
}

impl Lab {
    /// Finds the checkout (`dir`, or the one around the working directory) and
    /// the cache.
    ///
    /// # Errors
    ///
    /// Fails if there is no checkout, or no place for the cache.
    pub fn open(dir: Option<&Path>) -> Result<Self> {
        Ok(Self {
            checkout: Checkout::find(dir)?,
            cache: Cache::open()?,
            ui: Ui::new(),
        })
    }
}
