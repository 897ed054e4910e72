// SPDX-License-Identifier: GPL-2.0

//! Files and folders that exist whole or not at all.
//!
//! A thing is made beside its place, under a name that says who makes it, and
//! renamed. What a dead process left half-made is never mistaken for a
//! finished thing, and [`sweep`] removes it.

use crate::proc;
use anyhow::{Context, Result, anyhow};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::SystemTime,
};

/// What stands between the name and the process in the name of a half-made
/// thing.
const MARK: &str = ".tmp-";

/// Sets apart the half-made things of one process.
static COUNT: AtomicU32 = AtomicU32::new(0);

fn half_made(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    name.push(format!("{MARK}{}-{count}", std::process::id()));
    path.with_file_name(name)
}

/// Returns how the name of a folder begins that [`sweep`] removes when this
/// process is dead.
pub fn mark(name: &str) -> String {
    format!("{name}{MARK}{}-", std::process::id())
}

/// Makes the folder `path` by having `fill` fill a new one. If `fill` fails,
/// nothing is left behind.
///
/// # Errors
///
/// Fails if `fill` does, or if `path` cannot be put in place.
pub fn make_dir<T>(path: &Path, fill: impl FnOnce(&Path) -> Result<T>) -> Result<T> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).with_context(|| format!("{}", parent.display()))?;
        sweep(parent)?;
    }
    let half = half_made(path);
    fs::create_dir(&half).with_context(|| format!("{}", half.display()))?;
    let result = fill(&half).and_then(|value| {
        fs::rename(&half, path)
            .with_context(|| format!("cannot rename {} to {}", half.display(), path.display()))?;
        Ok(value)
    });
    if result.is_err() {
        let _ = fs::remove_dir_all(&half);
    }
    result
}

/// Writes the file `path`, making the folders above it.
///
/// # Errors
///
/// Fails if that does; an old file of that name then stays.
pub fn write(path: &Path, data: &[u8]) -> Result<()> {
    write_with(path, data, 0o644, None)
}

/// Writes the file `path` with the permissions `mode` and, if given, the time
/// of modification `mtime`. The file is a new one: an old file of that name
/// that has other links keeps its contents there.
///
/// # Errors
///
/// See [`write()`].
pub fn write_with(path: &Path, data: &[u8], mode: u32, mtime: Option<SystemTime>) -> Result<()> {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};

    let half = half_made(path);
    let result = (|| {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&half)?;
        file.write_all(data)?;
        if let Some(mtime) = mtime {
            file.set_modified(mtime)?;
        }
        fs::rename(&half, path)
    })();
    result.map_err(|err: io::Error| {
        let _ = fs::remove_file(&half);
        anyhow!(err).context(format!("cannot write {}", path.display()))
    })
}

/// Removes the file or folder `path`, if it exists. A folder is renamed first,
/// so that an interrupted removal does not leave half of it in place.
///
/// # Errors
///
/// Fails if something cannot be removed.
pub fn remove(path: &Path) -> Result<()> {
    let context = || format!("cannot remove {}", path.display());
    let kind = match fs::symlink_metadata(path) {
        Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(context)?,
    };
    if !kind.is_dir() {
        return fs::remove_file(path).with_context(context);
    }
    let half = half_made(path);
    fs::rename(path, &half).with_context(context)?;
    fs::remove_dir_all(&half).with_context(context)
}

/// Removes what dead processes left half-made in the folder `dir`.
///
/// # Errors
///
/// Fails if `dir` cannot be read or something cannot be removed.
pub fn sweep(dir: &Path) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{}", dir.display()))? {
        let path = entry?.path();
        if maker(&path).is_some_and(|pid| !alive(pid)) {
            proc::check()?;
            let removed = if path.is_dir() {
                fs::remove_dir_all(&path)
            } else {
                fs::remove_file(&path)
            };
            removed.with_context(|| format!("cannot remove the leftover {}", path.display()))?;
        }
    }
    Ok(())
}

/// Returns the process that makes, or made, the half-made thing `path`.
fn maker(path: &Path) -> Option<i32> {
    let name = path.file_name()?.to_str()?;
    let (_, tail) = name.rsplit_once(MARK)?;
    tail.split('-').next()?.parse().ok()
}

fn alive(pid: i32) -> bool {
    let pid = nix::unistd::Pid::from_raw(pid);
    // A process of another user is alive as well.
    nix::sys::signal::kill(pid, None) != Err(nix::errno::Errno::ESRCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_leaves_nothing() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("thing");
        let result: Result<()> = make_dir(&path, |half| {
            assert!(half.is_dir() && half != path);
            fs::write(half.join("file"), "x")?;
            anyhow::bail!("no")
        });
        assert!(result.is_err());
        assert_eq!(fs::read_dir(dir.path()).expect("entries").count(), 0);

        make_dir(&path, |half| Ok(fs::write(half.join("file"), "x")?)).expect("success");
        assert!(path.join("file").is_file());
        assert_eq!(fs::read_dir(dir.path()).expect("entries").count(), 1);
    }

    #[test]
    fn leftovers_of_the_dead_go_and_those_of_the_living_stay() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut dead = std::process::Command::new("true").spawn().expect("a child");
        let pid = dead.id();
        dead.wait().expect("its end");
        let gone = dir.path().join(format!("a{MARK}{pid}-0"));
        let stays = dir.path().join(format!("b{MARK}{}-0", std::process::id()));
        fs::create_dir(&gone).expect("a folder");
        fs::create_dir(&stays).expect("a folder");

        sweep(dir.path()).expect("success");
        assert!(!gone.exists());
        assert!(stays.exists());
    }

    #[test]
    fn writing_does_not_reach_other_links() {
        let dir = tempfile::tempdir().expect("a folder");
        let one = dir.path().join("one");
        let two = dir.path().join("two");
        fs::write(&one, "old").expect("a file");
        fs::hard_link(&one, &two).expect("a link");

        write(&two, b"new").expect("success");
        assert_eq!(fs::read_to_string(&one).expect("text"), "old");
        assert_eq!(fs::read_to_string(&two).expect("text"), "new");
    }
}
