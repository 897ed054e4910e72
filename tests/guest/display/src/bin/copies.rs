// SPDX-License-Identifier: GPL-2.0

//! Shows pictures on a device that keeps a copy of what it shows, in all the ways by which that
//! copy comes to change: a mode, a flip, a flip of which only parts count, writing to what is
//! shown, another part of a framebuffer, another size. Each time it writes the picture that has to
//! be on the screen, and waits for the host to look at that.
//!
//! Where only parts are said to have changed, the rest of the framebuffer is different as well: a
//! driver that copies more than it should is seen like one that copies less.

use anyhow::{Context, Result};
use clap::Parser;
use display::canvas::{Area, Canvas};
use display::card::Card;
use display::flip;
use display::output::{Framebuffer, Output};
use display::pause::pause;
use display::picture::Picture;
use drm::control::{ClipRect, Device as _};
use guest_protocol::display::{Report, Shown};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// How long a frame may take to appear, and the host to look at it.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pixels that the framebuffer of which a part is shown is larger than that, and where it begins.
const BEYOND: (u32, u32) = (64, 32);
const AT: (u32, u32) = (24, 16);

/// The other size.
const OTHER_SIZE: (u16, u16) = (800, 600);

/// Show pictures on a KMS device that copies them.
#[derive(Parser)]
struct Arguments {
    /// Name of the DRM driver.
    #[arg(long)]
    driver: String,
    /// Folder for the PNG files, the report, and the host to react.
    #[arg(long)]
    output: PathBuf,
    /// What the names of pictures begin with.
    #[arg(long, default_value = "copies")]
    name: String,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("copies: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<()> {
    let card = Card::open(&arguments.driver)?;
    let (driver, description) = card.identity()?;
    let mut output = Output::first_connected(&card)?;
    let mode = output.mode();
    let mut show = Show {
        card: &card,
        arguments,
        number: 0,
        shown: Vec::new(),
    };
    show.all(&mut output, &description)?;
    output.disable(&card)?;
    let report = Report {
        driver,
        description,
        mode: Some(mode),
        shown: show.shown,
    };
    let path = arguments.output.join(format!("{}.json", arguments.name));
    std::fs::write(&path, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("writing {}", path.display()))
}

struct Show<'a> {
    card: &'a Card,
    arguments: &'a Arguments,
    number: u32,
    shown: Vec<Shown>,
}

impl Show<'_> {
    /// Has the host look: `expected` has to be on the screen.
    fn look(&mut self, what: &str, expected: &Canvas) -> Result<()> {
        let began = Instant::now();
        self.number += 1;
        let name = format!("{}-{}-{what}", self.arguments.name, self.number);
        let path = self.arguments.output.join(format!("{name}.png"));
        expected.write_png(&path)?;
        pause(&self.arguments.output, &name, PATIENCE)?;
        self.shown.push(Shown {
            what: what.into(),
            frames: 1,
            ms: began.elapsed().as_millis() as u64,
            files: vec![path.display().to_string()],
            ..Shown::default()
        });
        Ok(())
    }

    /// A framebuffer of that size with `picture`, and what of it is seen from `at` on.
    fn framebuffer(
        &self,
        picture: &Picture,
        fb_size: (u32, u32),
        at: (u32, u32),
        size: (u32, u32),
    ) -> Result<(Framebuffer, Canvas)> {
        let mut fb = Framebuffer::new(self.card, fb_size.0, fb_size.1)?;
        let canvas = self.draw(&mut fb, picture, at, size)?;
        Ok((fb, canvas))
    }

    fn draw(
        &self,
        fb: &mut Framebuffer,
        picture: &Picture,
        at: (u32, u32),
        size: (u32, u32),
    ) -> Result<Canvas> {
        let pitch = fb.pitch();
        let mut memory = fb.map(self.card)?;
        picture.copy_to(&mut memory, pitch);
        Canvas::of_xrgb8888(&memory, pitch, (at.0 as usize, at.1 as usize), size)
    }

    fn all(&mut self, output: &mut Output, description: &str) -> Result<()> {
        const TOP: (u32, u32) = (0, 0);
        let size @ (width, height) = output.size();
        let text = format!("{} XRGB8888", output.mode().name);
        let card = Picture::test_card(width, height, &[description, &text]);

        let (first, seen) = self.framebuffer(&card, size, TOP, size)?;
        output.enable(self.card, &first)?;
        self.look("mode", &seen)?;

        let (mut second, mut seen) =
            self.framebuffer(&Picture::moving(width, height, 1), size, TOP, size)?;
        output.flip(self.card, &second)?;
        flip::wait(self.card, output.crtc(), PATIENCE)?;
        self.look("flip", &seen)?;

        // Two parts of it, one of which reaches beyond the screen's edge, have changed.
        let (third, other) =
            self.framebuffer(&Picture::moving(width, height, 40), size, TOP, size)?;
        let parts = [
            Area {
                x: 7,
                y: 11,
                width: width / 3 + 1,
                height: height / 5,
            },
            Area {
                x: width - 33,
                y: height - 17,
                width: 100,
                height: 100,
            },
        ];
        output.update(self.card, &third, TOP, &parts)?;
        for part in parts {
            seen.copy_area(&other, part);
        }
        self.look("damage", &seen)?;

        // What is shown is written to.
        output.update(self.card, &second, TOP, &[])?;
        let mut seen = self.draw(&mut second, &card, TOP, size)?;
        let before = Picture::moving(width, height, 1);
        let (_, old) = self.framebuffer(&before, size, TOP, size)?;
        let part = Area {
            x: width / 4,
            y: height / 4,
            width: width / 2,
            height: height / 2,
        };
        let edges = [part.x, part.y, part.x + part.width, part.y + part.height];
        let [left, top, right, bottom] = edges.map(|edge| edge as u16);
        self.card
            .dirty_framebuffer(second.handle(), &[ClipRect::new(left, top, right, bottom)])
            .context("DRM_IOCTL_MODE_DIRTYFB")?;
        let now = seen.clone();
        seen = old;
        seen.copy_area(&now, part);
        self.look("dirtyfb", &seen)?;

        let large = (width + BEYOND.0, height + BEYOND.1);
        let picture = Picture::moving(large.0, large.1, 3);
        let (fourth, seen) = self.framebuffer(&picture, large, AT, size)?;
        output.update(self.card, &fourth, AT, &[])?;
        self.look("part", &seen)?;

        output.disable(self.card)?;
        output.set_size(self.card, OTHER_SIZE)?;
        let size @ (width, height) = output.size();
        let card = Picture::test_card(width, height, &[description]);
        let (fifth, seen) = self.framebuffer(&card, size, TOP, size)?;
        output.enable(self.card, &fifth)?;
        self.look("size", &seen)
    }
}
