// SPDX-License-Identifier: GPL-2.0

//! Waiting for the host, which looks at the screen from outside.

use anyhow::{Context, Result, bail};
use guest_protocol::PAUSE_DIR;
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
    let began = Instant::now();
    while file
        .try_exists()
        .with_context(|| format!("looking for {}", file.display()))?
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
    fn it_ends_when_the_file_is_gone_and_only_then() {
        let folder = std::env::temp_dir().join(format!("pause-{}", std::process::id()));
        let pauses = folder.join(PAUSE_DIR);
        std::fs::create_dir_all(&pauses).unwrap();
        assert!(pause(&folder, "nobody", Duration::from_millis(50)).is_err());

        let host = std::thread::spawn(move || {
            while std::fs::remove_file(pauses.join("somebody")).is_err() {
                sleep(POLL);
            }
        });
        pause(&folder, "somebody", Duration::from_secs(60)).unwrap();
        host.join().unwrap();
        std::fs::remove_dir_all(folder).unwrap();
    }
}
