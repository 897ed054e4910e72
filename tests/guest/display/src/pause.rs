// SPDX-License-Identifier: GPL-2.0

//! Waiting for the host, which looks at the screen from outside.

use anyhow::{Context, Result, bail};
use guest_protocol::{PAUSE_DIR, PAUSE_END};
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// How often to look whether the host is done.
const POLL: Duration = Duration::from_millis(10);

/// Tells the host, by the folder `run` that both see, that it is time for `name`, and waits until
/// it has dealt with that.
pub fn pause(run: &Path, name: &str, patience: Duration) -> Result<()> {
    let folder = run.join(PAUSE_DIR);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let file = folder.join(name);
    std::fs::write(&file, "").with_context(|| format!("creating {}", file.display()))?;
    let answer = folder.join(format!("{name}{PAUSE_END}"));
    let began = Instant::now();
    while !answer
        .try_exists()
        .with_context(|| format!("looking for {}", answer.display()))?
    {
        if began.elapsed() >= patience {
            bail!("the host does not react to {name}");
        }
        sleep(POLL);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends_when_the_host_says_so_and_only_then() {
        let folder = std::env::temp_dir().join(format!("pause-{}", std::process::id()));
        let pauses = folder.join(PAUSE_DIR);
        assert!(pause(&folder, "nobody", Duration::from_millis(50)).is_err());

        let host = std::thread::spawn(move || {
            while !pauses.join("somebody").exists() {
                sleep(POLL);
            }
            std::fs::write(pauses.join(format!("somebody{PAUSE_END}")), "").unwrap();
        });
        pause(&folder, "somebody", Duration::from_secs(60)).unwrap();
        host.join().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
