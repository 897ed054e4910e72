// SPDX-License-Identifier: GPL-2.0

//! Creates, enables, uses, disables and removes devices again and again, and keeps what it has
//! opened beyond their end: files, mappings, dma-bufs, CRCs, attributes.
//!
//! Says how often it did so, and fails if the kernel behaved otherwise than it should. Whether the
//! kernel complained or leaked is for others to see.

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Parser;
use display::card::Card;
use display::configured::{self, Configured, Status};
use display::crc::Stream;
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::{Device as _, Mode, PageFlipFlags, connector, crtc, framebuffer};
use memmap2::{MmapMut, MmapOptions};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a CRC may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// The start of the names of the devices.
const PREFIX: &str = "churn";

/// Create and remove devices, with everything held open.
#[derive(Parser)]
struct Arguments {
    /// How many devices.
    #[arg(long, default_value_t = 100)]
    cycles: u32,
    /// How many of the devices that are gone are held on to.
    #[arg(long, default_value_t = 16)]
    held: usize,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("churn: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let before = configured::devices()?;
    let memory = available_memory()?;
    let began = Instant::now();
    let mut slowest = Duration::ZERO;
    let mut held = VecDeque::new();
    for number in 0..arguments.cycles {
        let cycle = Instant::now();
        let used = live(number).with_context(|| format!("cycle {number}"))?;
        held.push_back(used);
        for used in &mut held {
            used.outlive().with_context(|| format!("cycle {number}"))?;
        }
        if held.len() > arguments.held {
            // The files were opened in another order than they are closed in.
            let index = number as usize % held.len();
            held.remove(index);
        }
        slowest = slowest.max(cycle.elapsed());
        if number % 50 == 49 {
            println!("{} cycles", number + 1);
        }
    }
    drop(held);
    let took = began.elapsed();
    let after = configured::devices()?;
    ensure!(after == before, "devices: {after:?}, before: {before:?}");
    println!(
        "cycles: {}, at most {} held, {:.1} s, {:.1} ms each, {:.1} ms at most",
        arguments.cycles,
        arguments.held,
        took.as_secs_f64(),
        took.as_secs_f64() * 1000.0 / f64::from(arguments.cycles.max(1)),
        slowest.as_secs_f64() * 1000.0
    );
    println!(
        "available memory: {} KiB before, {} KiB after",
        memory,
        available_memory()?
    );
    Ok(())
}

/// The life of a device, and its end, in one of several ways.
fn live(number: u32) -> Result<Used> {
    let device = Configured::create(&format!("{PREFIX}-{number}"))?;
    device.set_enabled(true)?;
    ensure!(
        fs::create_dir(device.path("planes/extra")).is_err(),
        "a plane was added to a device that is enabled"
    );
    let used = Used::new(&device)?;
    match number % 4 {
        // In good order.
        0 => {
            device.set_enabled(false)?;
            device.take_apart()?;
        }
        // The configuration goes first, and the device with the last directory.
        1 => device.take_apart()?,
        // Once more, with the same configuration.
        2 => {
            device.set_enabled(false)?;
            device.set_enabled(true)?;
            drop(Used::new(&device)?);
            device.set_enabled(false)?;
            device.take_apart()?;
        }
        // With displays that come and go.
        _ => {
            for status in [
                Status::Disconnected,
                Status::Connected,
                Status::Disconnected,
            ] {
                device.set_status(status)?;
            }
            device.set_enabled(false)?;
            device.take_apart()?;
        }
    }
    device.remove()?;
    Ok(used)
}

/// What a client has of a device.
struct Used {
    card: Card,
    map: MmapMut,
    dma_buf: File,
    crcs: Option<Stream>,
    attribute: File,
    debugfs: File,
}

impl Used {
    /// Shows something on the device, and opens everything.
    fn new(device: &Configured) -> Result<Self> {
        let minor = device.minor()?;
        let card = Card::open_minor(minor)?;
        let (connector, crtc, mode) = output(&card)?;
        let (width, height) = (u32::from(mode.size().0), u32::from(mode.size().1));
        let buffer = card
            .create_dumb_buffer((width, height), DrmFourcc::Xrgb8888, 32)
            .context("DRM_IOCTL_MODE_CREATE_DUMB")?;
        let fb = card
            .add_framebuffer(&buffer, 24, 32)
            .context("DRM_IOCTL_MODE_ADDFB")?;
        let dumb = drm_ffi::mode::dumbbuffer::map(card.as_fd(), buffer.handle().into(), 0, 0)
            .context("DRM_IOCTL_MODE_MAP_DUMB")?;
        // SAFETY: The memory belongs to this process alone; the kernel only reads it.
        let mut map = unsafe {
            MmapOptions::new()
                .offset(dumb.offset)
                .len(buffer.pitch() as usize * height as usize)
                .map_mut(card.as_fd().as_raw_fd())
        }
        .context("mapping a BO")?;
        map.fill(0x5a);
        let dma_buf = card
            .buffer_to_prime_fd(buffer.handle(), 0)
            .context("DRM_IOCTL_PRIME_HANDLE_TO_FD")?;
        show(&card, crtc, connector, fb, mode)?;
        // There are none of a CRTC that is off.
        let mut crcs = Stream::open(minor, 0)?;
        if let Some(crcs) = &mut crcs {
            crcs.wait(PATIENCE, |_| true)?;
        }
        // Its event is never read.
        card.page_flip(crtc, fb, PageFlipFlags::EVENT, None)
            .context("DRM_IOCTL_MODE_PAGE_FLIP")?;
        let enabled = device.path("enabled");
        let text = fs::read_to_string(&enabled)?;
        ensure!(text == "1\n", "enabled is {text:?}");
        // Not read yet, because what was read once is kept.
        let attribute = File::open(&enabled)?;
        let debugfs = File::open(format!("/sys/kernel/debug/dri/{minor}/vkms_config"))?;
        Ok(Self {
            card,
            map,
            dma_buf: dma_buf.into(),
            crcs,
            attribute,
            debugfs,
        })
    }

    /// Uses everything although the device is gone.
    fn outlive(&mut self) -> Result<()> {
        match drm::Device::get_driver(&self.card) {
            Ok(_) => bail!("an ioctl works on a device that is gone"),
            Err(error) => ensure!(
                error.raw_os_error() == Some(Errno::NODEV.raw_os_error()),
                "an ioctl on a device that is gone: {error}"
            ),
        }
        // The kernel may have taken the memory away, and then says so rather than kill.
        let mut copy = tempfile()?;
        let _ = copy.write_all(&self.map[..4096]);
        ensure!(
            self.dma_buf.seek(SeekFrom::End(0))? >= self.map.len() as u64,
            "the dma-buf has shrunk"
        );
        let mut text = String::new();
        ensure!(
            self.attribute.read_to_string(&mut text).is_err(),
            "an attribute of a directory that is gone is {text:?}"
        );
        ensure!(
            self.debugfs.read_to_string(&mut text).is_err(),
            "a debugfs file of a device that is gone says {text:?}"
        );
        if let Some(crcs) = &mut self.crcs {
            // What was there before may still be read.
            let _ = crcs.drain();
        }
        Ok(())
    }
}

/// The first connector, its CRTC, and its smallest mode.
fn output(card: &Card) -> Result<(connector::Handle, crtc::Handle, Mode)> {
    let resources = card.resource_handles()?;
    let crtc = *resources.crtcs().first().context("no CRTC")?;
    for &handle in resources.connectors() {
        let info = card.get_connector(handle, true)?;
        let smallest = info.modes().iter().min_by_key(|mode| {
            let (width, height) = mode.size();
            u32::from(width) * u32::from(height)
        });
        if let Some(mode) = smallest {
            return Ok((handle, crtc, *mode));
        }
    }
    Err(anyhow!("no connector has a mode"))
}

fn show(
    card: &Card,
    crtc: crtc::Handle,
    connector: connector::Handle,
    fb: framebuffer::Handle,
    mode: Mode,
) -> Result<()> {
    card.set_crtc(crtc, Some(fb), (0, 0), &[connector], Some(mode))
        .context("DRM_IOCTL_MODE_SETCRTC")
}

/// A file in memory without a name.
fn tempfile() -> Result<File> {
    let fd = rustix::fs::memfd_create("churn", rustix::fs::MemfdFlags::CLOEXEC)
        .context("memfd_create")?;
    Ok(fd.into())
}

/// What the kernel could give to programs, in KiB.
fn available_memory() -> Result<u64> {
    let text = fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
    text.lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse().ok())
        .context("/proc/meminfo does not say MemAvailable")
}
