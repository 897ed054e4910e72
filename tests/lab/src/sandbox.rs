// SPDX-License-Identifier: GPL-2.0

//! Commands inside the Debian root, by bubblewrap.
//!
//! The kernel source is always at `/src` and its build output at `/out`, so
//! that what is built names neither the checkout nor the cache, and stays
//! valid when it is copied to the workspace of another checkout.

use std::{
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
    process::Command,
};

/// The search path inside.
const PATH: &str = "/usr/sbin:/usr/bin:/sbin:/bin";

/// What a command inside the root sees.
#[derive(Clone, Debug)]
pub struct Sandbox {
    args: Vec<OsString>,
    dir: PathBuf,
}

impl Sandbox {
    /// Starts from the Debian root `root`, read-only, with its own `/dev`,
    /// `/proc` and `/tmp` and the network of the machine.
    pub fn new(root: &Path) -> Self {
        Self::with_root(root, "--ro-bind")
    }

    /// Like [`Sandbox::new`], with a root that can be written to.
    pub fn writable(root: &Path) -> Self {
        Self::with_root(root, "--bind")
    }

    fn with_root(root: &Path, how: &str) -> Self {
        let mut sandbox = Self {
            args: Vec::new(),
            dir: "/".into(),
        };
        if !nix::unistd::geteuid().is_root() {
            sandbox.args(["--unshare-user", "--uid", "0", "--gid", "0"]);
        }
        sandbox.args(["--unshare-pid", "--unshare-ipc", "--die-with-parent"]);
        sandbox.args([OsStr::new(how), root.as_os_str(), OsStr::new("/")]);
        sandbox.args(["--dev", "/dev", "--proc", "/proc", "--tmpfs", "/tmp"]);
        // The machine's resolver is often a link to a place that does not exist
        // inside.
        if let Ok(resolver) = Path::new("/etc/resolv.conf").canonicalize() {
            sandbox.args([
                OsStr::new("--ro-bind"),
                resolver.as_os_str(),
                OsStr::new("/etc/resolv.conf"),
            ]);
        }
        sandbox.args(["--clearenv"]);
        let sandbox = sandbox
            .env("PATH", PATH)
            .env("HOME", "/tmp")
            .env("LC_ALL", "C.UTF-8")
            .env("TERM", "dumb")
            // The source is read-only.
            .env("PYTHONDONTWRITEBYTECODE", "1");
        // A proxy that the machine needs is needed inside, too.
        ["http_proxy", "https_proxy", "no_proxy"]
            .iter()
            .filter_map(|name| Some((name, std::env::var_os(name)?)))
            .fold(sandbox, |sandbox, (name, value)| sandbox.env(name, value))
    }

    fn args<S: Into<OsString>>(&mut self, args: impl IntoIterator<Item = S>) {
        self.args.extend(args.into_iter().map(Into::into));
    }

    /// Makes `outside` appear at `inside`.
    pub fn bind(mut self, outside: &Path, inside: &str) -> Self {
        self.args([
            OsStr::new("--bind"),
            outside.as_os_str(),
            OsStr::new(inside),
        ]);
        self
    }

    /// Makes `outside` appear at `inside`, read-only.
    pub fn ro_bind(mut self, outside: &Path, inside: &str) -> Self {
        self.args([
            OsStr::new("--ro-bind"),
            outside.as_os_str(),
            OsStr::new(inside),
        ]);
        self
    }

    /// Lets the device node `path` of the machine be used.
    pub fn device(mut self, path: &str) -> Self {
        self.args(["--dev-bind", path, path]);
        self
    }

    /// Sets a variable of the environment.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.args([OsStr::new("--setenv"), name.as_ref(), value.as_ref()]);
        self
    }

    /// Sets the working directory.
    pub fn dir(mut self, inside: &str) -> Self {
        self.dir = inside.into();
        self
    }

    /// Returns `program`, ready for arguments, to be run inside.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("bwrap");
        command
            .args(&self.args)
            .arg("--chdir")
            .arg(&self.dir)
            .arg("--")
            .arg(program);
        command
    }
}
