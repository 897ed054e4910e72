// SPDX-License-Identifier: GPL-2.0

//! Carrying out the steps of a plan.

use crate::console;
use crate::events::{Log, now_ms};
use crate::leaks;
use crate::process::Process;
use anyhow::{Context, Result};
use guest_protocol::{Action, Event, OUTPUT_DIR, Outcome, STEP_MARKER, Step};
use nix::kmod::{DeleteModuleFlags, ModuleInitFlags, delete_module, finit_module};
use nix::sys::wait::{WaitPidFlag, WaitStatus, waitpid};
use std::ffi::CString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Carries out steps.
pub struct Runner<'a> {
    output: PathBuf,
    events: &'a mut Log,
}

impl<'a> Runner<'a> {
    /// A runner whose steps leave their output in `results`.
    pub fn new(results: &Path, events: &'a mut Log) -> Result<Self> {
        let output = results.join(OUTPUT_DIR);
        std::fs::create_dir_all(&output).with_context(|| format!("making {}", output.display()))?;
        Ok(Runner { output, events })
    }

    /// Carries out all steps. A failed step is an event, not an error.
    pub fn run(&mut self, steps: &[Step]) -> Result<()> {
        let mut pointless = false;
        for step in steps {
            let outcome = if pointless {
                Outcome::Skipped
            } else {
                self.events.write(&Event::Began {
                    step: step.id.clone(),
                    at_ms: now_ms(),
                })?;
                console::say(&format!("{STEP_MARKER}{}", step.id));
                self.carry_out(step).unwrap_or_else(|error| Outcome::Error {
                    message: format!("{error:#}"),
                })
            };
            pointless |= step.required && !outcome.is_ok();
            self.events.write(&Event::Ended {
                step: step.id.clone(),
                at_ms: now_ms(),
                outcome,
            })?;
            Self::reap();
        }
        Ok(())
    }

    fn carry_out(&mut self, step: &Step) -> Result<Outcome> {
        let limit = Duration::from_millis(step.timeout_ms);
        let stdout = self.output.join(format!("{}.out", step.id));
        let stderr = self.output.join(format!("{}.err", step.id));
        match &step.action {
            Action::LoadModule { path, parameters } => {
                let file =
                    File::open(path).with_context(|| format!("opening {}", path.display()))?;
                let parameters = CString::new(parameters.as_str()).context("module parameters")?;
                finit_module(&file, &parameters, ModuleInitFlags::empty())
                    .with_context(|| format!("loading {}", path.display()))?;
                Ok(Outcome::Ok)
            }
            Action::UnloadModule { name } => {
                let c_name = CString::new(name.as_str()).context("module name")?;
                delete_module(&c_name, DeleteModuleFlags::O_NONBLOCK)
                    .with_context(|| format!("unloading {name}"))?;
                Ok(Outcome::Ok)
            }
            Action::Run(command) => Process::start(command, &stdout, &stderr)?.finish(limit),
            Action::LeakScan => {
                std::fs::write(&stdout, leaks::scan()?)
                    .context("writing the report of kmemleak")?;
                Ok(Outcome::Ok)
            }
            Action::Interact(command) => Process::interact(command),
        }
    }

    /// Collects orphans, which are the first process's to collect.
    fn reap() {
        while let Ok(status) = waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            if status == WaitStatus::StillAlive {
                break;
            }
        }
    }
}
