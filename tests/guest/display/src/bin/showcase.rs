// SPDX-License-Identifier: GPL-2.0

//! Shows a still test card and a moving pattern, and checks what can be checked: page-flip
//! events, their sequence numbers and time stamps, and the CRC of every frame.

use anyhow::{Context, Result, bail};
use clap::Parser;
use display::canvas::Canvas;
use display::card::Card;
use display::crc::{Entry, Stream};
use display::flip::{self, Flip};
use display::output::{Framebuffer, Output};
use display::picture::Picture;
use guest_protocol::display::{CrcCheck, Report, Shown};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a frame may take to appear. A debug kernel on a busy machine is slow.
const PATIENCE: Duration = Duration::from_secs(10);

/// One frame is shown, one is being replaced and may still be read, one is drawn.
const BUFFERS: usize = 3;

/// Show a test card and a moving pattern on a KMS device.
#[derive(Parser)]
struct Arguments {
    /// Name of the DRM driver.
    #[arg(long, default_value = "vkms")]
    driver: String,
    /// Folder for the PNG files and the report.
    #[arg(long)]
    output: PathBuf,
    /// Frames of the moving pattern.
    #[arg(long, default_value_t = 60)]
    frames: u32,
    /// Write every so many-th frame of the moving pattern as PNG.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    keep: u32,
    /// The device has to have CRCs.
    #[arg(long)]
    need_crc: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("showcase: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let card = Card::open(&arguments.driver)?;
    let (driver, description) = card.identity()?;
    let output = Output::first_connected(&card)?;
    let mode = output.mode();
    println!(
        "{driver} ({description}): {} at {} Hz",
        mode.name, mode.refresh_hz
    );
    let mut show = Show {
        card: &card,
        output: &output,
        crcs: None,
        folder: &arguments.output,
    };
    let still = show.still(&description)?;
    if arguments.need_crc && show.crcs.is_none() {
        bail!("the driver offers no CRCs");
    }
    let moving = show.moving(arguments.frames, arguments.keep)?;
    drop(show.crcs.take());
    output.disable(&card)?;
    let report = Report {
        driver,
        description,
        mode: Some(mode),
        shown: vec![still, moving],
    };
    for shown in &report.shown {
        println!("{}: {} frames in {} ms", shown.what, shown.frames, shown.ms);
        for error in &shown.errors {
            println!("{}: {error}", shown.what);
        }
    }
    let path = arguments.output.join("showcase.json");
    std::fs::write(&path, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("writing {}", path.display()))?;
    Ok(report.is_ok())
}

struct Show<'a> {
    card: &'a Card,
    output: &'a Output,
    crcs: Option<Stream>,
    folder: &'a Path,
}

impl Show<'_> {
    /// Puts a picture into a framebuffer and reads back what is there now.
    fn draw(&self, fb: &mut Framebuffer, picture: &Picture) -> Result<Canvas> {
        let (width, height) = self.output.size();
        let pitch = fb.pitch();
        let mut memory = fb.map(self.card)?;
        picture.copy_to(&mut memory, pitch);
        Canvas::of_xrgb8888(&memory, pitch, (0, 0), (width, height))
    }

    fn png(&self, canvas: &Canvas, name: &str, shown: &mut Shown) -> Result<()> {
        let path = self.folder.join(name);
        canvas.write_png(&path)?;
        shown.files.push(path.display().to_string());
        Ok(())
    }

    /// Sets the mode with the test card on it.
    fn still(&mut self, description: &str) -> Result<Shown> {
        let began = Instant::now();
        let mut shown = Shown {
            what: "test card".into(),
            ..Shown::default()
        };
        let (width, height) = self.output.size();
        let mode = self.output.mode();
        let text = format!("{} XRGB8888, {} Hz", mode.name, mode.refresh_hz);
        let picture = Picture::test_card(width, height, &[description, &text]);
        let mut fb = Framebuffer::new(self.card, width, height)?;
        let canvas = self.draw(&mut fb, &picture)?;
        self.output.enable(self.card, &fb)?;
        shown.frames = 1;
        self.crcs = Stream::open(self.card.minor(), self.output.crtc_index())?;
        if let Some(crcs) = &mut self.crcs {
            let entries = crcs.wait(PATIENCE, |_| true)?;
            let mut check = CrcCheck {
                expected: canvas.crc(),
                ..CrcCheck::default()
            };
            compare(&entries, &mut check, &mut shown.errors);
            shown.crc = Some(check);
        }
        self.png(&canvas, "test-card.png", &mut shown)?;
        shown.ms = began.elapsed().as_millis() as u64;
        // Removing the framebuffer would turn the plane off; the moving pattern takes over
        // while the card is still there, and the BO goes with the file.
        Ok(shown)
    }

    /// Flips through the moving pattern.
    fn moving(&mut self, frames: u32, keep: u32) -> Result<Shown> {
        let began = Instant::now();
        let mut shown = Shown {
            what: "moving pattern".into(),
            ..Shown::default()
        };
        let (width, height) = self.output.size();
        let mut fbs = (0..BUFFERS)
            .map(|_| Framebuffer::new(self.card, width, height))
            .collect::<Result<Vec<_>>>()?;
        let mut check = self.crcs.as_ref().map(|_| CrcCheck::default());
        let mut before: Option<Flip> = None;
        for index in 0..frames {
            let fb = &mut fbs[index as usize % BUFFERS];
            let canvas = self.draw(fb, &Picture::moving(width, height, index))?;
            self.output.flip(self.card, fb)?;
            let flip = flip::wait(self.card, self.output.crtc(), PATIENCE)
                .with_context(|| format!("frame {index}"))?;
            shown.frames += 1;
            if let Some(before) = before
                && let Err(error) = flip::check(before, flip, self.output.frame_duration())
            {
                shown.errors.push(format!("frame {index}: {error}"));
            }
            before = Some(flip);
            if let (Some(crcs), Some(check)) = (&mut self.crcs, &mut check) {
                check.expected = canvas.crc();
                let current = |entry: &Entry| is_since(entry, flip.sequence);
                let mut entries = crcs
                    .wait(PATIENCE, current)
                    .with_context(|| format!("frame {index}, flipped at {}", flip.sequence))?;
                entries.retain(current);
                compare(&entries, check, &mut shown.errors);
            }
            if index.is_multiple_of(keep) {
                self.png(&canvas, &format!("moving-{index:04}.png"), &mut shown)?;
            }
        }
        shown.crc = check;
        shown.ms = began.elapsed().as_millis() as u64;
        self.output.disable(self.card)?;
        for fb in fbs {
            fb.destroy(self.card)?;
        }
        Ok(shown)
    }
}

/// Whether a frame was composed at vblank `sequence` or later.
fn is_since(entry: &Entry, sequence: u32) -> bool {
    entry
        .frame
        .is_none_or(|frame| frame.wrapping_sub(sequence) <= u32::MAX / 2)
}

fn compare(entries: &[Entry], check: &mut CrcCheck, errors: &mut Vec<String>) {
    for entry in entries {
        check.compared += 1;
        check.seen = entry.crc;
        if entry.crc != check.expected {
            check.wrong += 1;
            errors.push(format!(
                "vblank {:?}: the kernel's CRC is {:08x}, the framebuffer's {:08x}",
                entry.frame, entry.crc, check.expected
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wrong_crc_is_an_error() {
        let mut check = CrcCheck {
            expected: 5,
            ..CrcCheck::default()
        };
        let mut errors = Vec::new();
        let entry = |crc| Entry {
            frame: Some(1),
            crc,
        };
        compare(&[entry(5), entry(6), entry(5)], &mut check, &mut errors);
        assert_eq!((check.compared, check.wrong, errors.len()), (3, 1, 1));
    }

    #[test]
    fn frames_before_the_flip_do_not_count() {
        let entry = |frame| Entry { frame, crc: 0 };
        assert!(!is_since(&entry(Some(9)), 10));
        assert!(is_since(&entry(Some(10)), 10));
        assert!(is_since(&entry(Some(2)), u32::MAX));
        assert!(is_since(&entry(None), 10));
    }
}
