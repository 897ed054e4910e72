// SPDX-License-Identifier: GPL-2.0

//! `bochs`: the sample for QEMU's display, in QEMU.
//!
//! The driver has a copy of what it shows in the memory of the device. What is
//! on the screen is seen from outside: QEMU takes a picture, which has to be,
//! pixel by pixel, the one that the client in the guest expects.

use super::Context;
use crate::{
    boot::{self, RunDir},
    machine::{self, Boot, Device, GUEST_RUN, Need, Report, monitor::Progress, qemu, qmp::Monitor},
    picture::Picture,
    report::{Case, Outcome},
};
use anyhow::{Context as _, Result};
use guest_protocol::Action;
use serde_json::json;
use std::{collections::BTreeMap, fs, path::Path, time::Duration};

/// Name of the suite.
pub const NAME: &str = "bochs";

const MODULE: &str = "rust_driver_drm_bochs";

/// The name of the DRM driver.
const DRIVER: &str = "rust_bochs";

/// The device, with a name for pictures of it.
const DEVICE: &str = "bochs-display,id=display,addr=4";
const DISPLAY: &str = "display";
const ADDRESS: &str = "0000:00:04.0";

/// How long a client may take, with an emulated CPU on a busy machine.
const LIMIT: Duration = Duration::from_secs(900);

/// The runs of the client that shows pictures, and how many it shows.
const RUNS: [&str; 2] = ["bound", "bound-again"];
const PICTURES: usize = 6;

/// Added to the names of pictures that QEMU took, and that show differences.
const TAKEN: &str = "-screen.png";
const WRONG: &str = "-wrong.png";

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let built = context.built_for(&[Need::EmulatedDevices])?;
    let programs = context.programs()?;
    let dir = RunDir::new(&built)?;
    let mut boot = Boot::new(context.lab, dir.path())?;
    boot.devices.push(Device::Emulated(DEVICE.into()));
    boot::load_module(&mut boot, &built, MODULE)?;
    plan(&mut boot);

    let step = context.lab.ui.step(NAME, None);
    let machine = machine::of(context.lab, &built)?;
    let mut screens = Screens::new(dir.path());
    let report = machine::run(
        &*machine,
        &built,
        &programs,
        &boot,
        |progress| match progress {
            Progress::Paused(name) => {
                step.note(name);
                screens.take(name);
            }
            Progress::Splat(title) => context.lab.ui.say(format!("kernel: {title}")),
            _ => {}
        },
    )?;
    step.done(&format!("done, in {}", machine.name()));

    let output = context.output.join(NAME);
    boot::keep(&report, machine::monitor::CONSOLE, &output)?;
    let mut cases = Vec::new();
    for step in &boot.steps {
        let complaints = boot::step_complaint(&report, &step.id);
        let case = Case::judge(NAME, step.id.clone(), complaints);
        cases.push(case.took(report.duration(&step.id).unwrap_or_default()));
    }
    cases.extend(screens.judge(&report, &output)?);
    cases.retain(|case| {
        matches!(case.outcome, Outcome::Fail(_)) || context.filters.wants(NAME, &case.name)
    });
    let mut log = Case::judge(NAME, "kernel log", report.complaints());
    for splat in &report.splats {
        log.details.extend(splat.lines.iter().cloned());
    }
    cases.push(log);
    Ok(cases)
}

/// What happens in the guest, besides loading the module.
fn plan(boot: &mut Boot) {
    let copies = format!("{GUEST_RUN}/bin/copies");
    let show = |boot: &mut Boot, run| {
        boot.run(
            run,
            LIMIT,
            [
                &copies, "--driver", DRIVER, "--output", GUEST_RUN, "--name", run,
            ],
        );
    };
    let script = |boot: &mut Boot, id, text: &str| {
        boot.run(id, LIMIT, ["bash", "-e", "-o", "pipefail", "-c", text]);
    };
    show(boot, RUNS[0]);
    // As long as the one that QEMU makes up, with a block for what is newer.
    script(
        boot,
        "edid",
        "edid=$(echo /sys/class/drm/card*-Virtual-1/edid); test $(wc -c <$edid) -ge 256",
    );
    let flips = format!("sleep 1 | modetest -M {DRIVER} -v -s 'Virtual-1:#0'");
    script(boot, "modetest", &flips);
    // A client goes on using a device that is gone.
    let driver = format!("/sys/bus/pci/drivers/{MODULE}");
    script(
        boot,
        "unbind in use",
        &format!(
            "exec 3<>/dev/dri/card0
             echo {ADDRESS} >{driver}/unbind
             test ! -e /dev/dri/card0
             timeout 1 cat <&3 && exit 1
             exec 3<&-"
        ),
    );
    script(
        boot,
        "bind",
        &format!("echo {ADDRESS} >{driver}/bind; test -e /dev/dri/card0"),
    );
    show(boot, RUNS[1]);
    let name = MODULE.into();
    boot.step("unload", LIMIT, Action::UnloadModule { name });
}

/// The pictures that QEMU takes.
struct Screens<'a> {
    dir: &'a Path,
    monitor: Option<Monitor>,
    /// By name, what went wrong if something did.
    taken: BTreeMap<String, Result<()>>,
}

impl<'a> Screens<'a> {
    fn new(dir: &'a Path) -> Self {
        Self {
            dir,
            monitor: None,
            taken: BTreeMap::new(),
        }
    }

    /// Takes the picture that belongs to `name`.
    fn take(&mut self, name: &str) {
        let result = self.try_take(name);
        self.taken.insert(name.into(), result);
    }

    fn try_take(&mut self, name: &str) -> Result<()> {
        let monitor = match &mut self.monitor {
            Some(monitor) => monitor,
            None => self.monitor.insert(Monitor::connect(self.dir)?),
        };
        let filename = qemu::run_file(&format!("{name}{TAKEN}"));
        let arguments = json!({ "filename": filename, "format": "png", "device": DISPLAY });
        monitor.execute("screendump", arguments).map(drop)
    }

    /// Compares what was taken with what was expected, and keeps all of it.
    fn judge(self, report: &Report, output: &Path) -> Result<Vec<Case>> {
        let mut cases = Vec::new();
        for run in RUNS {
            let begin = format!("{run}-");
            let count = self.taken.keys().filter(|name| is_of(name, &begin)).count();
            let complaint =
                (count != PICTURES).then(|| format!("{count} pictures were shown, not {PICTURES}"));
            let name = format!("{run}: pictures");
            cases.push(Case::judge(NAME, name, complaint.into_iter().collect()));
        }
        fs::create_dir_all(output).with_context(|| format!("{}", output.display()))?;
        for (name, taken) in self.taken {
            let expected = format!("{name}.png");
            let screen = format!("{name}{TAKEN}");
            boot::keep(report, &expected, output)?;
            boot::keep(report, &screen, output)?;

            let compared = taken.and_then(|()| {
                let screen = Picture::read(&report.dir.join(&screen))?;
                let expected = Picture::read(&report.dir.join(&expected))?;
                Ok(screen.differs_from(&expected))
            });
            let complaint = match compared {
                Ok(None) => None,
                Ok(Some((text, marked))) => {
                    if let Some(marked) = marked {
                        marked.write(&output.join(format!("{name}{WRONG}")))?;
                    }
                    Some(text)
                }
                Err(error) => Some(format!("{error:#}")),
            };
            cases.push(Case::judge(NAME, name, complaint.into_iter().collect()));
        }
        Ok(cases)
    }
}

/// Tells whether the picture `name` is one of the run whose pictures begin so.
fn is_of(name: &str, begin: &str) -> bool {
    name.strip_prefix(begin)
        .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_belong_to_one_run() {
        assert!(is_of("bound-1-mode", "bound-"));
        assert!(!is_of("bound-again-1-mode", "bound-"));
        assert!(is_of("bound-again-1-mode", "bound-again-"));
    }
}
