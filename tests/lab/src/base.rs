// SPDX-License-Identifier: GPL-2.0

//! The stock kernel source: Debian's `linux-source-7.3`, the newest that any
//! suite has, or an archive that the user names.

use crate::{
    atomic,
    cache::hex,
    checkout::SERIES,
    context::Lab,
    host,
    lock::Lock,
    proc,
    root::{Root, SUITE},
    sandbox::Sandbox,
    ui::Step,
};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

/// The suites that may have the package, the likeliest first.
const SUITES: [&str; 4] = ["experimental", "sid", SUITE, "stable-backports"];

/// Bytes that the source takes, with some to spare while it is unpacked.
pub const ROOM: u64 = 3 * host::GIB;

/// Where the source came from.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
pub struct Origin {
    /// The package, or the name of the archive.
    pub package: String,
    /// The package's version, or the kernel's.
    pub version: String,
    /// SHA-256 of the package or archive.
    pub sha256: String,
}

/// A stock source that is there.
#[derive(Clone, Debug)]
pub struct Base {
    /// Names the source in the cache.
    pub key: String,
    /// The source tree.
    pub tree: PathBuf,
    /// Where it came from.
    pub origin: Origin,
}

/// Which source to take.
#[derive(Clone, Copy, Debug, Default)]
pub struct Want<'a> {
    /// Look whether a newer package has come out.
    pub newest: bool,
    /// Take this archive.
    pub archive: Option<&'a Path>,
}

/// Returns the source to build from, fetching it if need be.
///
/// # Errors
///
/// Fails if it cannot be fetched or unpacked.
pub fn ensure(lab: &Lab, root: &Root, want: Want<'_>) -> Result<Base> {
    let fixed = !want.newest && want.archive.is_none();
    if let (true, Some(base)) = (fixed, current(lab)) {
        return Ok(base);
    }
    let _lock = Lock::take(&lab.cache.locks(), "the kernel source", &lab.ui)?;
    if let (true, Some(base)) = (fixed, current(lab)) {
        return Ok(base);
    }
    let origin = match want.archive {
        Some(archive) => unpack_archive(lab, root, archive)?,
        None => fetch(lab, root)?,
    };
    let key = key(&origin);
    atomic::write(
        &pointer(lab),
        serde_json::to_string_pretty(&origin)?.as_bytes(),
    )?;
    find(lab, &key).with_context(|| format!("the kernel source {key} has gone"))
}

/// Returns the source called `key`, if it is there.
pub fn find(lab: &Lab, key: &str) -> Option<Base> {
    let dir = lab.cache.bases().join(key);
    let origin = fs::read(dir.join("origin.json")).ok()?;
    Some(Base {
        key: key.into(),
        tree: dir.join("linux"),
        origin: serde_json::from_slice(&origin).ok()?,
    })
}

/// The file that says which source was taken last.
fn pointer(lab: &Lab) -> PathBuf {
    lab.cache.bases().join("current.json")
}

fn current(lab: &Lab) -> Option<Base> {
    let origin = fs::read(pointer(lab)).ok()?;
    let origin: Origin = serde_json::from_slice(&origin).ok()?;
    find(lab, &key(&origin))
}

fn key(origin: &Origin) -> String {
    let start = origin.sha256.get(..12).unwrap_or(&origin.sha256);
    format!("{}-{start}", origin.version.replace('/', "_"))
}

/// Fetches the newest package and unpacks it.
fn fetch(lab: &Lab, root: &Root) -> Result<Origin> {
    let package = format!("linux-source-{SERIES}");
    let step = lab.ui.step("kernel source", None);
    host::need_room(lab.cache.dir(), ROOM, "the kernel source")?;

    let dir = lab.cache.dir().join("downloads");
    fs::create_dir_all(&dir)?;
    atomic::sweep(&dir)?;
    let scratch = dir.join("apt");
    let (version, deb) = atomic::make_dir(&scratch, |scratch| {
        download(lab, root, &package, scratch, &dir, &step)
    })?;
    atomic::remove(&scratch)?;

    let origin = Origin {
        package,
        version,
        sha256: sha256_file(&deb)?,
    };
    unpack(lab, root, &origin, &deb, &step)?;
    // The tree is there; the package would only take room.
    atomic::remove(&deb)?;
    step.done(&format!("{} {}", origin.package, origin.version));
    Ok(origin)
}

/// Downloads the newest version of `package` to `to`, by the root's apt with
/// state of its own in `scratch`. apt checks the signatures.
fn download(
    lab: &Lab,
    root: &Root,
    package: &str,
    scratch: &Path,
    to: &Path,
    step: &Step,
) -> Result<(String, PathBuf)> {
    let mirror = root.mirror()?;
    for dir in ["state/lists/partial", "cache/archives/partial", "deb"] {
        fs::create_dir_all(scratch.join(dir))?;
    }
    let sources: String = SUITES
        .iter()
        .map(|suite| format!("deb {mirror} {suite} main\n"))
        .collect();
    fs::write(scratch.join("sources.list"), sources)?;
    fs::write(
        scratch.join("apt.conf"),
        "Dir::State \"/out/state\";\n\
         Dir::State::status \"/var/lib/dpkg/status\";\n\
         Dir::Cache \"/out/cache\";\n\
         Dir::Etc::SourceList \"/out/sources.list\";\n\
         Dir::Etc::SourceParts \"-\";\n\
         Acquire::Check-Valid-Until \"false\";\n\
         Acquire::Languages \"none\";\n\
         Acquire::Retries \"3\";\n\
         APT::Sandbox::User \"root\";\n",
    )?;
    let sandbox = Sandbox::new(&root.fs)
        .bind(scratch, "/out")
        .env("APT_CONFIG", "/out/apt.conf")
        .dir("/out/deb");
    let log = lab.cache.dir().join("logs/source.log");

    // Not every mirror has every suite: what counts is whether one of them has
    // the package.
    step.note("reading the package lists");
    let updated = proc::run_logged(
        "read the package lists",
        sandbox.command("apt-get").arg("update"),
        &log,
        |line| step.note(line),
    );
    proc::check()?;
    let madison = proc::output(
        "look for the kernel source",
        sandbox.command("apt-cache").args(["madison", package]),
    )?;
    let versions = versions(&madison);
    let Some(version) = newest(&sandbox, &versions)? else {
        updated?;
        bail!(
            "no suite of {mirror} ({}) has {package}: set DRM_RUST_MIRROR to a mirror that has it, \
             or give a kernel archive by `./lab prepare --base FILE`",
            SUITES.join(", "),
        );
    };

    step.note(&format!("downloading {package} {version}"));
    proc::run_logged(
        "download the kernel source",
        sandbox
            .command("apt-get")
            .args(["download", &format!("{package}={version}")]),
        &log,
        |line| step.note(line),
    )?;
    let deb = fs::read_dir(scratch.join("deb"))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ext| ext == "deb"))
        .context("apt-get download left no package")?;
    let path = to.join(format!("{package}_{version}.deb"));
    fs::rename(&deb, &path)?;
    Ok((version, path))
}

/// Returns the versions that `apt-cache madison` lists.
fn versions(madison: &str) -> Vec<String> {
    madison
        .lines()
        .filter_map(|line| Some(line.split('|').nth(1)?.trim().to_owned()))
        .collect()
}

/// Returns the newest of `versions`, as dpkg orders them.
fn newest(sandbox: &Sandbox, versions: &[String]) -> Result<Option<String>> {
    let mut newest: Option<&String> = None;
    for version in versions {
        let newer = match newest {
            None => true,
            Some(newest) => {
                let mut compare = sandbox.command("dpkg");
                compare.args(["--compare-versions", version, "gt", newest]);
                proc::output("compare versions", &mut compare).is_ok()
            }
        };
        proc::check()?;
        if newer {
            newest = Some(version);
        }
    }
    Ok(newest.cloned())
}

/// Takes a kernel archive that the user has.
fn unpack_archive(lab: &Lab, root: &Root, archive: &Path) -> Result<Origin> {
    let archive = archive
        .canonicalize()
        .with_context(|| format!("{}", archive.display()))?;
    let name = archive
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let step = lab.ui.step("kernel source", None);
    host::need_room(lab.cache.dir(), ROOM, "the kernel source")?;
    let origin = Origin {
        version: SERIES.into(),
        sha256: sha256_file(&archive)?,
        package: name,
    };
    unpack(lab, root, &origin, &archive, &step)?;
    step.done(&origin.package);
    Ok(origin)
}

/// Unpacks the package or archive `file`, unless that has been done.
fn unpack(lab: &Lab, root: &Root, origin: &Origin, file: &Path, step: &Step) -> Result<()> {
    let dir = lab.cache.bases().join(key(origin));
    if dir.exists() {
        return Ok(());
    }
    let parent = file.parent().context("the archive is in no folder")?;
    let name = file.file_name().context("the archive has no name")?;
    let log = lab.cache.dir().join("logs/source.log");
    step.note("unpacking");
    atomic::make_dir(&dir, |dir| {
        let tree = dir.join("linux");
        fs::create_dir(&tree)?;
        let sandbox = Sandbox::new(&root.fs)
            .bind(dir, "/out")
            .ro_bind(parent, "/src")
            .dir("/out");
        let mut command = sandbox.command("bash");
        command
            .args([
                "-c",
                "set -e -o pipefail\n\
                 case $1 in\n\
                 *.deb)\n\
                 \tdpkg-deb --fsys-tarfile \"/src/$1\" | tar -x --no-same-owner ./usr/src\n\
                 \tarchive=$(echo usr/src/linux-source-*.tar.*) ;;\n\
                 *) archive=/src/$1 ;;\n\
                 esac\n\
                 tar -x --no-same-owner --strip-components=1 -C linux -f \"$archive\"\n\
                 rm -rf usr",
                "unpack",
            ])
            .arg(name);
        proc::run_logged("unpack the kernel source", &mut command, &log, |_| ())?;
        check_series(&tree)?;
        let text = serde_json::to_string_pretty(origin)?;
        atomic::write(&dir.join("origin.json"), text.as_bytes())
    })
}

/// Fails unless `tree` is a kernel of our series.
fn check_series(tree: &Path) -> Result<()> {
    let makefile = fs::read_to_string(tree.join("Makefile"))
        .context("this is no kernel source: it has no Makefile")?;
    let value = |name: &str| {
        makefile.lines().find_map(|line| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == name).then(|| value.trim().to_owned())
        })
    };
    let series = match (value("VERSION"), value("PATCHLEVEL")) {
        (Some(version), Some(level)) => format!("{version}.{level}"),
        _ => bail!("this is no kernel source: its Makefile names no version"),
    };
    if series != SERIES {
        bail!("this is the source of Linux {series}, not {SERIES}");
    }
    Ok(())
}

fn sha256_file(path: &Path) -> Result<String> {
    let mut file = File::open(path).with_context(|| format!("{}", path.display()))?;
    let mut hash = Sha256::new();
    io::copy(&mut file, &mut hash).with_context(|| format!("{}", path.display()))?;
    Ok(hex(&hash.finalize()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        let text = "linux-source-7.3 | 7.3~rc7-1~exp1 | mirror experimental/main amd64 Packages\n\
                    linux-source-7.3 | 7.3.2-1 | mirror sid/main amd64 Packages\n";
        assert_eq!(versions(text), ["7.3~rc7-1~exp1", "7.3.2-1"]);
    }

    #[test]
    fn another_series_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let makefile = dir.path().join("Makefile");
        assert!(check_series(dir.path()).is_err());
        fs::write(&makefile, "VERSION = 6\nPATCHLEVEL = 12\n").expect("a file");
        let err = check_series(dir.path()).expect_err("another series");
        assert!(err.to_string().contains("6.12"));
        fs::write(&makefile, "# x\nVERSION = 7\nPATCHLEVEL = 3\n").expect("a file");
        check_series(dir.path()).expect("our series");
    }
}
