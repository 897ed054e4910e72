// SPDX-License-Identifier: GPL-2.0

//! QEMU: a PC, with the devices that a test asks for.
//!
//! QEMU is that of the Debian root and runs in the sandbox, so it sees what is
//! bound there and nothing else. It uses KVM if a kernel boots with it here;
//! there are machines that have `/dev/kvm`, and on which a guest gets nowhere.

use super::{Boot, Device, Machine, Share, qmp};
use crate::{
    atomic,
    context::Lab,
    kernel::Built,
    proc::{self, Job},
    sandbox::Sandbox,
};
use anyhow::{Context, Result};
use guest_protocol::Mount;
use serde::{Deserialize, Serialize};
use std::{
    fs::{self, File, OpenOptions},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Where QEMU sees the folders that it shows the guest.
const SHARES: &str = "/tmp/share";

/// Where QEMU sees the kernel and the initial RAM disk.
const KERNEL: &str = "/tmp/kernel";
const INITRD: &str = "/tmp/initrd";

/// The node by which KVM is used.
const KVM: &str = "/dev/kvm";

/// How long the kernel may take to find out that it has no root.
const PROBE_LIMIT: Duration = Duration::from_secs(20);

/// What it says then.
const PROBE_END: &str = "Kernel panic - not syncing: VFS: Unable to mount root fs";

/// Changes whenever the host is booted.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// Who executes the guest's instructions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Accelerator {
    Kvm,
    Tcg,
}

/// What is recorded of the probe.
#[derive(Debug, Deserialize, Serialize)]
struct Probed {
    /// The boot of the host in which it was made.
    boot: String,
    /// Whether a kernel boots with KVM.
    works: bool,
}

/// Boots a kernel in QEMU.
#[derive(Clone, Debug)]
pub struct Qemu {
    image: PathBuf,
    root: PathBuf,
    accelerator: Accelerator,
}

impl Qemu {
    /// A machine that boots the kernel of `built`.
    ///
    /// Boots it once to find out whether KVM works, unless that is known.
    ///
    /// # Errors
    ///
    /// Fails if what was found out cannot be recorded, or if we are
    /// interrupted.
    pub fn new(lab: &Lab, built: &Built) -> Result<Self> {
        let mut qemu = Self {
            image: built.image(),
            root: built.root.clone(),
            accelerator: Accelerator::Tcg,
        };
        if OpenOptions::new().read(true).write(true).open(KVM).is_err() {
            return Ok(qemu);
        }
        let path = lab.cache.dir().join("kvm.json");
        let boot = fs::read_to_string(BOOT_ID).unwrap_or_default();
        let known = fs::read(&path)
            .ok()
            .and_then(|text| serde_json::from_slice::<Probed>(&text).ok())
            .filter(|known| known.boot == boot);
        let works = match known {
            Some(known) => known.works,
            None => {
                let step = lab.ui.step("see whether KVM works", None);
                let works = qemu.probe(built)?;
                step.done(if works { "it does" } else { "it does not" });
                atomic::write(&path, &serde_json::to_vec(&Probed { boot, works })?)?;
                works
            }
        };
        if works {
            qemu.accelerator = Accelerator::Kvm;
        }
        Ok(qemu)
    }

    /// QEMU in a sandbox with the kernel in place, ready for devices.
    fn qemu(&self, accelerator: Accelerator, sandbox: Sandbox) -> Command {
        let sandbox = sandbox.ro_bind(&self.image, KERNEL);
        let (sandbox, name) = match accelerator {
            Accelerator::Kvm => (sandbox.device(KVM), "kvm"),
            Accelerator::Tcg => (sandbox, "tcg,thread=multi"),
        };
        let mut command = sandbox.command("qemu-system-x86_64");
        command
            .args(["-nodefaults", "-no-user-config", "-no-reboot"])
            .args(["-display", "none", "-vga", "none"])
            .args(["-machine", "q35", "-accel", name, "-cpu", "max"])
            .args(["-smp", "2", "-kernel", KERNEL])
            .args(["-chardev", "stdio,id=console,signal=off"])
            .args(["-serial", "chardev:console"]);
        command
    }

    /// Boots the kernel with KVM and without a root; tells whether it gets as
    /// far as missing that.
    fn probe(&self, built: &Built) -> Result<bool> {
        fs::create_dir_all(&built.runs)?;
        let dir = tempfile::Builder::new()
            .prefix(&atomic::mark("kvm"))
            .tempdir_in(&built.runs)?;
        let log = dir.path().join("console.log");
        let out = File::create(&log).with_context(|| format!("{}", log.display()))?;
        let mut command = self.qemu(Accelerator::Kvm, Sandbox::new(&self.root));
        command
            .args(["-m", "512M", "-append", "console=ttyS0 panic=-1"])
            .stdin(Stdio::null())
            .stdout(out.try_clone()?)
            .stderr(out);
        let mut job = Job::start(&mut command)?;
        let began = Instant::now();
        while job.try_wait()?.is_none() && began.elapsed() < PROBE_LIMIT {
            proc::check()?;
            thread::sleep(Duration::from_millis(50));
        }
        drop(job);
        let text = fs::read(&log).with_context(|| format!("{}", log.display()))?;
        Ok(String::from_utf8_lossy(&text).contains(PROBE_END))
    }
}

impl Machine for Qemu {
    fn name(&self) -> &'static str {
        match self.accelerator {
            Accelerator::Kvm => "qemu with KVM",
            Accelerator::Tcg => "qemu",
        }
    }

    fn mount(&self, share: &Share) -> Result<Mount> {
        // What the host writes meanwhile is in the folders that the guest may
        // write to: the others can be cached for good.
        let cache = if share.read_only { "loose" } else { "none" };
        Ok(Mount {
            target: share.inside.into(),
            fstype: "9p".into(),
            source: share.tag.into(),
            data: format!("trans=virtio,version=9p2000.L,msize=262144,cache={cache}"),
            read_only: share.read_only,
        })
    }

    fn command(&self, boot: &Boot, initrd: &Path, shares: &[Share]) -> Result<Command> {
        let mut sandbox = Sandbox::new(&self.root).ro_bind(initrd, INITRD);
        for share in shares {
            let inside = format!("{SHARES}/{}", share.tag);
            sandbox = if share.read_only {
                sandbox.ro_bind(&share.outside, &inside)
            } else {
                sandbox.bind(&share.outside, &inside)
            };
        }
        let mut command = self.qemu(self.accelerator, sandbox);
        let memory = format!("{}M", boot.memory);
        command
            .args(["-m", &memory, "-initrd", INITRD])
            // Memory that the process of a device model can map as well.
            .arg("-object")
            .arg(format!(
                "memory-backend-memfd,id=memory,size={memory},share=on"
            ))
            .args(["-machine", "memory-backend=memory"])
            .arg("-qmp")
            .arg(format!(
                "unix:{SHARES}/run/{},server=on,wait=off",
                qmp::SOCKET
            ));
        for share in shares {
            let (tag, read_only) = (share.tag, if share.read_only { "on" } else { "off" });
            command
                .arg("-fsdev")
                .arg(format!(
                    "local,id={tag},path={SHARES}/{tag},security_model=none,multidevs=remap,\
                     readonly={read_only}"
                ))
                .arg("-device")
                .arg(format!("virtio-9p-pci,fsdev={tag},mount_tag={tag}"));
        }
        for Device::Emulated(device) in &boot.devices {
            command.args(["-device", device]);
        }
        // KTAP is printed at the level "info".
        let mut words = vec![
            "console=ttyS0".to_owned(),
            "panic=-1".into(),
            "loglevel=7".into(),
        ];
        if self.accelerator == Accelerator::Tcg {
            // The emulated counter runs on while QEMU does not; on a busy
            // machine the kernel takes it for many times slower than it is.
            words.push("tsc=unstable".into());
        }
        words.extend(boot.arguments.iter().cloned());
        command.args(["-append", &words.join(" ")]);
        Ok(command)
    }
}

/// Returns where QEMU sees the file `name` of the folder of the boot.
pub fn run_file(name: &str) -> String {
    format!("{SHARES}/run/{name}")
}
