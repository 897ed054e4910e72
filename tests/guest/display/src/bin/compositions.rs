// SPDX-License-Identifier: GPL-2.0

//! Measures how many frames a virtual display composes per second.
//!
//! The display runs a mode with more vblanks than any composer can follow, so that the composer is
//! never idle while somebody reads CRCs. Meanwhile a pixel changes all the time. Each composition
//! sees another picture and gives another CRC; entries of vblanks that share a composition have the
//! same one. The number of changes is the number of compositions.

use anyhow::{Context, Result, bail};
use clap::Parser;
use display::card::Card;
use display::crc::Stream;
use display::output::Framebuffer;
use display::scene::{Layer, Scene, fast_mode};
use drm::buffer::DrmFourcc;
use guest_protocol::display::{Composition, Compositions};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

/// How long a picture may take. VKMS loses a job when it switches its composer off for another one
/// that has ended.
const PATIENCE: Duration = Duration::from_secs(3);

/// As many compositions say something about their number per second.
const ENOUGH: u32 = 20;

/// How many times as long as asked for it may take to see [`ENOUGH`].
const PATIENT: u32 = 10;

/// The time for things to settle before it counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// Measure how many frames a virtual display composes per second.
#[derive(Parser)]
struct Arguments {
    /// Name of the DRM driver.
    #[arg(long, default_value = "vkms")]
    driver: String,
    /// Width of the mode.
    #[arg(long, default_value_t = 1920)]
    width: u16,
    /// Height of the mode.
    #[arg(long, default_value_t = 1080)]
    height: u16,
    /// How many planes the scenes have.
    #[arg(long, value_delimiter = ',', default_value = "1,3,8")]
    planes: Vec<usize>,
    /// How long each scene is measured, in milliseconds.
    #[arg(long, default_value_t = 2000)]
    ms: u64,
    /// The report.
    #[arg(long)]
    report: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("compositions: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let card = Card::open(&arguments.driver)?;
    let (_, description) = card.identity()?;
    let scene = Scene::new(&card)?;
    let mut report = Compositions {
        description,
        ..Compositions::default()
    };
    for kind in [Kind::Windows, Kind::Screens] {
        for &planes in &arguments.planes {
            // One plane is the same in both.
            if planes == 1 && kind == Kind::Screens {
                continue;
            }
            for written in [false, true] {
                let mut bench = Bench::new(&card, &scene, arguments, kind, planes)?;
                let row = bench.measure(arguments, written)?;
                println!(
                    "{}, {planes} planes: {:.1} frames/s, {:.1} pictures/s",
                    row.scene, row.composed, row.pictures
                );
                report.scenes.push(row);
                report.kernel_kib = kernel_kib()?;
                bench.destroy()?;
            }
        }
    }
    let path = &arguments.report;
    std::fs::write(path, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("writing {}", path.display()))
}

/// What is on the planes above the primary one, which is opaque and covers the screen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Windows of a quarter of the screen, with translucent borders.
    Windows,
    /// Translucent pictures that cover the screen.
    Screens,
}

/// A scene on the screen.
struct Bench<'a> {
    card: &'a Card,
    scene: &'a Scene,
    kind: Kind,
    layers: Vec<Layer>,
    target: Option<Framebuffer>,
}

impl<'a> Bench<'a> {
    fn new(
        card: &'a Card,
        scene: &'a Scene,
        arguments: &Arguments,
        kind: Kind,
        planes: usize,
    ) -> Result<Self> {
        let size = (u32::from(arguments.width), u32::from(arguments.height));
        if planes > scene.max_layers() {
            bail!("there are {} planes only", scene.max_layers());
        }
        let mut layers = Vec::new();
        for i in 0..planes {
            let mut layer = match (i, kind) {
                (0, _) => layer(card, DrmFourcc::Xrgb8888, (0, 0), size)?,
                (_, Kind::Screens) => layer(card, DrmFourcc::Argb8888, (0, 0), size)?,
                (_, Kind::Windows) => {
                    let step = i as u32 * size.0 / 18;
                    let at = (step, step * size.1 / size.0);

                    layer(card, DrmFourcc::Argb8888, at, (size.0 / 2, size.1 / 2))?
                }
            };
            paint(card, &mut layer, i, kind)?;
            layers.push(layer);
        }
        let target = if scene.can_write() {
            Some(Scene::framebuffer(card, DrmFourcc::Xrgb8888, size)?)
        } else {
            None
        };
        scene.show(card, &fast_mode(arguments.width, arguments.height), &layers)?;
        Ok(Self {
            card,
            scene,
            kind,
            layers,
            target,
        })
    }

    fn measure(&mut self, arguments: &Arguments, written: bool) -> Result<Composition> {
        let planes = self.layers.len();
        let (card, scene, target) = (self.card, self.scene, self.target.as_ref());
        let top = self.layers.last_mut().context("no plane")?;
        let mut map = top.fb.map(card)?;
        let pixel = map.as_mut().first_mut().context("an empty framebuffer")?;
        // The kernel reads this memory at any time.
        //
        // SAFETY: The byte is valid and, in this program, only accessed here.
        let pixel = unsafe { AtomicU8::from_ptr(pixel) };
        let done = AtomicBool::new(false);
        let mut crcs = Stream::open(card.minor(), scene.crtc_index())?.context("no CRCs")?;

        thread::scope(|threads| {
            threads.spawn(|| {
                let mut value = 0u8;
                while !done.load(Relaxed) {
                    value = value.wrapping_add(1);
                    pixel.store(value, Relaxed);
                    thread::sleep(Duration::from_micros(50));
                }
            });
            let counted = (|| {
                thread::sleep(WARM_UP);
                crcs.drain()?;
                let began = Instant::now();
                let limit = Duration::from_millis(arguments.ms);
                let (mut changes, mut pictures) = (0u32, 0u32);
                let mut last = None;
                let mut lost = Duration::ZERO;
                while began.elapsed() < limit
                    || changes < ENOUGH && began.elapsed() < limit * PATIENT
                {
                    match target {
                        Some(target) if written => {
                            let asked = Instant::now();
                            if scene.write(card, target, PATIENCE)? {
                                pictures += 1;
                            } else {
                                lost += asked.elapsed();
                            }
                        }
                        _ => thread::sleep(Duration::from_millis(5)),
                    }
                    for entry in crcs.drain()? {
                        changes += u32::from(last != Some(entry.crc));
                        last = Some(entry.crc);
                    }
                }
                let seconds = began.elapsed().saturating_sub(lost).as_secs_f64();
                Ok(Composition {
                    scene: match (planes, self.kind) {
                        (1, _) => "opaque screen",
                        (_, Kind::Windows) => "windows",
                        (_, Kind::Screens) => "translucent screens",
                    }
                    .into(),
                    planes,
                    written: pictures > 0,
                    composed: f64::from(changes) / seconds,
                    pictures: f64::from(pictures) / seconds,
                })
            })();
            done.store(true, Relaxed);
            counted
        })
    }

    fn destroy(self) -> Result<()> {
        self.scene.hide(self.card)?;
        for layer in self.layers {
            layer.fb.destroy(self.card)?;
        }
        if let Some(target) = self.target {
            target.destroy(self.card)?;
        }
        Ok(())
    }
}

fn layer(card: &Card, format: DrmFourcc, at: (u32, u32), size: (u32, u32)) -> Result<Layer> {
    Ok(Layer {
        fb: Scene::framebuffer(card, format, size)?,
        at,
        size,
    })
}

/// Fills a framebuffer with gradients; what has alpha has it in its borders, or everywhere.
fn paint(card: &Card, layer: &mut Layer, number: usize, kind: Kind) -> Result<()> {
    const BORDER: usize = 16;
    let (width, height) = (layer.size.0 as usize, layer.size.1 as usize);
    let pitch = layer.fb.pitch();
    let mut map = layer.fb.map(card)?;
    for (y, line) in map.as_mut().chunks_mut(pitch).enumerate() {
        for (x, pixel) in line.chunks_exact_mut(4).take(width).enumerate() {
            let inside = |v: usize, size: usize| (BORDER..size - BORDER).contains(&v);
            let alpha = match kind {
                _ if number == 0 => 0xff,
                Kind::Windows if inside(x, width) && inside(y, height) => 0xff,
                _ => 0x80,
            };
            let shade = |v: usize| (v * alpha / 0xff) as u8;
            pixel.copy_from_slice(&[
                shade(x * 0xff / width),
                shade(y * 0xff / height.max(1) % 0x100),
                shade(number * 0x1f % 0x100),
                alpha as u8,
            ]);
        }
    }
    Ok(())
}

/// Memory that the kernel uses for itself, without pages of processes and files.
fn kernel_kib() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").context("/proc/meminfo")?;
    let mut sum = 0;
    for line in text.lines() {
        let mut words = line.split_ascii_whitespace();
        if let (Some("Slab:" | "VmallocUsed:"), Some(kib)) = (words.next(), words.next()) {
            sum += kib.parse::<u64>().with_context(|| line.to_owned())?;
        }
    }
    Ok(sum)
}
