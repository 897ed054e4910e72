// SPDX-License-Identifier: GPL-2.0

//! Clients that people use displays with, as they come from the distribution.

use crate::{
    boot::{self, Driver},
    kernel::Built,
    machine::{self, Boot, GUEST_RUN, Report},
    show::{self, Row},
};
use anyhow::{Context, Result};
use guest_protocol::Action;
use serde_json::Value;
use std::{fs, path::Path, time::Duration};

/// How long one client may take. A debug kernel on a busy machine is slow.
const LIMIT: Duration = Duration::from_secs(300);

/// Where `drm_info` leaves what it found, in the folder of the boot.
const INFO: &str = "drm-info.json";

/// A client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Client {
    /// The Wayland compositor, on its DRM backend with pixman.
    Weston,
    /// The X server, with its modesetting driver.
    Xorg,
    /// Lists everything that a DRM device tells.
    DrmInfo,
    /// libdrm's test.
    Modetest,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Weston, Self::Xorg, Self::DrmInfo, Self::Modetest];

    /// Returns the name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Weston => "weston",
            Self::Xorg => "xorg",
            Self::DrmInfo => "drm-info",
            Self::Modetest => "modetest",
        }
    }

    /// What runs in the guest.
    fn script(self) -> String {
        let own = match self {
            Self::Weston => include_str!("weston.sh"),
            Self::Xorg => include_str!("xorg.sh"),
            Self::DrmInfo => include_str!("drm-info.sh"),
            Self::Modetest => include_str!("modetest.sh"),
        };
        include_str!("devices.sh").to_owned() + own
    }

    /// The pictures that it leaves.
    const fn pictures(self) -> &'static [&'static str] {
        match self {
            Self::Weston => &["weston"],
            Self::Xorg => &["xorg", "xorg-gamma", "xorg-on"],
            Self::DrmInfo | Self::Modetest => &[],
        }
    }

    /// The client's own log, if it writes one.
    pub const fn log(self) -> Option<&'static str> {
        match self {
            Self::Weston => Some("weston.log"),
            Self::Xorg => Some("xorg.log"),
            Self::DrmInfo | Self::Modetest => None,
        }
    }

    /// Adds the steps to a boot.
    ///
    /// # Errors
    ///
    /// Fails if the build lacks the driver, or a file cannot be written.
    pub fn plan(self, boot: &mut Boot, built: &Built, driver: Driver) -> Result<()> {
        boot::load_driver(boot, built, driver)?;
        let script = format!("{}.sh", self.name());
        let path = boot.dir.join(&script);
        fs::write(&path, self.script()).with_context(|| format!("{}", path.display()))?;
        let mut command = machine::command(["bash", &format!("{GUEST_RUN}/{script}")]);
        command.env = vec![
            ("RUN".into(), GUEST_RUN.into()),
            ("DRIVER".into(), driver.drm_name().into()),
        ];
        boot.step(self.name(), LIMIT, Action::Run(command));
        Ok(())
    }

    /// Judges what happened.
    pub fn rows(self, report: &Report) -> Vec<Row> {
        let mut rows = show::failed_loads(report);
        for picture in self.pictures() {
            rows.extend(show::picture_rows(report, self.name(), picture));
        }
        let complaint = boot::step_complaint(report, self.name());
        if self.pictures().is_empty() || !complaint.is_empty() {
            rows.push(show::row(self.name(), "ran to its end", report, complaint));
        }
        rows
    }
}

/// Reads what `drm_info` found.
///
/// # Errors
///
/// Fails if it left nothing.
pub fn info(report: &Report) -> Result<Value> {
    read_info(&report.dir.join(INFO))
}

fn read_info(path: &Path) -> Result<Value> {
    let text = fs::read(path).with_context(|| format!("{}", path.display()))?;
    serde_json::from_slice(&text).with_context(|| format!("{}", path.display()))
}

/// Says what `drm_info` found on `theirs` and not on `ours`. Numbers of objects
/// do not count, and neither does what `ours` has beyond.
pub fn lacking(theirs: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare("", theirs, ours, &mut found);
    found
}

/// Names of numbers that the kernel hands out.
const NUMBERS: [&str; 7] = [
    "id",
    "encoders",
    "encoder_id",
    "crtc_id",
    "fb_id",
    "raw_value",
    "start",
];

fn compare(path: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(theirs), Value::Object(ours)) => {
            // Properties such as CRTC_ID, whose value is the number of an object.
            let number = |name: &str| name == "value" && path.ends_with("_ID");
            for (name, value) in theirs {
                let path = format!("{path}/{name}");
                match ours.get(name) {
                    _ if NUMBERS.contains(&name.as_str()) || number(name) => {}
                    Some(other) => compare(&path, value, other, found),
                    None => found.push(format!("{path} is missing")),
                }
            }
        }
        (Value::Array(theirs), Value::Array(ours)) if theirs.len() == ours.len() => {
            for (number, (theirs, ours)) in theirs.iter().zip(ours).enumerate() {
                compare(&format!("{path}/{number}"), theirs, ours, found);
            }
        }
        _ if theirs == ours => {}
        _ => found.push(format!("{path} is {}, not {}", short(ours), short(theirs))),
    }
}

/// A value, or how long it is.
fn short(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("a list of {}", list.len()),
        Value::Object(_) => "an object".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;
    use serde_json::json;

    #[test]
    fn names_are_those_of_the_command_line() {
        for client in Client::ALL {
            let value = client.to_possible_value().expect("a name");
            assert_eq!(value.get_name(), client.name());
        }
    }

    #[test]
    fn what_the_other_driver_has_is_looked_for() {
        let theirs = json!({"planes": [{"id": 3, "rotation": 1, "formats": [1, 2]}]});
        let same = json!({"planes": [{"id": 9, "rotation": 1, "formats": [1, 2], "zpos": 4}]});
        assert_eq!(lacking(&theirs, &same), Vec::<String>::new());
        let less = json!({"planes": [{"id": 3, "formats": [1]}]});
        assert_eq!(
            lacking(&theirs, &less),
            [
                "/planes/0/formats is a list of 1, not a list of 2",
                "/planes/0/rotation is missing",
            ]
        );
        let other = |id: u32| json!({"CRTC_ID": {"type": 64, "value": id}});
        assert_eq!(lacking(&other(45), &other(47)), Vec::<String>::new());
        let none = json!({"planes": []});
        assert_eq!(lacking(&theirs, &none).len(), 1);
    }
}
