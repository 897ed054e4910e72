// SPDX-License-Identifier: GPL-2.0

//! Showing pictures on a display driver, and judging them.

use crate::{
    boot::{self, Driver},
    kernel::Built,
    machine::{Boot, GUEST_RUN, Report},
};
use anyhow::{Context, Result};
use comfy_table::{Table, presets};
use guest_protocol::{Event, display};
use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

/// How long one client may take. A debug kernel on a busy machine is slow.
const LIMIT: Duration = Duration::from_secs(120);

/// The connector of the virtual displays.
const CONNECTOR: &str = "Virtual-1";

/// How long modetest flips at least, in seconds.
const FLIP_SECONDS: u32 = 2;

/// How many times as long it may flip. It prints a rate after 60 flips, for
/// which a busy machine takes longer.
const FLIP_PERIODS: u32 = 20;

const STILL: &str = "modetest";
const FLIPS: &str = "modetest-flips";
const SHOWCASE: &str = "showcase";

/// A line of the table: one thing that ran.
#[derive(Clone, Debug)]
pub struct Row {
    /// The client.
    pub client: String,
    /// What it showed.
    pub what: String,
    /// Frames, if that is known.
    pub frames: Option<u32>,
    /// The CRC, if the kernel gave one.
    pub crc: Option<display::CrcCheck>,
    /// How long it took.
    pub took: Duration,
    /// What was wrong. Empty if nothing was.
    pub errors: Vec<String>,
}

/// What to show.
#[derive(Clone, Copy, Debug)]
pub struct Show {
    /// On which driver.
    pub driver: Driver,
    /// Frames of the moving pattern.
    pub frames: u32,
}

impl Show {
    /// Adds the steps to a boot.
    ///
    /// # Errors
    ///
    /// Fails if the build lacks the driver.
    pub fn plan(&self, boot: &mut Boot, built: &Built) -> Result<()> {
        boot::load_driver(boot, built, self.driver)?;
        let name = self.driver.drm_name();
        let mode = format!("{CONNECTOR}:#0");
        let modetest = ["modetest", "-M", name, "-s", &mode];

        let png = format!("{GUEST_RUN}/{STILL}.png");
        let report = format!("{GUEST_RUN}/{STILL}.json");
        let snapshot = format!("{GUEST_RUN}/bin/snapshot");
        let mut still = vec![
            snapshot.as_str(),
            "--driver",
            name,
            "--name",
            "SMPTE pattern",
        ];
        still.extend(["--png", &png, "--report", &report, "--"]);
        still.extend(modetest);
        boot.run(STILL, LIMIT, still);

        // modetest flips until its standard input ends.
        let flips = format!(
            "log=$(mktemp)
             for _ in $(seq {FLIP_PERIODS}); do
                 sleep {FLIP_SECONDS}
                 if grep -q ^freq: \"$log\"; then break; fi
             done | modetest -M {name} -v -s '{mode}' 2>\"$log\"
             status=$?
             cat \"$log\" >&2
             exit $status"
        );
        boot.run(FLIPS, LIMIT, ["bash", "-o", "pipefail", "-c", &flips]);

        let frames = self.frames.to_string();
        let showcase = format!("{GUEST_RUN}/bin/showcase");
        boot.run(
            SHOWCASE,
            LIMIT + Duration::from_secs(self.frames.into()),
            [
                &showcase,
                "--driver",
                name,
                "--output",
                GUEST_RUN,
                "--need-crc",
                "--frames",
                &frames,
            ],
        );
        Ok(())
    }

    /// Judges what happened.
    pub fn rows(&self, report: &Report) -> Vec<Row> {
        let mut rows = failed_loads(report);
        rows.extend(client_rows(report, STILL));
        rows.push(flip_row(report));
        rows.extend(client_rows(report, SHOWCASE));
        rows
    }

    /// Returns the names of the pictures that a boot left in its folder.
    ///
    /// # Errors
    ///
    /// Fails if the folder cannot be read.
    pub fn pictures(report: &Report) -> Result<Vec<String>> {
        let context = || format!("{}", report.dir.display());
        let mut names = Vec::new();
        for entry in fs::read_dir(&report.dir).with_context(context)? {
            let name = entry.with_context(context)?.file_name();
            if Path::new(&name).extension().is_some_and(|ext| ext == "png") {
                names.push(name.to_string_lossy().into_owned());
            }
        }
        names.sort();
        Ok(names)
    }
}

/// A row for each module that could not be loaded.
pub fn failed_loads(report: &Report) -> Vec<Row> {
    let mut rows = Vec::new();
    for event in &report.events {
        let Event::Ended { step, .. } = event else {
            continue;
        };
        let errors = boot::step_complaint(report, step);
        if step.starts_with("load ") && !errors.is_empty() {
            rows.push(row("kernel", step, report, errors));
        }
    }
    rows
}

/// A row without frames.
pub fn row(client: &str, what: &str, report: &Report, errors: Vec<String>) -> Row {
    Row {
        client: client.into(),
        what: what.into(),
        frames: None,
        crc: None,
        took: report.duration(client).unwrap_or_default(),
        errors,
    }
}

/// The rows of a client that leaves a report of what it showed.
pub fn client_rows(report: &Report, client: &str) -> Vec<Row> {
    let complaint = boot::step_complaint(report, client);
    let mut rows = picture_rows(report, client, client);
    // A client that fails without saying why still failed.
    if rows.iter().all(|row| row.errors.is_empty()) && !complaint.is_empty() {
        rows.push(row(client, "-", report, complaint));
    }
    rows
}

/// The rows of the report `name` of a client.
pub fn picture_rows(report: &Report, client: &str, name: &str) -> Vec<Row> {
    let shown = match read_report(&report.dir.join(format!("{name}.json"))) {
        Ok(report) => report.shown,
        Err(error) => {
            let mut errors = boot::step_complaint(report, client);
            if errors.is_empty() {
                errors.push(format!("{client}: {error:#}"));
            }
            return vec![row(client, "-", report, errors)];
        }
    };
    shown
        .into_iter()
        .map(|shown| Row {
            client: client.into(),
            what: shown.what,
            frames: Some(shown.frames),
            crc: shown.crc,
            took: Duration::from_millis(shown.ms),
            errors: shown.errors,
        })
        .collect()
}

fn read_report(path: &Path) -> Result<display::Report> {
    let text = fs::read(path).with_context(|| format!("{}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))
}

fn flip_row(report: &Report) -> Row {
    let mut errors = boot::step_complaint(report, FLIPS);
    let text = report.stdout(FLIPS) + &report.stderr(FLIPS);
    let rates = flip_rates(&text);
    if errors.is_empty() && rates.is_empty() {
        errors.push(format!("{FLIPS}: no page flips were counted"));
    }
    let mut row = row("modetest", "page flips", report, errors);
    row.took = report.duration(FLIPS).unwrap_or_default();
    let seconds = row.took.as_secs_f64();
    if let Some(rate) = rates.last() {
        row.what = format!("page flips at {rate:.1} Hz");
        row.frames = Some((rate * seconds) as u32);
    }
    row
}

/// Reads the rates that `modetest -v` prints, in Hz.
fn flip_rates(text: &str) -> Vec<f64> {
    text.lines()
        .filter_map(|line| line.trim().strip_prefix("freq: ")?.strip_suffix("Hz"))
        .filter_map(|number| number.parse().ok())
        .collect()
}

/// Lays out the rows for people.
pub fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(["client", "what", "frames", "CRC", "time", "result"]);
    for row in rows {
        let crc = row.crc.as_ref().map_or("-".into(), |crc| {
            if crc.wrong > 0 {
                format!("{:08x}, {} of {} wrong", crc.seen, crc.wrong, crc.compared)
            } else {
                format!("{:08x}, {} equal", crc.seen, crc.compared)
            }
        });
        table.add_row([
            row.client.clone(),
            row.what.clone(),
            row.frames.map_or("-".into(), |frames| frames.to_string()),
            crc,
            format!("{:.2} s", row.took.as_secs_f64()),
            if row.errors.is_empty() {
                "ok"
            } else {
                "FAILED"
            }
            .into(),
        ]);
    }
    table
}

/// Copies the pictures into the folder `to`, whose old pictures go.
///
/// # Errors
///
/// Fails if files cannot be read or written.
pub fn keep_pictures(report: &Report, to: &Path) -> Result<Vec<PathBuf>> {
    if to.is_dir() {
        for entry in fs::read_dir(to).with_context(|| format!("{}", to.display()))? {
            let path = entry?.path();
            if path.extension().is_some_and(|ext| ext == "png") {
                fs::remove_file(&path).with_context(|| format!("{}", path.display()))?;
            }
        }
    }
    let mut kept = Vec::new();
    for name in Show::pictures(report)? {
        kept.extend(boot::keep(report, &name, to)?);
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rates_of_modetest_are_read() {
        let text = "setting mode 1024x768-60.00Hz on connectors Virtual-1, crtc 37\n\
                    freq: 60.47Hz\nfreq: 59.98Hz\n";
        assert_eq!(flip_rates(text), [60.47, 59.98]);
    }
}
