// SPDX-License-Identifier: GPL-2.0

//! Takes a picture of what a DRM device shows, whichever client put it there, and checks that
//! the kernel's CRC belongs to it.
//!
//! With `--client`, starts that client, takes the picture as soon as it shows something of its
//! own, and ends the client by closing its standard input.

use anyhow::{Context, Result, bail};
use clap::Parser;
use display::card::Card;
use display::{crc, scanout};
use drm::Device as _;
use guest_protocol::display::{CrcCheck, Report, Shown};
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often the client is looked at.
const POLL: Duration = Duration::from_millis(20);

/// Write what is on the screen as a PNG file.
#[derive(Parser)]
struct Arguments {
    /// Name of the DRM driver.
    #[arg(long, default_value = "vkms")]
    driver: String,
    /// The PNG file.
    #[arg(long)]
    png: PathBuf,
    /// The JSON report.
    #[arg(long)]
    report: PathBuf,
    /// What the picture is called in the report.
    #[arg(long, default_value = "screen")]
    name: String,
    /// How many colours the picture has to have.
    #[arg(long, default_value_t = 1)]
    colours: usize,
    /// How many seconds the client may take to show something, and again to end.
    #[arg(long, default_value_t = 20.0)]
    patience: f64,
    /// The client that shows something, and its arguments.
    #[arg(last = true)]
    client: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("snapshot: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let began = Instant::now();
    let patience = Duration::try_from_secs_f64(arguments.patience).context("--patience")?;
    let card = Card::open(&arguments.driver)?;
    let mut shown = Shown {
        what: arguments.name.clone(),
        ..Shown::default()
    };
    let mode = match arguments.client.split_first() {
        None => {
            wait_for_colours(&card, arguments.colours, patience)?;
            picture(&card, arguments, &mut shown)?
        }
        Some((program, words)) => {
            // The kernel's console may be on the screen already.
            let before = scanout::framebuffer(&card)?;
            // A client has to become DRM master, which this descriptor must not be. It is not
            // if somebody else is.
            match card.release_master_lock() {
                Err(error) if error.kind() != ErrorKind::InvalidInput => {
                    return Err(error).context("DRM_IOCTL_DROP_MASTER");
                }
                _ => {}
            }
            let mut client = Client::start(program, words)?;
            client.wait_for_picture(&card, before, patience)?;
            wait_for_colours(&card, arguments.colours, patience)?;
            let mode = picture(&card, arguments, &mut shown)?;
            if let Err(error) = client.end(patience) {
                shown.errors.push(format!("{error:#}"));
            }
            mode
        }
    };
    shown.ms = began.elapsed().as_millis() as u64;
    let (driver, description) = card.identity()?;
    let report = Report {
        driver,
        description,
        mode: Some(mode),
        shown: vec![shown],
    };
    std::fs::write(&arguments.report, serde_json::to_vec_pretty(&report)?)
        .with_context(|| format!("writing {}", arguments.report.display()))?;
    for error in report.shown.iter().flat_map(|shown| &shown.errors) {
        eprintln!("snapshot: {error}");
    }
    Ok(report.is_ok())
}

/// Waits until what is shown has `colours` colours at least.
fn wait_for_colours(card: &Card, colours: usize, patience: Duration) -> Result<()> {
    let began = Instant::now();
    loop {
        let seen = scanout::capture(card)?.map_or(0, |taken| taken.canvas.colours());
        if seen >= colours {
            return Ok(());
        }
        if began.elapsed() >= patience {
            bail!("the screen has {seen} colours, not {colours}");
        }
        sleep(POLL);
    }
}

/// A running client. Dropping it kills it.
struct Client {
    child: Child,
}

impl Client {
    fn start(program: &str, words: &[String]) -> Result<Self> {
        let child = Command::new(program)
            .args(words)
            .stdin(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {program}"))?;
        Ok(Client { child })
    }

    fn ended(&mut self) -> Result<Option<ExitStatus>> {
        self.child.try_wait().context("waiting for the client")
    }

    fn wait_for_picture(
        &mut self,
        card: &Card,
        before: Option<u32>,
        patience: Duration,
    ) -> Result<()> {
        let began = Instant::now();
        loop {
            let now = scanout::framebuffer(card)?;
            if now.is_some() && now != before {
                return Ok(());
            }
            if let Some(status) = self.ended()? {
                bail!("the client ended before it showed anything: {status}");
            }
            if began.elapsed() >= patience {
                bail!("the client shows nothing");
            }
            sleep(POLL);
        }
    }

    fn end(mut self, patience: Duration) -> Result<()> {
        drop(self.child.stdin.take());
        let began = Instant::now();
        loop {
            match self.ended()? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => bail!("the client failed: {status}"),
                None if began.elapsed() >= patience => bail!("the client does not end"),
                None => sleep(POLL),
            }
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        // Both fail if it has been waited for, as it should.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Takes the picture again until none of its planes changed while it was taken.
fn picture(
    card: &Card,
    arguments: &Arguments,
    shown: &mut Shown,
) -> Result<guest_protocol::display::Mode> {
    const ATTEMPTS: u32 = 20;
    for _ in 0..ATTEMPTS {
        let Some(taken) = scanout::capture(card)? else {
            bail!("nothing is shown");
        };
        let seen = crc_now(card, taken.crtc_index)?;
        if scanout::framebuffer(card)? != Some(taken.framebuffer) {
            continue;
        }
        shown.frames = 1;
        let expected = taken.canvas.crc();
        shown.crc = seen.map(|seen| CrcCheck {
            expected,
            seen,
            compared: 1,
            wrong: u32::from(seen != expected),
        });
        if let Some(seen) = seen
            && seen != expected
        {
            shown.errors.push(format!(
                "the kernel's CRC is {seen:08x}, the framebuffer's {expected:08x}"
            ));
        }
        taken.canvas.write_png(&arguments.png)?;
        shown.files.push(arguments.png.display().to_string());
        return Ok(taken.mode);
    }
    bail!("the client flips too fast to take a picture");
}

/// The CRC of a frame that began after this call; `None` if the driver has no CRCs.
fn crc_now(card: &Card, crtc_index: usize) -> Result<Option<u32>> {
    let Some(mut stream) = crc::Stream::open(card.minor(), crtc_index)? else {
        return Ok(None);
    };
    let entries = stream.wait(Duration::from_secs(5), |_| true)?;
    Ok(entries.last().map(|entry| entry.crc))
}
