// SPDX-License-Identifier: GPL-2.0

//! The Debian root: toolchain of the build and file system of the guest.
//!
//! It is never changed once it is there; its key is the suite and the list of
//! packages, in `configs/root.packages`.

use crate::{
    atomic, cache::short_hash, checkout::Checkout, context::Lab, host, lock::Lock, proc, ui::Step,
};
use anyhow::{Context, Result, bail};
use nix::unistd::geteuid;
use serde::{Deserialize, Serialize};
use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

/// The suite that the root is made from.
pub const SUITE: &str = "forky";

/// Bytes that the root takes, with some to spare while it is made.
pub const ROOM: u64 = 4 * host::GIB;

/// Folders that commands in the sandbox and guests mount something on.
const MOUNT_POINTS: [&str; 5] = ["src", "out", "ccache", "mnt", "lab"];

/// Where packages are unpacked from if `$DRM_RUST_MIRROR` and the machine's own
/// settings do not say: mmdebstrap knows.
const MIRROR_VAR: &str = "DRM_RUST_MIRROR";

/// A Debian root that is there.
#[derive(Clone, Debug)]
pub struct Root {
    /// Names the root in the cache: suite and packages, and the how-manieth of
    /// these it is.
    pub key: String,
    /// Its file system.
    pub fs: PathBuf,
}

/// What is recorded beside a root.
#[derive(Debug, Deserialize, Serialize)]
struct Record {
    suite: String,
    packages: Vec<String>,
}

/// Returns the root that the checkout asks for, making it if need be. With
/// `renew`, makes a new one from the packages of today.
///
/// # Errors
///
/// Fails if the root cannot be made.
pub fn ensure(lab: &Lab, renew: bool) -> Result<Root> {
    let packages = packages(&lab.checkout)?;
    let key = short_hash(format!("{SUITE} {}", packages.join(" ")).as_bytes());

    if let (false, Some(root)) = (renew, newest(lab, &key)) {
        return Ok(root);
    }
    let _lock = Lock::take(&lab.cache.locks(), "the Debian root", &lab.ui)?;
    let last = newest(lab, &key);
    // Another process may have made it while this one waited.
    if let (false, Some(root)) = (renew, &last) {
        return Ok(root.clone());
    }
    host::ensure_sandbox()?;
    host::need_room(lab.cache.dir(), ROOM, "the Debian root")?;

    let number = last.map_or(1, |root| number(&root.key).unwrap_or(0) + 1);
    let key = format!("{key}.{number}");
    let dir = lab.cache.roots().join(&key);
    let step = lab.ui.step(format!("Debian root ({SUITE})"), None);
    atomic::make_dir(&dir, |dir| make(lab, dir, &packages, &step))?;
    step.done("made");
    Ok(at(lab, key))
}

/// Returns the root called `key`, if it is there.
pub fn find(lab: &Lab, key: &str) -> Option<Root> {
    let root = at(lab, key.into());
    root.fs.is_dir().then_some(root)
}

fn at(lab: &Lab, key: String) -> Root {
    Root {
        fs: lab.cache.roots().join(&key).join("fs"),
        key,
    }
}

/// Returns the newest root whose key starts with `key`.
fn newest(lab: &Lab, key: &str) -> Option<Root> {
    fs::read_dir(lab.cache.roots())
        .ok()?
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| name.split_once('.').is_some_and(|(start, _)| start == key))
        .filter_map(|name| Some((number(&name)?, name)))
        .max()
        .map(|(_, name)| at(lab, name))
}

/// Returns the how-manieth root of its kind `key` is.
fn number(key: &str) -> Option<u32> {
    key.split_once('.')?.1.parse().ok()
}

/// Reads the list of packages.
fn packages(checkout: &Checkout) -> Result<Vec<String>> {
    let path = checkout.configs().join("root.packages");
    let text = fs::read_to_string(&path).with_context(|| format!("{}", path.display()))?;
    let mut packages: Vec<_> = text
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim().to_owned())
        .filter(|line| !line.is_empty())
        .collect();
    packages.sort();
    packages.dedup();
    if packages.is_empty() {
        bail!("{} names no package", path.display());
    }
    Ok(packages)
}

/// Makes a root in `dir`.
fn make(lab: &Lab, dir: &Path, packages: &[String], step: &Step) -> Result<()> {
    let root = dir.join("fs");
    fs::create_dir(&root)?;
    let mut args: Vec<String> = vec![
        "--variant=apt".into(),
        // A mirror may have stood still for a while; the signatures still hold.
        "--aptopt=Acquire::Check-Valid-Until \"false\"".into(),
        "--aptopt=APT::Install-Recommends \"false\"".into(),
        "--aptopt=Acquire::Retries \"3\"".into(),
        // What is half-made after a power cut is made again anyway.
        "--dpkgopt=force-unsafe-io".into(),
        "--dpkgopt=path-exclude=/usr/share/man/*".into(),
        "--dpkgopt=path-exclude=/usr/share/locale/*".into(),
        format!("--keyring={}", host::keyring().display()),
        format!("--include={}", packages.join(",")),
    ];
    let mirror = mirror(dir);

    let mut command = if geteuid().is_root() {
        args.push("--mode=root".into());
        args.push("--format=directory".into());
        args.push(SUITE.into());
        args.push(root.display().to_string());
        args.extend(mirror);
        let mut command = Command::new("mmdebstrap");
        command.args(&args);
        command
    } else {
        // The files have to be the user's own to be usable later, and device
        // nodes cannot be made: so by way of an archive.
        args.push("--mode=unshare".into());
        args.push("--format=tar".into());
        args.push(SUITE.into());
        args.push("-".into());
        args.extend(mirror);
        let mut command = Command::new("bash");
        command
            .args([
                "-c",
                "set -o pipefail; root=$1; shift; mmdebstrap \"$@\" | \
                 tar --extract --no-same-owner --exclude='./dev/*' --directory=\"$root\" && \
                 chmod --recursive u+rwX \"$root\"",
                "unpack",
            ])
            .arg(&root)
            .args(&args);
        command
    };
    let log = lab.cache.dir().join("logs/root.log");
    proc::run_logged("make the Debian root", &mut command, &log, |line| {
        step.note(line);
    })?;

    for name in MOUNT_POINTS {
        fs::create_dir_all(root.join(name))?;
    }
    // Something to bind the machine's resolver file over.
    let resolver = root.join("etc/resolv.conf");
    if resolver.symlink_metadata().is_ok() {
        fs::remove_file(&resolver)?;
    }
    fs::write(&resolver, "")?;

    let record = Record {
        suite: SUITE.into(),
        packages: packages.to_vec(),
    };
    atomic::write(
        &dir.join("root.json"),
        serde_json::to_string_pretty(&record)?.as_bytes(),
    )
}

/// Returns the mirror to use: `$DRM_RUST_MIRROR`, or the machine's own if it is
/// a Debian machine whose mirror has the suite. Otherwise mmdebstrap decides.
fn mirror(scratch: &Path) -> Option<String> {
    if let Ok(mirror) = env::var(MIRROR_VAR) {
        if !mirror.is_empty() {
            return Some(mirror);
        }
    }
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)"]);
    let text = proc::output("ask apt for the machine's mirror", &mut command).ok()?;
    let mirror = text
        .lines()
        .find_map(|line| line.strip_prefix("Debian|Debian|"))?
        .trim_end_matches('/')
        .to_owned();

    let mut probe = Command::new("/usr/lib/apt/apt-helper");
    probe
        .arg("download-file")
        .arg(format!("{mirror}/dists/{SUITE}/InRelease"))
        .arg(scratch.join("InRelease"));
    let has_suite = proc::output("look for the suite", &mut probe).is_ok();
    let _ = fs::remove_file(scratch.join("InRelease"));
    has_suite.then_some(mirror)
}

impl Root {
    /// Returns the mirror that the root was made from.
    ///
    /// # Errors
    ///
    /// Fails if the root names none.
    pub fn mirror(&self) -> Result<String> {
        let etc = self.fs.join("etc/apt");
        let mut files = vec![etc.join("sources.list")];
        if let Ok(entries) = fs::read_dir(etc.join("sources.list.d")) {
            files.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        }
        files
            .iter()
            .filter_map(|file| fs::read_to_string(file).ok())
            .find_map(|text| {
                text.lines()
                    .filter(|line| line.starts_with("deb ") || line.starts_with("URIs:"))
                    .flat_map(str::split_whitespace)
                    .find(|word| word.contains(":/"))
                    .map(str::to_owned)
            })
            .with_context(|| format!("no mirror is named in {}", etc.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mirror_is_read_from_both_formats() {
        for text in [
            "deb [signed-by=\"/k.gpg\"] http://mirror.test/debian forky main\n",
            "Types: deb\nURIs: http://mirror.test/debian\nSuites: forky\n",
        ] {
            let dir = tempfile::tempdir().expect("a folder");
            let etc = dir.path().join("etc/apt/sources.list.d");
            fs::create_dir_all(&etc).expect("a folder");
            fs::write(etc.join("x.sources"), text).expect("a file");
            let root = Root {
                key: "k.1".into(),
                fs: dir.path().into(),
            };
            assert_eq!(
                root.mirror().expect("a mirror"),
                "http://mirror.test/debian"
            );
        }
    }

    #[test]
    fn roots_are_numbered() {
        assert_eq!(number("0123.17"), Some(17));
        assert_eq!(number("0123.17.tmp-1-0"), None);
        assert_eq!(number("0123"), None);
    }
}
