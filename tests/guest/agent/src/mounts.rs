// SPDX-License-Identifier: GPL-2.0

//! File systems.

use anyhow::{Context, Result};
use guest_protocol::Mount;
use nix::mount::MsFlags;
use std::path::Path;

const NEW_ROOT: &str = "/newroot";

/// Folders of the root that programs write to. The root itself is never written.
const SCRATCH: [&str; 8] = [
    "/tmp",
    "/run",
    "/mnt",
    "/root",
    "/media",
    "/var/tmp",
    "/var/cache",
    "/var/log",
];

fn mount_simple(source: &str, target: &str, fstype: &str) -> Result<()> {
    nix::mount::mount(
        Some(source),
        target,
        Some(fstype),
        MsFlags::empty(),
        None::<&str>,
    )
    .with_context(|| format!("mounting {fstype} on {target}"))
}

/// Mounts what the plan asks for, making the mount point if it can be made.
pub fn mount(mount: &Mount, target: &Path) -> Result<()> {
    let mut flags = MsFlags::empty();
    flags.set(MsFlags::MS_RDONLY, mount.read_only);
    if !target.is_dir() {
        std::fs::create_dir_all(target)
            .with_context(|| format!("making the mount point {}", target.display()))?;
    }
    nix::mount::mount(
        Some(mount.source.as_str()),
        target,
        Some(mount.fstype.as_str()),
        flags,
        Some(mount.data.as_str()),
    )
    .with_context(|| format!("mounting {} on {}", mount.data, target.display()))
}

/// Device nodes, so that messages have somewhere to go.
pub fn early() -> Result<()> {
    std::fs::create_dir_all("/dev").context("making /dev")?;
    mount_simple("dev", "/dev", "devtmpfs")
}

/// Makes `root` the root of everything that comes.
pub fn switch_root(root: &Mount) -> Result<()> {
    mount(root, Path::new(NEW_ROOT))?;
    let dev = format!("{NEW_ROOT}/dev");
    nix::mount::mount(
        Some("/dev"),
        dev.as_str(),
        None::<&str>,
        MsFlags::MS_MOVE,
        None::<&str>,
    )
    .context("moving /dev")?;
    std::env::set_current_dir(NEW_ROOT).context("entering the root")?;
    nix::mount::mount(Some("."), "/", None::<&str>, MsFlags::MS_MOVE, None::<&str>)
        .context("moving the root")?;
    nix::unistd::chroot(".").context("entering the root")?;
    std::env::set_current_dir("/").context("entering the root")
}

/// Mounts the kernel's file systems and fresh memory over what programs write to.
pub fn in_root() -> Result<()> {
    mount_simple("proc", "/proc", "proc")?;
    mount_simple("sys", "/sys", "sysfs")?;
    for folder in SCRATCH {
        if Path::new(folder).is_dir() {
            mount_simple("tmp", folder, "tmpfs")?;
        }
    }
    std::fs::create_dir_all("/dev/shm").context("making /dev/shm")?;
    mount_simple("shm", "/dev/shm", "tmpfs")?;
    // A kernel without one of these is still good for something.
    let optional = [
        ("debugfs", "/sys/kernel/debug"),
        ("configfs", "/sys/kernel/config"),
        ("tracefs", "/sys/kernel/tracing"),
        ("devpts", "/dev/pts"),
    ];
    for (fstype, target) in optional {
        let _ = std::fs::create_dir(target);
        let _ = mount_simple(fstype, target, fstype);
    }
    // Programs look for their descriptors here.
    for (link, to) in [
        ("/dev/fd", "/proc/self/fd"),
        ("/dev/stdin", "/proc/self/fd/0"),
        ("/dev/stdout", "/proc/self/fd/1"),
        ("/dev/stderr", "/proc/self/fd/2"),
    ] {
        let _ = std::os::unix::fs::symlink(to, link);
    }
    Ok(())
}
