// SPDX-License-Identifier: GPL-2.0

//! The initial RAM disk: the guest's first process and its plan.

use anyhow::{Context, Result};
use cpio::newc;
use guest_protocol::{PLAN_PATH, Plan};
use std::{
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

const FILE: u32 = 0o100_000;
const FOLDER: u32 = 0o040_000;

/// Writes an archive with `agent` as `/init` and `plan` beside it.
///
/// # Errors
///
/// Fails if `agent` cannot be read or `path` cannot be written.
pub fn write(path: &Path, agent: &Path, plan: &Plan) -> Result<()> {
    let agent = fs::read(agent).with_context(|| format!("{}", agent.display()))?;
    let plan = serde_json::to_vec(plan)?;
    let file = File::create(path).with_context(|| format!("{}", path.display()))?;
    fill(BufWriter::new(file), &agent, &plan).with_context(|| format!("{}", path.display()))
}

fn fill(out: impl Write, agent: &[u8], plan: &[u8]) -> std::io::Result<()> {
    let plan_name = PLAN_PATH.trim_start_matches('/');
    let entries: [(&str, u32, &[u8]); 5] = [
        ("dev", FOLDER | 0o755, &[]),
        ("newroot", FOLDER | 0o755, &[]),
        ("init", FILE | 0o755, agent),
        (plan_name, FILE | 0o644, plan),
        ("tmp", FOLDER | 0o755, &[]),
    ];
    let mut out = out;
    for (number, (name, mode, data)) in entries.into_iter().enumerate() {
        let mut writer = newc::Builder::new(name)
            .ino(number as u32 + 1)
            .mode(mode)
            .nlink(1)
            .write(out, data.len() as u32);
        writer.write_all(data)?;
        out = writer.finish()?;
    }
    newc::trailer(out)?.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn the_archive_holds_init_and_plan() {
        let mut archive = Vec::new();
        fill(&mut archive, b"program", b"{}").expect("an archive");

        let mut rest = archive.as_slice();
        let mut found = Vec::new();
        loop {
            let mut reader = newc::Reader::new(rest).expect("an entry");
            if reader.entry().is_trailer() {
                break;
            }
            let mut data = Vec::new();
            reader.read_to_end(&mut data).expect("its data");
            found.push((
                reader.entry().name().to_owned(),
                reader.entry().mode(),
                data,
            ));
            rest = reader.finish().expect("the next entry");
        }
        assert!(found.contains(&("init".into(), 0o100_755, b"program".to_vec())));
        assert!(found.contains(&("lab.json".into(), 0o100_644, b"{}".to_vec())));
    }
}
