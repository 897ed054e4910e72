// SPDX-License-Identifier: GPL-2.0

//! What the programs of the `display` crate report, one JSON document each.

use serde::{Deserialize, Serialize};

/// The mode that a CRTC shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mode {
    /// Its name, `1024x768`.
    pub name: String,
    /// Active pixels in a line.
    pub width: u16,
    /// Active lines.
    pub height: u16,
    /// Pixel clock in kHz.
    pub clock_khz: u32,
    /// Refresh rate in Hz, rounded as DRM does.
    pub refresh_hz: u32,
}

/// Result of comparing the kernel's CRCs with our own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CrcCheck {
    /// The last CRC that was expected.
    pub expected: u32,
    /// The last CRC that the kernel gave.
    pub seen: u32,
    /// Frames whose CRC was compared.
    pub compared: u32,
    /// Frames that differed.
    pub wrong: u32,
}

/// One thing shown on the screen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// What it was.
    pub what: String,
    /// Frames put on the screen.
    pub frames: u32,
    /// The comparison of CRCs; absent if the kernel gives none.
    pub crc: Option<CrcCheck>,
    /// How long it took, in milliseconds.
    pub ms: u64,
    /// The PNG files written.
    pub files: Vec<String>,
    /// What was wrong; empty if all was well.
    pub errors: Vec<String>,
}

/// What one program saw and did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// The DRM driver's name.
    pub driver: String,
    /// The driver's description, which tells implementations of one name apart.
    pub description: String,
    /// The mode; absent if nothing is shown.
    pub mode: Option<Mode>,
    /// The pictures, in order.
    pub shown: Vec<Shown>,
}

impl Report {
    /// Whether everything that was shown was right.
    pub fn is_ok(&self) -> bool {
        self.shown.iter().all(|s| s.errors.is_empty())
    }
}

/// How fast a driver composes one scene.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Composition {
    /// What the scene is.
    pub scene: String,
    /// Planes in it.
    pub planes: usize,
    /// Whether pictures were written to memory meanwhile.
    pub written: bool,
    /// Frames composed per second.
    pub composed: f64,
    /// Pictures written to memory per second.
    pub pictures: f64,
}

/// What a driver can compose, and with how much memory.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Compositions {
    /// The driver's description, which tells implementations of one name apart.
    pub description: String,
    /// The scenes, in the same order for all drivers.
    pub scenes: Vec<Composition>,
    /// Memory that the kernel uses for itself while the last scene is composed, in KiB.
    pub kernel_kib: u64,
}
