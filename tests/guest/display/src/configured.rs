// SPDX-License-Identifier: GPL-2.0

//! Devices that are configured through configfs, the way VKMS's are.

use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

/// Where the devices are configured.
const ROOT: &str = "/sys/kernel/config/vkms";

/// Where the devices are.
const DEVICES: &str = "/sys/devices/faux";

/// The objects of a device with one display, in the order in which they can be removed.
const OBJECTS: [&str; 4] = [
    "connectors/connector0",
    "encoders/encoder0",
    "planes/plane0",
    "crtcs/crtc0",
];

/// What is linked to what.
const LINKS: [(&str, &str); 3] = [
    (
        "connectors/connector0/possible_encoders",
        "encoders/encoder0",
    ),
    ("encoders/encoder0/possible_crtcs", "crtcs/crtc0"),
    ("planes/plane0/possible_crtcs", "crtcs/crtc0"),
];

/// Whether a display is connected, as `status` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// There is one.
    Connected = 1,
    /// There is none.
    Disconnected = 2,
}

/// The directory of a device with one display. It stays when this is dropped.
pub struct Configured {
    name: String,
    dir: PathBuf,
}

impl Configured {
    /// Configures a device, without enabling it.
    pub fn create(name: &str) -> Result<Self> {
        let this = Self {
            name: name.to_owned(),
            dir: Path::new(ROOT).join(name),
        };
        make(&this.dir)?;
        for object in OBJECTS {
            make(&this.dir.join(object))?;
        }
        for (from, to) in LINKS {
            let link = this.dir.join(from).join("link");
            symlink(this.dir.join(to), &link)
                .with_context(|| format!("linking {}", link.display()))?;
        }
        this.write("planes/plane0/type", "1")?;
        Ok(this)
    }

    /// The path of an attribute.
    pub fn path(&self, attribute: &str) -> PathBuf {
        self.dir.join(attribute)
    }

    fn write(&self, attribute: &str, value: &str) -> Result<()> {
        let path = self.path(attribute);
        fs::write(&path, value).with_context(|| format!("writing {value} to {}", path.display()))
    }

    /// Makes the device, or unplugs it.
    pub fn set_enabled(&self, enabled: bool) -> Result<()> {
        self.write("enabled", if enabled { "1" } else { "0" })
    }

    /// Connects the display, or disconnects it.
    pub fn set_status(&self, status: Status) -> Result<()> {
        let value = (status as u32).to_string();
        self.write("connectors/connector0/status", &value)
    }

    /// The minor number of the device, which must be enabled.
    pub fn minor(&self) -> Result<u32> {
        let dir = Path::new(DEVICES).join(&self.name).join("drm");
        for entry in fs::read_dir(&dir).with_context(|| format!("{}", dir.display()))? {
            let name = entry?.file_name();
            if let Some(minor) = name.to_str().and_then(|name| name.strip_prefix("card")) {
                return minor.parse().with_context(|| format!("card{minor}"));
            }
        }
        bail!("{} has no primary node", self.name);
    }

    /// Removes links and objects, but not the directory of the device, be it enabled or not.
    pub fn take_apart(&self) -> Result<()> {
        for (from, _) in LINKS {
            let link = self.dir.join(from).join("link");
            fs::remove_file(&link).with_context(|| format!("removing {}", link.display()))?;
        }
        for object in OBJECTS {
            remove(&self.dir.join(object))?;
        }
        Ok(())
    }

    /// Removes the directory of the device, which unplugs a device that is enabled.
    pub fn remove(self) -> Result<()> {
        remove(&self.dir)
    }
}

fn make(dir: &Path) -> Result<()> {
    fs::create_dir(dir).with_context(|| format!("making {}", dir.display()))
}

fn remove(dir: &Path) -> Result<()> {
    fs::remove_dir(dir).with_context(|| format!("removing {}", dir.display()))
}

/// The devices that are there, by name.
pub fn devices() -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(DEVICES).context(DEVICES)? {
        let entry = entry?;
        if entry.path().join("drm").is_dir() {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}
