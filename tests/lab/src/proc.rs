// SPDX-License-Identifier: GPL-2.0

//! Child processes: each in a process group of its own, its output in a log,
//! all of them gone when this process is interrupted or dies.

use crate::error::{self, Interrupted, StepError};
use anyhow::{Context, Result};
use nix::{
    sys::{
        prctl,
        signal::{Signal, killpg},
    },
    unistd::Pid,
};
use signal_hook::{
    consts::{SIGHUP, SIGINT, SIGTERM},
    iterator::Signals,
};
use std::{
    fs::{self, File},
    io::{self, BufRead, BufReader, Write},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

/// How long a process group may take to end after SIGTERM.
const GRACE: Duration = Duration::from_secs(5);

/// Set once a signal asked us to stop.
static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// The process groups of the children that run now.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes SIGINT, SIGTERM and SIGHUP stop the children and set the flag that
/// [`check`] looks at.
///
/// # Errors
///
/// Fails if the handlers cannot be installed.
pub fn catch_signals() -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;

    thread::spawn(move || {
        for _ in signals.forever() {
            INTERRUPTED.store(true, Ordering::SeqCst);
            for &group in groups().iter() {
                let _ = killpg(group, Signal::SIGTERM);
            }
            thread::spawn(|| {
                thread::sleep(GRACE);
                for &group in groups().iter() {
                    let _ = killpg(group, Signal::SIGKILL);
                }
            });
        }
    });
    Ok(())
}

/// Tells whether a signal asked us to stop.
pub fn interrupted() -> bool {
    INTERRUPTED.load(Ordering::SeqCst)
}

/// Fails with [`Interrupted`] if a signal asked us to stop.
///
/// # Errors
///
/// See above.
pub fn check() -> Result<()> {
    if interrupted() {
        return Err(Interrupted.into());
    }
    Ok(())
}

/// A child in its own process group, which ends with this value.
#[derive(Debug)]
pub struct Job {
    child: Child,
    group: Pid,
    /// Whether the child has been waited for.
    reaped: bool,
}

impl Job {
    /// Starts `command` in a process group of its own. The thread that calls
    /// this has to outlive the child: the kernel ends the child with it.
    ///
    /// # Errors
    ///
    /// Fails if the program cannot be started, or we are to stop.
    pub fn start(command: &mut Command) -> Result<Self> {
        check()?;
        command.process_group(0);
        // SAFETY: The closure runs between fork and exec and only makes one
        // system call, which is async-signal-safe.
        unsafe {
            command.pre_exec(|| Ok(prctl::set_pdeathsig(Signal::SIGTERM)?));
        }
        // The lock is held so that a signal either finds the new group in the
        // list, or is seen by the check above in the next call.
        let mut groups = groups();
        let child = command
            .spawn()
            .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))?;
        let group = Pid::from_raw(child.id() as i32);
        groups.push(group);
        drop(groups);
        if interrupted() {
            let _ = killpg(group, Signal::SIGTERM);
        }
        Ok(Self {
            child,
            group,
            reaped: false,
        })
    }

    /// Returns the child, for its pipes and to poll it.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits until the child ends.
    ///
    /// # Errors
    ///
    /// Fails if waiting does.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.child.wait()?;
        self.reaped();
        Ok(status)
    }

    /// Returns how the child ended, if it has.
    ///
    /// # Errors
    ///
    /// Fails if waiting does.
    pub fn try_wait(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        if status.is_some() {
            self.reaped();
        }
        Ok(status)
    }

    /// Sends `signal` to the whole process group.
    pub fn signal(&self, signal: Signal) {
        if !self.reaped {
            let _ = killpg(self.group, signal);
        }
    }

    fn reaped(&mut self) {
        self.reaped = true;
        groups().retain(|&group| group != self.group);
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.reaped {
            let _ = killpg(self.group, Signal::SIGKILL);
            let _ = self.child.wait();
            self.reaped();
        }
    }
}

/// Runs `command` with its output in `log` and passes each line of it on.
///
/// # Errors
///
/// Fails with [`Interrupted`] if we were asked to stop, or with a
/// [`StepError`] for `step` if the command fails.
pub fn run_logged(
    step: &str,
    command: &mut Command,
    log: &Path,
    mut line: impl FnMut(&str),
) -> Result<()> {
    if let Some(dir) = log.parent() {
        fs::create_dir_all(dir).with_context(|| format!("{}", dir.display()))?;
    }
    let mut file = File::create(log).with_context(|| format!("{}", log.display()))?;
    writeln!(file, "# {}", shown(command))?;

    let (read, write) = nix::unistd::pipe2(nix::fcntl::OFlag::O_CLOEXEC)?;
    command
        .stdin(Stdio::null())
        .stdout(write.try_clone()?)
        .stderr(write);
    let mut job = Job::start(command)?;
    // The command still has the write ends of the pipe.
    command.stdout(Stdio::null()).stderr(Stdio::null());

    let mut reader = BufReader::new(File::from(read));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if reader.read_until(b'\n', &mut buffer)? == 0 {
            break;
        }
        file.write_all(&buffer)
            .with_context(|| format!("{}", log.display()))?;
        line(String::from_utf8_lossy(&buffer).trim_end());
    }
    let status = job.wait()?;
    check()?;
    if status.success() {
        return Ok(());
    }
    Err(failure(step, command, status, Some(log)).into())
}

/// Runs `command` to its end and returns what it writes to standard output.
///
/// # Errors
///
/// Fails as [`run_logged`] does; the error shows standard error.
pub fn output(step: &str, command: &mut Command) -> Result<String> {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut job = Job::start(command)?;
    let stderr = job.child().stderr.take();
    let errors = thread::spawn(move || {
        let mut text = Vec::new();
        if let Some(mut pipe) = stderr {
            let _ = io::Read::read_to_end(&mut pipe, &mut text);
        }
        text
    });
    let mut text = Vec::new();
    if let Some(mut pipe) = job.child().stdout.take() {
        io::Read::read_to_end(&mut pipe, &mut text)?;
    }
    let status = job.wait()?;
    let errors = errors.join().unwrap_or_default();
    check()?;
    if !status.success() {
        let errors = String::from_utf8_lossy(&errors).into_owned();
        return Err(StepError {
            step: step.into(),
            command: shown_short(command),
            status: status_text(status),
            log: None,
            hint: error::hint(&errors),
            lines: error::lines_that_matter(&errors),
        }
        .into());
    }
    String::from_utf8(text).with_context(|| format!("{step}: output is not text"))
}

/// Runs `command` on the user's terminal, in the foreground.
///
/// # Errors
///
/// Fails if it cannot be run.
pub fn interactive(command: &mut Command) -> Result<ExitStatus> {
    check()?;
    command
        .status()
        .with_context(|| format!("cannot run {}", command.get_program().to_string_lossy()))
}

/// Describes how `command` failed in `step`, with what its log says.
pub fn failure(step: &str, command: &Command, status: ExitStatus, log: Option<&Path>) -> StepError {
    let text = log
        .and_then(|log| fs::read(log).ok())
        .map(|text| String::from_utf8_lossy(&text).into_owned())
        .unwrap_or_default();
    // The first line is the command itself.
    let text = text.split_once('\n').map_or("", |(_, rest)| rest);
    StepError {
        step: step.into(),
        command: shown_short(command),
        status: status_text(status),
        log: log.map(Into::into),
        lines: error::lines_that_matter(text),
        hint: error::hint(text),
    }
}

/// Writes how a process ended.
pub fn status_text(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;

    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => match Signal::try_from(signal) {
            Ok(signal) => format!("killed by {signal}"),
            Err(_) => format!("killed by signal {signal}"),
        },
        (None, None) => "ended".into(),
    }
}

/// Writes `command` for a message: of one in the sandbox, only what is run in
/// there. The log has the whole.
fn shown_short(command: &Command) -> String {
    if command.get_program() != "bwrap" {
        return shown(command);
    }
    let inside = command.get_args().skip_while(|arg| *arg != "--").skip(1);
    let words: Vec<_> = inside.map(|word| quote(&word.to_string_lossy())).collect();
    format!("{} (in the Debian root)", words.join(" "))
}

/// Writes `command` as one could type it, in one line.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words
        .map(|word| quote(&word.to_string_lossy()))
        .collect::<Vec<_>>()
        .join(" ")
}

/// Quotes `word` for a shell if it needs that.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=+./:,@%~".contains(c);

    if !word.is_empty() && word.chars().all(plain) {
        word.into()
    } else if word.contains('\n') {
        let word = word.replace('\\', "\\\\").replace('\'', "\\'");
        format!("$'{}'", word.replace('\n', "\\n").replace('\t', "\\t"))
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_step_command_log_and_lines() {
        let dir = tempfile::tempdir().expect("a folder");
        let log = dir.path().join("logs/x.log");
        let mut lines = Vec::new();
        let err = run_logged(
            "try",
            Command::new("sh").args(["-c", "echo one; echo 'a.c:1:2: error: bad' >&2; exit 3"]),
            &log,
            |line| lines.push(line.to_owned()),
        )
        .expect_err("the command fails");
        let err = err.downcast::<StepError>().expect("a step error");

        assert_eq!(lines, ["one", "a.c:1:2: error: bad"]);
        assert_eq!(err.status, "exit code 3");
        assert_eq!(err.lines, ["a.c:1:2: error: bad"]);
        assert_eq!(err.log.as_deref(), Some(log.as_path()));
        let shown = err.to_string();
        assert!(shown.contains("try failed") && shown.contains("sh -c 'echo one;"));
    }

    #[test]
    fn a_shown_command_can_be_typed() {
        let script = "printf '%s|' a\\\\b 'c d'\n\tprintf \"it's\"";
        let line = shown(Command::new("bash").args(["-c", script, "x y"]));
        assert_eq!(line.lines().count(), 1);
        let typed = output("try", Command::new("bash").args(["-c", &line])).expect("success");
        let run = output("try", Command::new("bash").args(["-c", script])).expect("success");
        assert_eq!(typed, run);

        let mut inside = Command::new("bwrap");
        inside.args(["--dev", "/dev", "--", "make", "all"]);
        assert_eq!(shown_short(&inside), "make all (in the Debian root)");
    }

    #[test]
    fn output_is_standard_output_only() {
        let text = output(
            "try",
            Command::new("sh").args(["-c", "echo yes; echo no >&2"]),
        );
        assert_eq!(text.expect("success"), "yes\n");
    }

    #[test]
    fn a_dropped_job_takes_its_group_along() {
        let mut job = Job::start(
            Command::new("sh")
                .args(["-c", "sleep 100 & echo $!; wait"])
                .stdout(Stdio::piped()),
        )
        .expect("a job");
        let mut line = String::new();
        let pipe = job.child().stdout.take().expect("a pipe");
        BufReader::new(pipe).read_line(&mut line).expect("a line");
        drop(job);

        let path = format!("/proc/{}/stat", line.trim());
        for _ in 0..100 {
            match fs::read_to_string(&path) {
                Ok(stat) if !stat.contains(") Z ") => thread::sleep(Duration::from_millis(20)),
                _ => return,
            }
        }
        panic!("the grandchild still runs");
    }
}
