// SPDX-License-Identifier: GPL-2.0

//! Finding and opening a DRM device.

use anyhow::{Context, Result, bail};
use drm::control::{Device as _, ResourceHandle, property};
use drm::{ClientCapability, Device as _};
use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::{Path, PathBuf};

/// An open primary node.
pub struct Card {
    file: File,
    minor: u32,
}

impl AsFd for Card {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

impl drm::Device for Card {}
impl drm::control::Device for Card {}

/// Properties of one mode object: handle and current value by name.
pub type Properties = HashMap<String, (property::Handle, u64)>;

impl Card {
    /// Opens the first primary node whose driver is called `driver`, with the capabilities that
    /// atomic clients ask for.
    pub fn open(driver: &str) -> Result<Self> {
        let mut seen = Vec::new();
        for minor in 0..64 {
            let path = PathBuf::from(format!("/dev/dri/card{minor}"));
            if !path.exists() {
                continue;
            }
            let card = Self::open_path(&path, minor)?;
            let name = card.get_driver()?.name().to_string_lossy().into_owned();
            if name == driver {
                card.set_client_capability(ClientCapability::UniversalPlanes, true)
                    .context("DRM_CLIENT_CAP_UNIVERSAL_PLANES")?;
                card.set_client_capability(ClientCapability::Atomic, true)
                    .context("DRM_CLIENT_CAP_ATOMIC")?;
                return Ok(card);
            }
            seen.push(name);
        }
        bail!("no primary node of driver \"{driver}\" (found: {seen:?})");
    }

    /// Opens the primary node with the minor number `minor`.
    pub fn open_minor(minor: u32) -> Result<Self> {
        Self::open_path(Path::new(&format!("/dev/dri/card{minor}")), minor)
    }

    fn open_path(path: &Path, minor: u32) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(path)
            .with_context(|| format!("opening {}", path.display()))?;
        Ok(Self { file, minor })
    }

    /// The minor number, which names the debugfs directory.
    pub fn minor(&self) -> u32 {
        self.minor
    }

    /// Name and description of the driver.
    pub fn identity(&self) -> Result<(String, String)> {
        let driver = self.get_driver()?;
        Ok((
            driver.name().to_string_lossy().into_owned(),
            driver.description().to_string_lossy().into_owned(),
        ))
    }

    /// All properties of a mode object.
    pub fn properties<H: ResourceHandle>(&self, handle: H) -> Result<Properties> {
        let values = self.get_properties(handle)?;
        let mut map = HashMap::new();
        for (&id, &value) in values.iter() {
            let info = self.get_property(id)?;
            map.insert(info.name().to_string_lossy().into_owned(), (id, value));
        }
        Ok(map)
    }
}
