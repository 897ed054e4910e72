// SPDX-License-Identifier: GPL-2.0

//! The first process of a guest.
//!
//! It is the only program of the initial RAM disk. It mounts what the plan beside it names, makes
//! the real root the root, carries out the steps and powers off. Whatever goes wrong before there
//! is a place for results is told on the console.

mod console;
mod events;
mod leaks;
mod mounts;
mod process;
mod steps;

use anyhow::{Context, Result};
use guest_protocol::{Event, PLAN_PATH, Plan};
use nix::sys::reboot::{RebootMode, reboot};

/// What the guest calls itself.
const HOST_NAME: &str = "lab";

fn main() {
    if let Err(error) = run() {
        console::say(&format!("lab: guest: {error:#}"));
    }
    nix::unistd::sync();
    let Err(error) = reboot(RebootMode::RB_POWER_OFF);
    console::say(&format!("lab: guest: power off: {error}"));
}

fn run() -> Result<()> {
    mounts::early()?;
    let text = std::fs::read(PLAN_PATH).context("reading the plan")?;
    let plan: Plan = serde_json::from_slice(&text).context("reading the plan")?;
    mounts::switch_root(&plan.root)?;
    mounts::in_root()?;
    for mount in &plan.mounts {
        mounts::mount(mount, &mount.target)?;
    }
    for node in &plan.hide {
        match std::fs::remove_file(node) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("removing {}", node.display()));
            }
            _ => {}
        }
    }
    nix::unistd::sethostname(HOST_NAME).context("setting the host name")?;
    let mut events = events::Log::create(&plan.results)?;
    let kernel = nix::sys::utsname::uname().context("uname")?;
    events.write(&Event::Booted {
        at_ms: events::now_ms(),
        kernel: kernel.release().to_string_lossy().into_owned(),
    })?;
    steps::Runner::new(&plan.results, &mut events)?.run(&plan.steps)?;
    events.write(&Event::Done {
        at_ms: events::now_ms(),
    })
}
