// SPDX-License-Identifier: GPL-2.0

//! Machines: what boots a kernel and carries out steps in it.
//!
//! The guest's first process is our own program (see `tests/guest`). It gets a
//! plan in its initial RAM disk and leaves events and output in a folder that
//! the host sees, so every machine gives the same [`Report`]. What differs is
//! in [`Machine`]: how a process is made of it all, and which file systems the
//! guest can mount. A test says what it [needs](Need), and gets the machine
//! that has it and costs least.

pub mod initrd;
pub mod monitor;
pub mod needs;
pub mod qemu;
pub mod qmp;
pub mod uml;

pub use needs::Need;

use crate::{
    context::Lab,
    guest::Programs,
    kernel::{Built, Flavour},
    log::{
        known::Known,
        splat::{Scanner, Splat},
    },
    proc::{self, Job},
};
use anyhow::{Context, Result, anyhow, bail};
use guest_protocol::{Action, Command as GuestCommand, Event, Mount, Outcome, Plan, Step};
use monitor::{Follower, Progress};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    thread,
    time::{Duration, Instant},
};

/// Where the guest sees the build output.
pub const GUEST_MODULES: &str = "/mnt/build";

/// Where the guest sees the folder of the run.
pub const GUEST_RUN: &str = "/mnt/run";

/// How often a running machine is looked at.
const POLL: Duration = Duration::from_millis(10);

/// How long the guest may be late with the end of a step, beyond the step's own
/// limit and the time that killing a program takes.
const LATENESS: Duration = Duration::from_secs(30);

/// How long powering off may take.
const POWER_OFF: Duration = Duration::from_secs(30);

/// A device that the machine has because a test wants it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Device {
    /// One that QEMU emulates, in the words of its option `-device`.
    Emulated(String),
}

/// What to boot and what to do there.
#[derive(Clone, Debug)]
pub struct Boot {
    /// An empty folder for everything that the boot leaves behind.
    pub dir: PathBuf,
    /// The steps.
    pub steps: Vec<Step>,
    /// Memory of the guest in MiB.
    pub memory: u32,
    /// Further words of the kernel's command line.
    pub arguments: Vec<String>,
    /// Devices beyond those that every machine of the kind has.
    pub devices: Vec<Device>,
    /// How long it may take until the guest's first process runs.
    pub patience: Duration,
    /// How long a step may say nothing on the console, if there is a limit.
    pub silence: Option<Duration>,
    /// Whether the guest's console is the user's terminal.
    pub interactive: bool,
    /// Complaints of the kernel that do not count.
    pub known: Known,
}

impl Boot {
    /// A boot in the folder `dir` with the usual memory and patience.
    ///
    /// # Errors
    ///
    /// Fails if the list of known complaints cannot be read.
    pub fn new(lab: &Lab, dir: &Path) -> Result<Self> {
        let known = lab.checkout.path("tests/expectations/kernel.toml");
        Ok(Self {
            dir: dir.into(),
            known: Known::read(&known)?,
            steps: Vec::new(),
            memory: 1024,
            arguments: Vec::new(),
            devices: Vec::new(),
            patience: Duration::from_secs(180),
            silence: None,
            interactive: false,
        })
    }

    /// Adds a step.
    pub fn step(&mut self, id: impl Into<String>, limit: Duration, action: Action) -> &mut Step {
        self.steps.push(Step {
            id: id.into(),
            action,
            timeout_ms: limit.as_millis() as u64,
            required: false,
        });
        // The step was just pushed.
        let last = self.steps.len() - 1;
        &mut self.steps[last]
    }

    /// Adds a step that runs a program to its end.
    pub fn run<S: Into<String>>(
        &mut self,
        id: impl Into<String>,
        limit: Duration,
        argv: impl IntoIterator<Item = S>,
    ) -> &mut Step {
        self.step(id, limit, Action::Run(command(argv)))
    }
}

/// A command of the guest without further environment.
pub fn command<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> GuestCommand {
    GuestCommand {
        argv: argv.into_iter().map(Into::into).collect(),
        env: Vec::new(),
    }
}

/// How a boot ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// All steps were dealt with and the guest powered off.
    PoweredOff,
    /// The machine went away before that.
    Died {
        /// How its process ended.
        status: String,
    },
    /// It did not get on and was killed.
    Hung,
}

/// What a boot left behind.
#[derive(Clone, Debug)]
pub struct Report {
    /// The folder of the boot.
    pub dir: PathBuf,
    /// What the guest's first process said.
    pub events: Vec<Event>,
    /// Warnings of the kernel.
    pub splats: Vec<Splat>,
    /// Complaints of the kernel that do not count.
    pub known: Known,
    /// How it ended.
    pub end: End,
    /// How long it ran.
    pub took: Duration,
}

impl Report {
    /// Returns the file that the console was captured in.
    pub fn console(&self) -> PathBuf {
        self.dir.join(monitor::CONSOLE)
    }

    /// Returns how step `id` ended, if it did.
    pub fn outcome(&self, id: &str) -> Option<&Outcome> {
        self.events.iter().find_map(|event| match event {
            Event::Ended { step, outcome, .. } if step == id => Some(outcome),
            _ => None,
        })
    }

    /// Returns how long step `id` took.
    pub fn duration(&self, id: &str) -> Option<Duration> {
        let mut began = None;
        for event in &self.events {
            match event {
                Event::Began { step, at_ms } if step == id => began = Some(*at_ms),
                Event::Ended { step, at_ms, .. } if step == id => {
                    return Some(Duration::from_millis(at_ms.saturating_sub(began?)));
                }
                _ => {}
            }
        }
        None
    }

    /// Returns the step that was running when the machine went away.
    pub fn unfinished(&self) -> Option<&str> {
        let mut running = None;
        for event in &self.events {
            match event {
                Event::Began { step, .. } => running = Some(step.as_str()),
                Event::Ended { .. } => running = None,
                _ => {}
            }
        }
        running
    }

    /// Returns what step `id` wrote to standard output.
    pub fn stdout(&self, id: &str) -> String {
        self.output(id, "out")
    }

    /// Returns what step `id` wrote to standard error.
    pub fn stderr(&self, id: &str) -> String {
        self.output(id, "err")
    }

    fn output(&self, id: &str, kind: &str) -> String {
        let path = self
            .dir
            .join(guest_protocol::OUTPUT_DIR)
            .join(format!("{id}.{kind}"));
        fs::read(path)
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
            .unwrap_or_default()
    }

    /// Describes what went wrong with the boot as a whole: its end and the
    /// kernel's warnings. Empty if nothing did.
    pub fn complaints(&self) -> Vec<String> {
        let mut all = Vec::new();
        let during = self
            .unfinished()
            .map_or(String::new(), |step| format!(" during \"{step}\""));
        match &self.end {
            End::PoweredOff => {}
            End::Died { status } => all.push(format!("the machine went away{during} ({status})")),
            End::Hung => all.push(format!("the machine hung{during} and was killed")),
        }
        all.extend(self.splats.iter().map(|splat| splat.to_string()));
        all
    }
}

/// A folder of the host that the guest sees.
#[derive(Clone, Debug)]
pub struct Share {
    /// Names it among those of a boot.
    pub tag: &'static str,
    /// Where it is on the host.
    pub outside: PathBuf,
    /// Where the guest sees it.
    pub inside: &'static str,
    /// Whether the guest must not write to it.
    pub read_only: bool,
}

/// A way to boot a kernel.
pub trait Machine {
    /// What users call it.
    fn name(&self) -> &'static str;

    /// The mount by which the guest sees `share`.
    ///
    /// # Errors
    ///
    /// Fails if the machine cannot show it.
    fn mount(&self, share: &Share) -> Result<Mount>;

    /// The command that boots with the given initial RAM disk, `shares` to be
    /// seen, console on standard input and output.
    ///
    /// # Errors
    ///
    /// Fails if the machine cannot do what `boot` asks for.
    fn command(&self, boot: &Boot, initrd: &Path, shares: &[Share]) -> Result<Command>;
}

/// Returns the machine that boots the kernel of `built`.
///
/// # Errors
///
/// Fails if there is none.
pub fn of(lab: &Lab, built: &Built) -> Result<Box<dyn Machine>> {
    Ok(match built.flavour {
        Flavour::Uml | Flavour::UmlDebug => Box::new(uml::Uml::new(built)),
        Flavour::X86_64 => Box::new(qemu::Qemu::new(lab, built)?),
        Flavour::Arm64 => bail!("no machine boots the kernel {}", built.flavour),
    })
}

/// Boots `boot` on `machine` and watches it to its end. `progress` hears of
/// every event and every warning as they come.
///
/// # Errors
///
/// Fails if the machine cannot be started, or if we are interrupted. What goes
/// wrong inside is in the report.
pub fn run(
    machine: &dyn Machine,
    built: &Built,
    programs: &Programs,
    boot: &Boot,
    mut progress: impl FnMut(&Progress<'_>),
) -> Result<Report> {
    fs::create_dir_all(&boot.dir).with_context(|| format!("{}", boot.dir.display()))?;
    let dir = boot
        .dir
        .canonicalize()
        .with_context(|| format!("{}", boot.dir.display()))?;
    let shares = shares(built, &dir);
    let plan = plan(machine, &shares, boot)?;
    let initrd = dir.join("initrd.cpio");
    initrd::write(&initrd, &programs.agent(), &plan)?;
    programs.copy_to(&dir.join("bin"))?;

    let mut command = machine.command(boot, &initrd, &shares)?;
    let console = dir.join(monitor::CONSOLE);
    let started = Instant::now();
    if boot.interactive {
        let status = proc::interactive(&mut command)?;
        let mut follower = Follower::new(&dir);
        follower.poll()?;
        return Ok(Report {
            end: end(&follower, &proc::status_text(status)),
            events: follower.into_events(),
            splats: Vec::new(),
            known: boot.known.clone(),
            took: started.elapsed(),
            dir,
        });
    }
    // Pipes: UML cannot wait for events of a file or of /dev/null, and says so in
    // a way that the kernel's own checks complain about. Nothing is ever written
    // to its input.
    let mut log = fs::File::create(&console).with_context(|| format!("{}", console.display()))?;
    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    let (input, _silent) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    command
        .stdin(input)
        .stdout(write.try_clone()?)
        .stderr(write);
    let mut job = Job::start(&mut command)?;
    // It still has the write ends of the pipe.
    drop(command);
    let copy = thread::spawn(move || io::copy(&mut fs::File::from(read), &mut log));
    let mut follower = Follower::new(&dir);
    let mut scanner = Scanner::default();
    let mut watch = Watch::new(boot);
    let mut end_now = None;
    let status = loop {
        let status = job.try_wait()?;
        for event in follower.poll()? {
            watch.hear(&event);
            progress(&Progress::Event(&event));
        }
        for pause in follower.pauses()? {
            progress(&Progress::Paused(&pause));
            follower.resume(&pause)?;
        }
        for line in follower.console_lines()? {
            watch.heard = Instant::now();
            progress(&Progress::Line(&line));
            if let Some(splat) = scanner.feed(&line) {
                if !boot.known.has(splat) {
                    progress(&Progress::Splat(&splat.title));
                }
            }
        }
        proc::check()?;
        if let Some(status) = status {
            break Some(status);
        }
        if watch.overdue() {
            end_now = Some(End::Hung);
            break None;
        }
        thread::sleep(POLL);
    };
    drop(job);
    // All writers are gone, so this ends.
    copy.join()
        .map_err(|_| anyhow!("the copying of the console panicked"))?
        .with_context(|| format!("{}", console.display()))?;
    for line in follower.console_lines()? {
        scanner.feed(&line);
    }
    let end = match (end_now, status) {
        (Some(end), _) => end,
        (None, Some(status)) => end(&follower, &proc::status_text(status)),
        (None, None) => End::Hung,
    };
    let _ = fs::remove_file(&initrd);
    let mut splats = scanner.finish();
    splats.retain(|splat| !boot.known.has(splat));
    Ok(Report {
        end,
        events: follower.into_events(),
        splats,
        known: boot.known.clone(),
        took: started.elapsed(),
        dir,
    })
}

fn end(follower: &Follower, status: &str) -> End {
    let done = follower
        .events()
        .iter()
        .any(|event| matches!(event, Event::Done { .. }));
    if done {
        End::PoweredOff
    } else {
        End::Died {
            status: status.into(),
        }
    }
}

/// The folders that every guest sees; the first one is its root.
fn shares(built: &Built, dir: &Path) -> [Share; 3] {
    let share = |tag, outside: &Path, inside, read_only| Share {
        tag,
        outside: outside.into(),
        inside,
        read_only,
    };
    [
        share("root", &built.root, "/", true),
        share("build", &built.out, GUEST_MODULES, true),
        share("run", dir, GUEST_RUN, false),
    ]
}

fn plan(machine: &dyn Machine, shares: &[Share], boot: &Boot) -> Result<Plan> {
    let mut mounts = Vec::new();
    for share in shares {
        mounts.push(machine.mount(share)?);
    }
    Ok(Plan {
        root: mounts.remove(0),
        mounts,
        results: GUEST_RUN.into(),
        // IGT takes a console for a sign that somebody else owns the display.
        hide: vec!["/dev/tty0".into()],
        steps: boot.steps.clone(),
    })
}

/// Notices that the guest does not get on.
struct Watch<'a> {
    boot: &'a Boot,
    deadline: Instant,
    /// When it was last heard of.
    heard: Instant,
}

impl<'a> Watch<'a> {
    fn new(boot: &'a Boot) -> Self {
        let now = Instant::now();
        Self {
            boot,
            deadline: now + boot.patience,
            heard: now,
        }
    }

    fn hear(&mut self, event: &Event) {
        self.heard = Instant::now();
        let limit = match event {
            Event::Booted { .. } | Event::Ended { .. } => LATENESS,
            Event::Done { .. } => POWER_OFF,
            Event::Began { step, .. } => {
                let limit = self
                    .boot
                    .steps
                    .iter()
                    .find(|candidate| candidate.id == *step)
                    .map_or(0, |step| step.timeout_ms);
                Duration::from_millis(limit) + LATENESS
            }
        };
        self.deadline = Instant::now() + limit;
    }

    fn overdue(&self) -> bool {
        let silent = self
            .boot
            .silence
            .is_some_and(|limit| self.heard.elapsed() > limit);
        silent || Instant::now() > self.deadline
    }
}
