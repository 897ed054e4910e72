// SPDX-License-Identifier: GPL-2.0

//! What the machine has to bring: a few tools, room, and the right to make
//! namespaces.

use crate::{context::Lab, proc};
use anyhow::{Context, Result, bail};
use nix::{sys::statvfs::statvfs, unistd::geteuid};
use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

/// Bytes in a gibibyte.
pub const GIB: u64 = 1 << 30;

/// Memory that a parallel build of the kernel's Rust code needs.
const MEMORY: u64 = 3 * GIB;

/// The keys that Debian signs its archive with.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// Something that the machine lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// What it is.
    pub what: String,
    /// The package that brings it, if one does.
    pub package: Option<&'static str>,
    /// What the user can do about it, unless installing the package is it.
    pub advice: Option<String>,
}

impl Lack {
    fn package(what: &str, package: &'static str) -> Self {
        Self {
            what: what.into(),
            package: Some(package),
            advice: None,
        }
    }

    fn advice(what: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            package: None,
            advice: Some(advice.into()),
        }
    }
}

/// Returns the tools that the machine lacks.
pub fn lacking_tools() -> Vec<Lack> {
    let mut tools = vec![
        ("bwrap", "bubblewrap"),
        ("git", "git"),
        ("mmdebstrap", "mmdebstrap"),
        ("tar", "tar"),
    ];
    if !geteuid().is_root() {
        tools.push(("newuidmap", "uidmap"));
    }
    let mut lacks: Vec<_> = tools
        .into_iter()
        .filter(|(tool, _)| which::which(tool).is_err())
        .map(|(tool, package)| Lack::package(tool, package))
        .collect();
    if !Path::new(KEYRING).exists() {
        lacks.push(Lack::package(
            "the keys of Debian's archive",
            "debian-archive-keyring",
        ));
    }
    lacks
}

/// Returns the keyring to check Debian's archive with.
pub fn keyring() -> &'static Path {
    Path::new(KEYRING)
}

/// Tells whether a sandbox can be made; if not, what is lacking.
pub fn lacking_sandbox() -> Option<Lack> {
    let mut command = Command::new("bwrap");
    if !geteuid().is_root() {
        command.args(["--unshare-user", "--uid", "0", "--gid", "0"]);
    }
    let output = command
        .args([
            "--unshare-pid",
            "--ro-bind",
            "/",
            "/",
            "--proc",
            "/proc",
            "true",
        ])
        .stdin(Stdio::null())
        .output();
    let message = match output {
        // Reported as a lacking tool.
        Err(_) => return None,
        Ok(output) if output.status.success() => return None,
        Ok(output) => String::from_utf8_lossy(&output.stderr).trim().to_owned(),
    };
    let what = format!("namespaces for a sandbox ({message})");
    let restricted =
        |path: &str, value: &str| fs::read_to_string(path).is_ok_and(|text| text.trim() == value);
    let advice = if geteuid().is_root() {
        "this container forbids them: allow CAP_SYS_ADMIN (docker: --privileged)"
    } else if restricted(
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
    ) {
        "sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0"
    } else if restricted("/proc/sys/kernel/unprivileged_userns_clone", "0") {
        "sudo sysctl -w kernel.unprivileged_userns_clone=1"
    } else {
        "run ./lab as root"
    };
    Some(Lack::advice(what, advice))
}

/// Returns how many bytes an ordinary user may still write in `dir`.
///
/// # Errors
///
/// Fails if the file system cannot be asked.
pub fn free_bytes(dir: &Path) -> Result<u64> {
    let stat = statvfs(dir).with_context(|| format!("{}", dir.display()))?;
    Ok(stat.blocks_available() * stat.fragment_size())
}

/// Fails unless `bytes` more can be written in `dir`.
///
/// # Errors
///
/// See above.
pub fn need_room(dir: &Path, bytes: u64, what: &str) -> Result<()> {
    match lacking_room(dir, bytes, what)? {
        None => Ok(()),
        Some(lack) => bail!("{}: {}", lack.what, lack.advice.unwrap_or_default()),
    }
}

/// Tells whether `bytes` more can be written in `dir`; if not, what is lacking.
///
/// # Errors
///
/// Fails if the file system cannot be asked.
pub fn lacking_room(dir: &Path, bytes: u64, what: &str) -> Result<Option<Lack>> {
    let free = free_bytes(dir)?;
    let gib = |bytes: u64| bytes as f64 / GIB as f64;
    Ok((free < bytes).then(|| {
        Lack::advice(
            format!(
                "room: {what} needs {:.1} GiB in {}, {:.1} GiB are free",
                gib(bytes),
                dir.display(),
                gib(free),
            ),
            "make room, or point DRM_RUST_CACHE at a larger disk",
        )
    }))
}

/// Tells whether there is memory enough; if not, what is lacking.
pub fn lacking_memory() -> Option<Lack> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let kib: u64 = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()?;
    let free = kib * 1024;
    (free < MEMORY).then(|| {
        Lack::advice(
            format!(
                "memory: {} MiB are free, a build may need {}",
                free >> 20,
                MEMORY >> 20
            ),
            "end other programs, or add swap",
        )
    })
}

/// Returns the command that installs `packages`.
pub fn install_command(packages: &[&str]) -> String {
    let sudo = if geteuid().is_root() { "" } else { "sudo " };
    format!(
        "{sudo}apt-get install --yes --no-install-recommends {}",
        packages.join(" ")
    )
}

/// Installs what is lacking, after saying so.
///
/// # Errors
///
/// Fails if something is lacking that no package brings, or if installing
/// fails.
pub fn install(lab: &Lab, lacks: &[Lack]) -> Result<()> {
    let packages: Vec<_> = lacks.iter().filter_map(|lack| lack.package).collect();
    if packages.is_empty() {
        return Ok(());
    }
    if which::which("apt-get").is_err() {
        bail!(
            "missing: {}; there is no apt-get here: install these by the machine's own means",
            packages.join(", ")
        );
    }
    let command = install_command(&packages);
    if !geteuid().is_root() && which::which("sudo").is_err() {
        bail!("missing: {}; as root: {command}", packages.join(", "));
    }
    lab.ui.say(format!(
        "this machine lacks {}; running: {command}",
        packages.join(", ")
    ));

    // A machine with old or no package lists gets new ones first.
    let install = || {
        let mut install = apt();
        install
            .args(["install", "--yes", "--no-install-recommends", "-qq"])
            .args(&packages);
        install
    };
    let log = lab.cache.dir().join("logs/apt.log");
    let step = lab.ui.step("apt", None);
    if proc::run_logged("install packages", &mut install(), &log, |line| {
        step.note(line)
    })
    .is_err()
    {
        proc::check()?;
        let mut update = apt();
        update.args(["update", "-qq"]);
        proc::run_logged("update package lists", &mut update, &log, |line| {
            step.note(line);
        })?;
        proc::run_logged("install packages", &mut install(), &log, |line| {
            step.note(line);
        })?;
    }
    step.done("installed");
    Ok(())
}

/// Returns apt-get as root, not asking anything.
fn apt() -> Command {
    if geteuid().is_root() {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive");
        command
    } else {
        let mut command = Command::new("sudo");
        command.args(["DEBIAN_FRONTEND=noninteractive", "apt-get"]);
        command
    }
}

/// Makes sure that the tools are there and a sandbox can be made; installs what
/// is missing.
///
/// # Errors
///
/// Fails if that does not work.
pub fn ensure_tools(lab: &Lab) -> Result<()> {
    let lacks = lacking_tools();
    if !lacks.is_empty() {
        install(lab, &lacks)?;
        if let Some(lack) = lacking_tools().first() {
            bail!("{} is still missing after the installation", lack.what);
        }
    }
    Ok(())
}

/// Fails unless a sandbox can be made.
///
/// # Errors
///
/// See above.
pub fn ensure_sandbox() -> Result<()> {
    match lacking_sandbox() {
        None => Ok(()),
        Some(lack) => bail!("no {}: {}", lack.what, lack.advice.unwrap_or_default()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn want_of_room_is_one_clear_line() {
        let dir = tempfile::tempdir().expect("a folder");
        need_room(dir.path(), 1, "a byte").expect("room for a byte");

        let err = need_room(dir.path(), u64::MAX, "everything").expect_err("no room");
        let text = err.to_string();
        assert!(text.contains("everything") && text.contains("DRM_RUST_CACHE"));
        assert_eq!(text.lines().count(), 1);
    }
}
