// SPDX-License-Identifier: GPL-2.0

//! User-Mode Linux: the kernel as an ordinary process.

use super::{Boot, Machine, Share};
use crate::kernel::Built;
use anyhow::{Result, anyhow, bail};
use guest_protocol::Mount;
use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// Boots a UML program.
#[derive(Clone, Debug)]
pub struct Uml {
    image: PathBuf,
}

impl Uml {
    /// A machine that boots the UML program of `built`.
    pub fn new(built: &Built) -> Self {
        Self {
            image: built.image(),
        }
    }
}

impl Machine for Uml {
    fn name(&self) -> &'static str {
        "uml"
    }

    fn mount(&self, share: &Share) -> Result<Mount> {
        let outside = &share.outside;
        let data = outside
            .to_str()
            .ok_or_else(|| anyhow!("{} is not valid UTF-8", outside.display()))?;
        Ok(Mount {
            target: share.inside.into(),
            fstype: "hostfs".into(),
            source: "none".into(),
            data: data.into(),
            read_only: share.read_only,
        })
    }

    fn command(&self, boot: &Boot, initrd: &Path, _shares: &[Share]) -> Result<Command> {
        if let Some(device) = boot.devices.first() {
            bail!("UML has no such device: {device:?}");
        }
        let mut command = Command::new(&self.image);
        command
            // The control socket; by default it is in the user's home.
            .arg(format!("uml_dir={}", boot.dir.display()))
            .arg(format!("mem={}M", boot.memory))
            .args(["seccomp=on", "ncpus=2", "con=null", "con0=fd:0,fd:1"])
            // KTAP is printed at the level "info".
            .args(["loglevel=7"])
            .args(&boot.arguments)
            // Last, so that nothing in the path is taken for another word.
            .arg(format!("initrd={}", initrd.display()));
        Ok(command)
    }
}
