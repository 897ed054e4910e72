// SPDX-License-Identifier: GPL-2.0

//! `lab bench kms`: how fast the composers of RVKMS and VKMS are, side by side.
//!
//! Both drivers are loaded in turn in one guest, several times, so that what
//! else the machine does meets both. The median of the rounds counts.

use crate::{
    boot::{self, Driver, Foreign, RunDir},
    context::Lab,
    guest::Programs,
    kernel::{Built, Flavour},
    machine::{self, Boot, GUEST_MODULES, GUEST_RUN, Report, monitor::Progress, uml::Uml},
    modules::Modules,
};
use anyhow::{Context, Result, bail};
use clap::Args;
use comfy_table::{Table, presets};
use guest_protocol::{
    Action, Event,
    display::{Composition, Compositions},
};
use std::{collections::HashSet, fs, path::Path, process::ExitCode, time::Duration};

const DRIVERS: [Driver; 2] = [Driver::Rvkms, Driver::Vkms];

/// The kernel's own memory before any driver is loaded.
const MEMORY: &str = "memory";

/// How long loading or unloading may take.
const LOAD_LIMIT: Duration = Duration::from_secs(60);

/// How long one driver may take for all scenes.
const LIMIT: Duration = Duration::from_secs(300);

/// Arguments of `lab bench kms`.
#[derive(Debug, Args)]
pub struct KmsArgs {
    /// How often each driver is measured.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// How long each scene is measured, in milliseconds.
    #[arg(long, default_value_t = 2000)]
    ms: u64,
    /// A kernel from elsewhere.
    #[command(flatten)]
    foreign: Foreign,
}

/// Runs the subcommand.
pub fn main(lab: &Lab, args: &KmsArgs) -> Result<ExitCode> {
    let built = args.foreign.ensure(lab, Flavour::Uml)?;
    let programs = Programs::ensure(lab, &built.root)?;
    let dir = RunDir::new(&built)?;
    let mut boot = Boot::new(lab, dir.path())?;
    plan(&mut boot, &built, args)?;

    let step = lab.ui.step("bench kms", None);
    let report = machine::run(
        &Uml::new(&built),
        &built,
        &programs,
        &boot,
        |progress| match progress {
            Progress::Event(Event::Began { step: name, .. }) => step.note(name),
            Progress::Splat(title) => lab.ui.say(format!("kernel: {title}")),
            _ => {}
        },
    )?;
    step.done("done");
    boot::keep(
        &report,
        machine::monitor::CONSOLE,
        &lab.checkout.path("out/bench-kms"),
    )?;
    let failed: Vec<_> = boot
        .steps
        .iter()
        .flat_map(|step| boot::step_complaint(&report, &step.id))
        .collect();
    if !failed.is_empty() {
        for line in &failed {
            println!("{line}");
        }
        bail!("not everything could be measured");
    }

    let ours = rounds(&report, args, Driver::Rvkms)?;
    let theirs = rounds(&report, args, Driver::Vkms)?;
    let rows = compare(&ours, &theirs);
    println!("{}", table(&rows));
    let before = kernel_kib(&report.stdout(MEMORY));
    for (driver, rounds) in DRIVERS.iter().zip([&ours, &theirs]) {
        let most = rounds.iter().map(|r| r.kernel_kib).max().unwrap_or(0);
        println!("{driver}: {} KiB of memory", most.saturating_sub(before));
    }
    Ok(if rows.iter().all(Row::is_met) {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn file(driver: Driver, round: u32) -> String {
    format!("{driver}-{round}.json")
}

fn plan(boot: &mut Boot, built: &Built, args: &KmsArgs) -> Result<()> {
    let modules = Modules::of(&built.out)?;
    let mut loaded = HashSet::new();

    boot.run(MEMORY, LOAD_LIMIT, ["cat", "/proc/meminfo"]);
    for round in 0..args.rounds {
        for driver in DRIVERS {
            for path in modules.load_order(driver.module())? {
                let stem = path.file_stem().unwrap_or_default();
                let stem = stem.to_string_lossy().into_owned();
                let own = stem == driver.module();
                if !own && !loaded.insert(path.clone()) {
                    continue;
                }
                // Eight planes need overlays.
                let parameters = if own { "enable_overlay=1" } else { "" };
                let action = Action::LoadModule {
                    path: Path::new(GUEST_MODULES).join(&path),
                    parameters: parameters.into(),
                };
                boot.step(format!("load {stem} {round}"), LOAD_LIMIT, action)
                    .required = true;
            }
            boot.run(
                format!("{driver} {round}"),
                LIMIT,
                [
                    format!("{GUEST_RUN}/bin/compositions"),
                    "--ms".into(),
                    args.ms.to_string(),
                    "--report".into(),
                    format!("{GUEST_RUN}/{}", file(driver, round)),
                ],
            );
            let action = Action::UnloadModule {
                name: driver.module().into(),
            };
            boot.step(format!("unload {driver} {round}"), LOAD_LIMIT, action);
        }
    }
    Ok(())
}

/// Reads what the rounds of a driver have left.
fn rounds(report: &Report, args: &KmsArgs, driver: Driver) -> Result<Vec<Compositions>> {
    (0..args.rounds)
        .map(|round| {
            let path = report.dir.join(file(driver, round));
            let text = fs::read(&path).with_context(|| format!("{}", path.display()))?;
            serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))
        })
        .collect()
}

/// One scene on both drivers.
#[derive(Debug)]
struct Row {
    scene: Composition,
    ours: f64,
    theirs: f64,
    pictures: (f64, f64),
    goal: f64,
}

impl Row {
    /// How many times as fast RVKMS is; nothing is known without VKMS.
    fn ratio(&self) -> Option<f64> {
        (self.theirs > 0.0).then(|| self.ours / self.theirs)
    }

    fn is_met(&self) -> bool {
        self.ratio().is_some_and(|ratio| ratio >= self.goal)
    }
}

/// How many times as fast RVKMS has to be with so many planes.
fn goal(planes: usize) -> f64 {
    match planes {
        1 => 3.0,
        2 | 3 => 2.0,
        _ => 1.0,
    }
}

fn compare(ours: &[Compositions], theirs: &[Compositions]) -> Vec<Row> {
    let Some(first) = ours.first() else {
        return Vec::new();
    };
    let median = |rounds: &[Compositions], scene: usize, what: fn(&Composition) -> f64| {
        let mut values: Vec<f64> = rounds
            .iter()
            .filter_map(|r| r.scenes.get(scene).map(what))
            .collect();
        values.sort_by(f64::total_cmp);
        values.get(values.len() / 2).copied().unwrap_or(0.0)
    };
    first
        .scenes
        .iter()
        .enumerate()
        .map(|(i, scene)| Row {
            scene: scene.clone(),
            ours: median(ours, i, |s| s.composed),
            theirs: median(theirs, i, |s| s.composed),
            pictures: (
                median(ours, i, |s| s.pictures),
                median(theirs, i, |s| s.pictures),
            ),
            goal: goal(scene.planes),
        })
        .collect()
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_header([
            "1920x1080",
            "planes",
            "written",
            "RVKMS frames/s",
            "VKMS frames/s",
            "ratio",
            "goal",
            "result",
        ]);
    for row in rows {
        let written = if row.scene.written {
            format!("{:.0} : {:.0} /s", row.pictures.0, row.pictures.1)
        } else {
            "no".into()
        };
        table.add_row([
            row.scene.scene.clone(),
            row.scene.planes.to_string(),
            written,
            format!("{:.1}", row.ours),
            format!("{:.1}", row.theirs),
            row.ratio()
                .map_or_else(|| "?".into(), |ratio| format!("{ratio:.2}")),
            format!("{}", row.goal),
            if row.is_met() { "met" } else { "MISSED" }.into(),
        ]);
    }
    table
}

/// Memory that the kernel uses for itself, by the text of /proc/meminfo.
fn kernel_kib(text: &str) -> u64 {
    text.lines()
        .filter(|line| line.starts_with("Slab:") || line.starts_with("VmallocUsed:"))
        .filter_map(|line| line.split_ascii_whitespace().nth(1)?.parse::<u64>().ok())
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(composed: f64, planes: usize) -> Compositions {
        Compositions {
            scenes: vec![Composition {
                scene: "windows".into(),
                planes,
                written: false,
                composed,
                pictures: 0.0,
            }],
            ..Compositions::default()
        }
    }

    #[test]
    fn medians_are_compared() {
        let ours = [round(90.0, 3), round(1.0, 3), round(80.0, 3)];
        let theirs = [round(40.0, 3), round(500.0, 3), round(20.0, 3)];
        let rows = compare(&ours, &theirs);
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].ours, rows[0].theirs), (80.0, 40.0));
        assert!(rows[0].is_met());
        assert!(!compare(&[round(119.0, 1)], &theirs)[0].is_met());
        assert!(!compare(&[round(39.0, 8)], &theirs)[0].is_met());
        assert!(!compare(&ours, &[round(0.0, 3)])[0].is_met());
    }

    #[test]
    fn the_kernels_memory_is_slab_and_vmalloc() {
        let text = "MemFree: 5 kB\nSlab:   30 kB\nVmallocUsed:\t12 kB\nSReclaimable: 9 kB\n";
        assert_eq!(kernel_kib(text), 42);
    }
}
