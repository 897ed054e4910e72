// SPDX-License-Identifier: GPL-2.0

//! QEMU's monitor: asking a running QEMU to do something, by QMP.

use anyhow::{Context, Result, bail};
use nix::fcntl::OFlag;
use serde_json::{Value, json};
use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::{
        fd::AsRawFd,
        unix::{fs::OpenOptionsExt, net::UnixStream},
    },
    path::Path,
    time::Duration,
};

/// Name of the socket, in the folder of the boot.
pub const SOCKET: &str = "qmp";

/// How long QEMU may take for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection to the monitor.
#[derive(Debug)]
pub struct Monitor {
    stream: BufReader<UnixStream>,
}

impl Monitor {
    /// Connects to the QEMU of the boot in the folder `dir`.
    ///
    /// # Errors
    ///
    /// Fails if it does not run or does not answer.
    pub fn connect(dir: &Path) -> Result<Self> {
        // By way of its folder: addresses of sockets are short, the names of
        // folders may be long.
        let folder = fs::OpenOptions::new()
            .read(true)
            .custom_flags(OFlag::O_DIRECTORY.bits())
            .open(dir)
            .with_context(|| format!("{}", dir.display()))?;
        let path = format!("/proc/self/fd/{}/{SOCKET}", folder.as_raw_fd());
        let stream = UnixStream::connect(path).context("QEMU's monitor")?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;

        let mut monitor = Self {
            stream: BufReader::new(stream),
        };
        let greeting = monitor.read().context("QEMU's monitor")?;
        if greeting.get("QMP").is_none() {
            bail!("QEMU's monitor does not greet: {greeting}");
        }
        monitor.execute("qmp_capabilities", json!({}))?;
        Ok(monitor)
    }

    fn read(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("the connection was closed");
        }
        Ok(serde_json::from_str(&line)?)
    }

    /// Executes `command` and returns its answer.
    ///
    /// # Errors
    ///
    /// Fails if QEMU says so or does not answer.
    pub fn execute(&mut self, command: &str, arguments: Value) -> Result<Value> {
        let context = || format!("QEMU's monitor: {command}");
        let request = json!({ "execute": command, "arguments": arguments });
        writeln!(self.stream.get_mut(), "{request}").with_context(context)?;
        loop {
            let answer = self.read().with_context(context)?;
            if let Some(error) = answer.get("error") {
                bail!("{}: {error}", context());
            }
            if let Some(value) = answer.get("return") {
                return Ok(value.clone());
            }
            // Something that happens in QEMU meanwhile.
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{os::unix::net::UnixListener, thread};

    /// Connects to a monitor that says `lines`, and executes a command.
    fn ask(lines: &'static str) -> Result<Value> {
        let dir = tempfile::tempdir().expect("a folder");
        let listener = UnixListener::bind(dir.path().join(SOCKET)).expect("a socket");
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            stream.write_all(lines.as_bytes()).expect("an answer");
            // Until the client is gone.
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
        let answer =
            Monitor::connect(dir.path()).and_then(|mut monitor| monitor.execute("x", json!({})));
        server.join().expect("the server");
        answer
    }

    #[test]
    fn events_are_skipped_and_errors_told() {
        const START: &str = "{\"QMP\": {}}\n{\"return\": {}}\n";
        let good = "{\"QMP\": {}}\n{\"return\": {}}\n{\"event\": \"STOP\"}\n{\"return\": 7}\n";
        assert_eq!(ask(good).expect("an answer"), json!(7));

        let bad = "{\"QMP\": {}}\n{\"return\": {}}\n{\"error\": {\"desc\": \"no such thing\"}}\n";
        let error = format!("{:#}", ask(bad).expect_err("an error"));
        assert!(error.contains("no such thing") && good.starts_with(START));

        assert!(ask("{\"return\": {}}\n").is_err());
    }
}
