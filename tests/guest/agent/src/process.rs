// SPDX-License-Identifier: GPL-2.0

//! Programs: started in a process group of their own, their output on the host at once, gone
//! when their time is up.

use anyhow::{Context, Result};
use guest_protocol::{Command, Outcome};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// How long a program may take to end after SIGTERM, and after SIGKILL.
const GRACE: Duration = Duration::from_secs(5);

/// How often a running program is looked at.
const POLL: Duration = Duration::from_millis(5);

/// A running program.
pub struct Process {
    child: Child,
    copies: Vec<JoinHandle<()>>,
}

fn prepare(command: &Command) -> Result<std::process::Command> {
    let (program, arguments) = command.argv.split_first().context("an empty command")?;
    let mut prepared = std::process::Command::new(program);
    prepared
        .args(arguments)
        .env_clear()
        .env(
            "PATH",
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        )
        .env("HOME", "/root")
        .env("LC_ALL", "C.UTF-8")
        .current_dir("/tmp");
    for (name, value) in &command.env {
        prepared.env(name, value);
    }
    Ok(prepared)
}

/// Copies a pipe into a file, chunk by chunk, each on the host before the next is read.
fn copy(mut pipe: impl Read + Send + 'static, mut file: File) -> JoinHandle<()> {
    spawn(move || {
        let mut buffer = [0; 16384];
        while let Ok(count) = pipe.read(&mut buffer) {
            if count == 0 || file.write_all(&buffer[..count]).is_err() || file.sync_data().is_err()
            {
                break;
            }
        }
    })
}

fn outcome(status: ExitStatus) -> Outcome {
    match (status.code(), status.signal()) {
        (Some(0), _) => Outcome::Ok,
        (Some(code), _) => Outcome::Exit { code },
        (None, Some(signal)) => Outcome::Signal { signal },
        (None, None) => Outcome::Error {
            message: "ended in an unknown way".into(),
        },
    }
}

impl Process {
    /// Starts a program, its output in `stdout` and `stderr`, its input empty.
    pub fn start(command: &Command, stdout: &Path, stderr: &Path) -> Result<Self> {
        let create = |path: &Path| {
            File::create(path).with_context(|| format!("creating {}", path.display()))
        };
        let (stdout, stderr) = (create(stdout)?, create(stderr)?);
        let mut child = prepare(command)?
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {}", command.argv[0]))?;
        let mut copies = Vec::new();
        copies.extend(child.stdout.take().map(|pipe| copy(pipe, stdout)));
        copies.extend(child.stderr.take().map(|pipe| copy(pipe, stderr)));
        Ok(Process { child, copies })
    }

    /// Runs a program on the console, with no limit.
    pub fn interact(command: &Command) -> Result<Outcome> {
        let status = prepare(command)?
            .status()
            .with_context(|| format!("starting {}", command.argv[0]))?;
        Ok(outcome(status))
    }

    fn ended_within(&mut self, limit: Duration) -> Result<Option<ExitStatus>> {
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().context("waiting for a program")? {
                return Ok(Some(status));
            }
            if began.elapsed() >= limit {
                return Ok(None);
            }
            sleep(POLL);
        }
    }

    fn signal(&self, signal: Signal) {
        // It may be gone already.
        let _ = killpg(Pid::from_raw(self.child.id() as i32), signal);
    }

    /// Waits until the output is in its files. A descendant that still holds the pipes is not
    /// waited for longer than the grace.
    fn flush(&mut self) {
        let began = Instant::now();
        while began.elapsed() < GRACE && !self.copies.iter().all(JoinHandle::is_finished) {
            sleep(POLL);
        }
        for copy in self.copies.drain(..) {
            if copy.is_finished() {
                let _ = copy.join();
            }
        }
    }

    /// Waits for the end; after `limit` kills the program's group.
    pub fn finish(mut self, limit: Duration) -> Result<Outcome> {
        let result = match self.ended_within(limit)? {
            Some(status) => outcome(status),
            None => {
                self.terminate()?;
                Outcome::TimedOut
            }
        };
        // What the program left behind must not disturb the next step.
        self.signal(Signal::SIGKILL);
        self.flush();
        Ok(result)
    }

    /// Ends the program by SIGTERM, or SIGKILL if need be.
    fn terminate(&mut self) -> Result<()> {
        self.signal(Signal::SIGTERM);
        if self.ended_within(GRACE)?.is_some() {
            return Ok(());
        }
        self.signal(Signal::SIGKILL);
        self.ended_within(GRACE)?
            .map(|_| ())
            .context("a program does not end even on SIGKILL: it hangs in the kernel")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Output {
        folder: std::path::PathBuf,
    }

    impl Output {
        fn new(name: &str) -> Self {
            let folder =
                std::env::temp_dir().join(format!("guest-agent-{}-{name}", std::process::id()));
            std::fs::create_dir_all(&folder).unwrap();
            Output { folder }
        }

        fn run(&self, script: &str, limit: Duration) -> Outcome {
            let command = Command {
                argv: ["sh", "-c", script].map(String::from).to_vec(),
                env: vec![("WORD".into(), "value".into())],
            };
            Process::start(&command, &self.folder.join("out"), &self.folder.join("err"))
                .unwrap()
                .finish(limit)
                .unwrap()
        }

        fn read(&self, name: &str) -> String {
            std::fs::read_to_string(self.folder.join(name)).unwrap()
        }
    }

    impl Drop for Output {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn output_goes_into_files_and_the_code_is_told() {
        let output = Output::new("code");
        let outcome = output.run("echo $WORD; echo bad >&2; exit 3", LONG);
        assert_eq!(outcome, Outcome::Exit { code: 3 });
        assert_eq!(output.read("out"), "value\n");
        assert_eq!(output.read("err"), "bad\n");
    }

    #[test]
    fn a_signal_is_told() {
        let output = Output::new("signal");
        assert_eq!(
            output.run("kill -SEGV $$", LONG),
            Outcome::Signal { signal: 11 }
        );
    }

    #[test]
    fn standard_input_is_at_its_end() {
        let output = Output::new("stdin");
        assert_eq!(output.run("cat", LONG), Outcome::Ok);
    }

    #[test]
    fn time_runs_out_and_what_was_printed_stays() {
        let output = Output::new("timeout");
        let began = Instant::now();
        let outcome = output.run("echo early; sleep 60", Duration::from_millis(300));
        assert_eq!(outcome, Outcome::TimedOut);
        assert!(began.elapsed() < LONG);
        assert_eq!(output.read("out"), "early\n");
    }

    #[test]
    fn what_a_program_leaves_behind_is_killed() {
        let output = Output::new("orphan");
        let began = Instant::now();
        assert_eq!(output.run("sleep 60 & echo $!", LONG), Outcome::Ok);
        assert!(began.elapsed() < LONG);
        let orphan = output.read("out");
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", orphan.trim()));
        assert!(stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z ")));
    }

    #[test]
    fn a_missing_program_is_an_error() {
        let output = Output::new("missing");
        let command = Command {
            argv: vec!["/no/such/program".into()],
            env: Vec::new(),
        };
        let path = output.folder.join("out");
        let result = Process::start(&command, &path, &path);
        let error = result.err().unwrap();
        assert!(format!("{error:#}").contains("/no/such/program"));
    }
}
