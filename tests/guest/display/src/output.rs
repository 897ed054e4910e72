// SPDX-License-Identifier: GPL-2.0

//! A connector, the CRTC and primary plane that drive it, and framebuffers to show there.

use crate::canvas::Area;
use crate::card::{Card, Properties};
use anyhow::{Context, Result, anyhow, bail};
use drm::buffer::{Buffer as _, DrmFourcc};
use drm::control::atomic::AtomicModeReq;
use drm::control::dumbbuffer::{DumbBuffer, DumbMapping};
use drm::control::{
    AtomicCommitFlags, Device as _, Mode, PlaneType, RawResourceHandle, ResourceHandle, connector,
    crtc, framebuffer, plane, property,
};
use guest_protocol::display;
use std::time::Duration;

/// A framebuffer on a dumb BO of its own.
pub struct Framebuffer {
    bo: DumbBuffer,
    handle: framebuffer::Handle,
}

impl Framebuffer {
    /// Allocates XRGB8888 memory of the given size and makes a framebuffer of it.
    pub fn new(card: &Card, width: u32, height: u32) -> Result<Self> {
        Self::with_format(card, DrmFourcc::Xrgb8888, width, height)
    }

    /// Allocates memory of a format that has 32 bits per pixel, and makes a framebuffer of it.
    pub fn with_format(card: &Card, format: DrmFourcc, width: u32, height: u32) -> Result<Self> {
        let bo = card
            .create_dumb_buffer((width, height), format, 32)
            .context("DRM_IOCTL_MODE_CREATE_DUMB")?;
        let depth = if format == DrmFourcc::Argb8888 {
            32
        } else {
            24
        };
        let handle = card
            .add_framebuffer(&bo, depth, 32)
            .context("DRM_IOCTL_MODE_ADDFB")?;
        Ok(Framebuffer { bo, handle })
    }

    /// Bytes from one line to the next.
    pub fn pitch(&self) -> usize {
        self.bo.pitch() as usize
    }

    /// The framebuffer's mode object.
    pub fn handle(&self) -> framebuffer::Handle {
        self.handle
    }

    /// Maps the memory.
    pub fn map<'a>(&'a mut self, card: &Card) -> Result<DumbMapping<'a>> {
        card.map_dumb_buffer(&mut self.bo)
            .context("DRM_IOCTL_MODE_MAP_DUMB")
    }

    /// Removes the framebuffer and frees the memory.
    pub fn destroy(self, card: &Card) -> Result<()> {
        card.destroy_framebuffer(self.handle)
            .context("DRM_IOCTL_MODE_RMFB")?;
        card.destroy_dumb_buffer(self.bo)
            .context("DRM_IOCTL_MODE_DESTROY_DUMB")
    }
}

/// A connected connector and what drives it.
pub struct Output {
    connector: connector::Handle,
    connector_props: Properties,
    crtc: crtc::Handle,
    crtc_index: usize,
    crtc_props: Properties,
    plane: plane::Handle,
    plane_props: Properties,
    mode: Mode,
}

fn property_of(props: &Properties, name: &str) -> Result<property::Handle> {
    props
        .get(name)
        .map(|&(handle, _)| handle)
        .ok_or_else(|| anyhow!("the driver has no property {name}"))
}

impl Output {
    /// Takes the first connected connector, its first mode, and the first CRTC and primary plane
    /// that can drive it.
    pub fn first_connected(card: &Card) -> Result<Self> {
        let resources = card
            .resource_handles()
            .context("DRM_IOCTL_MODE_GETRESOURCES")?;
        let connector = resources
            .connectors()
            .iter()
            .filter_map(|&handle| card.get_connector(handle, true).ok())
            .find(|info| info.state() == connector::State::Connected)
            .ok_or_else(|| anyhow!("no connector is connected"))?;
        let mode = *connector
            .modes()
            .first()
            .ok_or_else(|| anyhow!("connector {} has no mode", raw(connector.handle())))?;
        for &encoder in connector.encoders() {
            let possible = card.get_encoder(encoder)?.possible_crtcs();
            for crtc in resources.filter_crtcs(possible) {
                let crtc_index = resources
                    .crtcs()
                    .iter()
                    .position(|&c| c == crtc)
                    .unwrap_or_default();
                for plane in card.plane_handles()? {
                    let info = card.get_plane(plane)?;
                    let plane_props = card.properties(plane)?;
                    let primary =
                        plane_props.get("type").map(|p| p.1) == Some(PlaneType::Primary as u64);
                    if primary
                        && resources
                            .filter_crtcs(info.possible_crtcs())
                            .contains(&crtc)
                    {
                        return Ok(Output {
                            connector: connector.handle(),
                            connector_props: card.properties(connector.handle())?,
                            crtc,
                            crtc_index,
                            crtc_props: card.properties(crtc)?,
                            plane,
                            plane_props,
                            mode,
                        });
                    }
                }
            }
        }
        bail!(
            "no CRTC with a primary plane can drive connector {}",
            raw(connector.handle())
        )
    }

    /// Width and height of the mode.
    pub fn size(&self) -> (u32, u32) {
        let (width, height) = self.mode.size();
        (width.into(), height.into())
    }

    /// The index of the CRTC, which names its debugfs directory.
    pub fn crtc_index(&self) -> usize {
        self.crtc_index
    }

    /// The CRTC.
    pub fn crtc(&self) -> crtc::Handle {
        self.crtc
    }

    /// The mode, for reports.
    pub fn mode(&self) -> display::Mode {
        describe(&self.mode)
    }

    /// How long one refresh takes by the mode's timings.
    pub fn frame_duration(&self) -> Duration {
        let pixels = u64::from(self.mode.hsync().2) * u64::from(self.mode.vsync().2);
        Duration::from_nanos(pixels * 1_000_000 / u64::from(self.mode.clock().max(1)))
    }

    /// Sets the mode and shows `fb`, in one blocking commit.
    pub fn enable(&self, card: &Card, fb: &Framebuffer) -> Result<()> {
        let mut request = AtomicModeReq::new();
        let blob = card
            .create_property_blob(&self.mode)
            .context("creating the mode blob")?;
        let mut set = |object: RawResourceHandle, props: &Properties, name: &str, value| {
            property_of(props, name).map(|id| request.add_raw_property(object, id, value))
        };
        let (crtc, plane) = (self.crtc.into(), self.plane.into());
        let (width, height) = self.size();
        let (width, height) = (u64::from(width), u64::from(height));
        set(
            self.connector.into(),
            &self.connector_props,
            "CRTC_ID",
            raw(self.crtc),
        )?;
        set(crtc, &self.crtc_props, "MODE_ID", blob.into())?;
        set(crtc, &self.crtc_props, "ACTIVE", 1)?;
        for (name, value) in [
            ("FB_ID", raw(fb.handle)),
            ("CRTC_ID", raw(self.crtc)),
            ("SRC_X", 0),
            ("SRC_Y", 0),
            ("SRC_W", width << 16),
            ("SRC_H", height << 16),
            ("CRTC_X", 0),
            ("CRTC_Y", 0),
            ("CRTC_W", width),
            ("CRTC_H", height),
        ] {
            set(plane, &self.plane_props, name, value)?;
        }
        // A table that an earlier client left behind would colour our pictures.
        if self.crtc_props.contains_key("GAMMA_LUT") {
            set(crtc, &self.crtc_props, "GAMMA_LUT", 0)?;
        }
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)
            .context("atomic commit that sets the mode")
    }

    /// Shows `fb` from the next refresh on; a page-flip event tells when it has happened.
    pub fn flip(&self, card: &Card, fb: &Framebuffer) -> Result<()> {
        let mut request = AtomicModeReq::new();
        request.add_raw_property(
            self.plane.into(),
            property_of(&self.plane_props, "FB_ID")?,
            raw(fb.handle),
        );
        card.atomic_commit(
            AtomicCommitFlags::NONBLOCK | AtomicCommitFlags::PAGE_FLIP_EVENT,
            request,
        )
        .context("atomic commit that flips")
    }

    /// Takes the connector's first mode of that size from now on.
    pub fn set_size(&mut self, card: &Card, size: (u16, u16)) -> Result<()> {
        let info = card
            .get_connector(self.connector, false)
            .context("DRM_IOCTL_MODE_GETCONNECTOR")?;
        self.mode = *info
            .modes()
            .iter()
            .find(|mode| mode.size() == size)
            .ok_or_else(|| anyhow!("the connector has no mode of {} by {}", size.0, size.1))?;
        Ok(())
    }

    /// Shows the part of `fb` that begins at `at`, in one blocking commit that says that only
    /// `damage` differs from what was shown; nothing is said if that is empty.
    pub fn update(
        &self,
        card: &Card,
        fb: &Framebuffer,
        at: (u32, u32),
        damage: &[Area],
    ) -> Result<()> {
        let clips: Vec<[i32; 4]> = damage
            .iter()
            .map(|area| [area.x, area.y, area.x + area.width, area.y + area.height])
            .map(|edges| edges.map(|edge| edge as i32))
            .collect();
        let blob = match clips.as_slice() {
            [] => 0,
            clips => card
                .create_property_blob(clips)
                .context("creating the damage blob")?
                .into(),
        };
        let mut request = AtomicModeReq::new();
        for (name, value) in [
            ("FB_ID", raw(fb.handle)),
            ("SRC_X", u64::from(at.0) << 16),
            ("SRC_Y", u64::from(at.1) << 16),
            ("FB_DAMAGE_CLIPS", blob),
        ] {
            let id = property_of(&self.plane_props, name)?;
            request.add_raw_property(self.plane.into(), id, value);
        }
        card.atomic_commit(AtomicCommitFlags::empty(), request)
            .context("atomic commit with damage")
    }

    /// Turns everything off, in one blocking commit.
    pub fn disable(&self, card: &Card) -> Result<()> {
        let mut request = AtomicModeReq::new();
        for (object, props, name) in [
            (self.connector.into(), &self.connector_props, "CRTC_ID"),
            (self.crtc.into(), &self.crtc_props, "MODE_ID"),
            (self.crtc.into(), &self.crtc_props, "ACTIVE"),
            (self.plane.into(), &self.plane_props, "FB_ID"),
            (self.plane.into(), &self.plane_props, "CRTC_ID"),
        ] {
            request.add_raw_property(object, property_of(props, name)?, 0);
        }
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)
            .context("atomic commit that turns off")
    }
}

/// A DRM mode in the words of the report.
pub fn describe(mode: &Mode) -> display::Mode {
    display::Mode {
        name: mode.name().to_string_lossy().into_owned(),
        width: mode.size().0,
        height: mode.size().1,
        clock_khz: mode.clock(),
        refresh_hz: mode.vrefresh(),
    }
}

fn raw(handle: impl ResourceHandle) -> u64 {
    let id: u32 = handle.into();
    id.into()
}
