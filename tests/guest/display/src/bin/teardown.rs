// SPDX-License-Identifier: GPL-2.0

//! Leaves a DRM device at the worst moment for the module of its driver to be unloaded.
//!
//! The driver is loaded already. What is left in flight when this program ends is for the next
//! step to run into, which unloads the module.

use anyhow::{Context, Result, bail, ensure};
use clap::{Parser, ValueEnum};
use display::card::Card;
use display::crc::Stream;
use display::flip;
use display::output::{Framebuffer, Output};
use rustix::io::Errno;
use rustix::ioctl::{Updater, ioctl, opcode};
use rustix::system::delete_module;
use std::ffi::CString;
use std::os::fd::AsFd;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// `O_NONBLOCK`, as delete_module(2) wants it.
const NONBLOCK: i32 = 0o4000;

/// How long anything may take.
const LIMIT: Duration = Duration::from_secs(20);

/// Leave a DRM device with work in flight.
#[derive(Parser)]
struct Arguments {
    /// Name of the DRM driver.
    #[arg(long, default_value = "vkms")]
    driver: String,
    /// Name of its module.
    #[arg(long)]
    module: String,
    /// What to do.
    scene: Scene,
}

/// What to do before the module is unloaded.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scene {
    /// Flip to a framebuffer that stays on the screen, without waiting, and go.
    Flip,
    /// The same, with framebuffers that go away when the file is closed.
    Close,
    /// Flip, with CRCs being read, and get killed.
    Killed,
    /// The module stays as long as the device, or its CRC file, is open.
    Held,
    /// Flip, and kill the program that unloads the module meanwhile.
    Interrupted,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("teardown: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let card = Card::open(&arguments.driver)?;
    let output = Output::first_connected(&card)?;
    let (width, height) = output.size();
    let one = Framebuffer::new(&card, width, height)?;
    let two = Framebuffer::new(&card, width, height)?;

    output.enable(&card, &one)?;
    let stream = match arguments.scene {
        Scene::Killed | Scene::Held => Stream::open(card.minor(), output.crtc_index())?,
        _ => None,
    };
    // Some frames, so that the timer and the composer are busy.
    for fb in [&two, &one, &two] {
        output.flip(&card, fb)?;
        flip::wait(&card, output.crtc(), LIMIT)?;
    }

    match arguments.scene {
        Scene::Close => output.flip(&card, &one),
        Scene::Flip => leave(&card, &output, &one, &two),
        Scene::Killed => {
            output.flip(&card, &one)?;
            kill_myself()
        }
        Scene::Held => {
            refused(&arguments.module).context("with the device open")?;
            // A framebuffer that is closed stays on the screen, and with it the CRTC is on.
            leave(&card, &output, &one, &two)?;
            drop(card);
            if let Some(mut stream) = stream {
                refused(&arguments.module).context("with the CRC file open")?;
                stream.wait(LIMIT, |_| true)?;
            }
            Ok(())
        }
        Scene::Interrupted => {
            leave(&card, &output, &one, &two)?;
            drop(card);
            interrupted(&arguments.module)
        }
    }
}

/// Flips without waiting, to a framebuffer that stays on the screen when the file is closed.
fn leave(card: &Card, output: &Output, one: &Framebuffer, two: &Framebuffer) -> Result<()> {
    output.flip(card, one)?;
    flip::wait(card, output.crtc(), LIMIT)?;
    close(card, one)?;
    output.flip(card, two)?;
    close(card, two)
}

/// `struct drm_mode_closefb`.
#[repr(C)]
struct CloseFb {
    fb_id: u32,
    pad: u32,
}

/// Gives up the client's hold of a framebuffer, which stays on the screen.
fn close(card: &Card, fb: &Framebuffer) -> Result<()> {
    const CLOSEFB: rustix::ioctl::Opcode = opcode::read_write::<CloseFb>(b'd', 0xd0);

    let mut argument = CloseFb {
        fb_id: fb.handle().into(),
        pad: 0,
    };
    // SAFETY: The number of the ioctl goes with its argument.
    unsafe {
        ioctl(
            card.as_fd(),
            Updater::<CLOSEFB, CloseFb>::new(&mut argument),
        )
    }
    .context("DRM_IOCTL_MODE_CLOSEFB")
}

/// Ends this program as a crash does.
fn kill_myself() -> Result<()> {
    let status = Command::new("kill")
        .args(["-KILL", &std::process::id().to_string()])
        .status();

    bail!("still alive after kill: {status:?}")
}

/// Checks that the module cannot be unloaded.
fn refused(module: &str) -> Result<()> {
    let name = CString::new(module)?;

    match delete_module(&name, NONBLOCK) {
        Err(Errno::AGAIN) => Ok(()),
        other => bail!("unloading {module}: {other:?}"),
    }
}

/// Unloads the module by a program that is killed at once. A kernel that has begun to unload goes
/// on to the end.
fn interrupted(module: &str) -> Result<()> {
    let mut child = Command::new("rmmod")
        .arg(module)
        .stdin(Stdio::null())
        .spawn()
        .context("starting rmmod")?;
    let loaded = Path::new("/sys/module").join(module);
    let began = Instant::now();

    // The state says when the kernel has begun.
    while child.try_wait()?.is_none() {
        let state = std::fs::read_to_string(loaded.join("initstate")).unwrap_or_default();

        if state.trim() == "going" || began.elapsed() > LIMIT {
            break;
        }
        sleep(Duration::from_micros(100));
    }
    let _ = child.kill();
    child.wait()?;
    while loaded.exists() {
        ensure!(began.elapsed() < LIMIT, "{module} is still there");
        sleep(Duration::from_millis(1));
    }
    Ok(())
}
