// SPDX-License-Identifier: GPL-2.0

//! A scene of several planes on a CRTC whose picture can also be written to memory.

use crate::card::{Card, Properties};
use crate::output::Framebuffer;
use anyhow::{Context, Result, anyhow, bail};
use drm::buffer::DrmFourcc;
use drm::control::atomic::AtomicModeReq;
use drm::control::{
    AtomicCommitFlags, Device as _, Mode, PlaneType, RawResourceHandle, ResourceHandle, connector,
    crtc, plane, property,
};
use drm::{ClientCapability, Device as _};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{FromRawFd as _, OwnedFd};
use std::time::Duration;

/// Vblanks per second of [`fast_mode`].
const REFRESH: u32 = 1000;

/// A mode of the given size that is refreshed far more often than any display is: what is composed
/// for each vblank then depends on the composer alone.
pub fn fast_mode(width: u16, height: u16) -> Mode {
    let (htotal, vtotal) = (width + 40, height + 10);
    let mut raw = drm_ffi::drm_sys::drm_mode_modeinfo {
        clock: u32::from(htotal) * u32::from(vtotal) / 1000 * REFRESH,
        hdisplay: width,
        hsync_start: width + 8,
        hsync_end: width + 24,
        htotal,
        vdisplay: height,
        vsync_start: height + 2,
        vsync_end: height + 5,
        vtotal,
        vrefresh: REFRESH,
        type_: drm_ffi::drm_sys::DRM_MODE_TYPE_USERDEF,
        // SAFETY: All bytes zero is a mode: it has numbers only.
        ..unsafe { std::mem::zeroed() }
    };
    for (to, from) in raw.name.iter_mut().zip(b"fast") {
        *to = *from as _;
    }
    Mode::from(raw)
}

/// An object with its properties.
struct Object<H> {
    handle: H,
    props: Properties,
}

impl<H: ResourceHandle> Object<H> {
    fn new(card: &Card, handle: H) -> Result<Self> {
        Ok(Self {
            handle,
            props: card.properties(handle)?,
        })
    }

    fn property(&self, name: &str) -> Result<property::Handle> {
        self.props
            .get(name)
            .map(|&(handle, _)| handle)
            .ok_or_else(|| anyhow!("the driver has no property {name}"))
    }

    fn set(&self, request: &mut AtomicModeReq, name: &str, value: u64) -> Result<()> {
        let object: RawResourceHandle = self.handle.into();
        request.add_raw_property(object, self.property(name)?, value);
        Ok(())
    }
}

/// A framebuffer with its place on the screen.
pub struct Layer {
    /// The framebuffer, of the size that is shown.
    pub fb: Framebuffer,
    /// Left and top.
    pub at: (u32, u32),
    /// Width and height.
    pub size: (u32, u32),
}

/// A CRTC, its planes and its connectors.
pub struct Scene {
    crtc: Object<crtc::Handle>,
    crtc_index: usize,
    shown: Object<connector::Handle>,
    written: Option<Object<connector::Handle>>,
    planes: Vec<Object<plane::Handle>>,
}

/// The value of a property.
fn value(props: &Properties, name: &str) -> u64 {
    props.get(name).map_or(0, |&(_, value)| value)
}

fn raw(handle: impl ResourceHandle) -> u64 {
    let id: u32 = handle.into();
    id.into()
}

impl Scene {
    /// Takes the first CRTC with its primary and overlay planes, the first connector that is a
    /// display, and the first that writes to memory.
    pub fn new(card: &Card) -> Result<Self> {
        card.set_client_capability(ClientCapability::WritebackConnectors, true)
            .context("DRM_CLIENT_CAP_WRITEBACK_CONNECTORS")?;
        let resources = card.resource_handles()?;
        let crtc = *resources
            .crtcs()
            .first()
            .ok_or_else(|| anyhow!("no CRTC"))?;
        let mut shown = None;
        let mut written = None;
        for &handle in resources.connectors() {
            let info = card.get_connector(handle, true)?;
            let slot = match info.interface() {
                connector::Interface::Writeback => &mut written,
                _ => &mut shown,
            };
            if slot.is_none() {
                *slot = Some(Object::new(card, handle)?);
            }
        }
        let mut planes = Vec::new();
        for handle in card.plane_handles()? {
            let plane = Object::new(card, handle)?;
            if value(&plane.props, "type") != PlaneType::Cursor as u64 {
                planes.push(plane);
            }
        }
        planes.sort_by_key(|p| value(&p.props, "type") != PlaneType::Primary as u64);
        Ok(Self {
            crtc: Object::new(card, crtc)?,
            crtc_index: 0,
            shown: shown.ok_or_else(|| anyhow!("no connector is a display"))?,
            written,
            planes,
        })
    }

    /// The index of the CRTC, which names its debugfs directory.
    pub fn crtc_index(&self) -> usize {
        self.crtc_index
    }

    /// How many layers there can be.
    pub fn max_layers(&self) -> usize {
        self.planes.len()
    }

    /// Whether pictures can be written to memory.
    pub fn can_write(&self) -> bool {
        self.written.is_some()
    }

    /// Makes a framebuffer of `format`, which must have 32 bits per pixel.
    pub fn framebuffer(
        card: &Card,
        format: DrmFourcc,
        (width, height): (u32, u32),
    ) -> Result<Framebuffer> {
        Framebuffer::with_format(card, format, width, height)
    }

    /// Sets the mode and shows `layers`, the lowest first; all other planes are switched off.
    pub fn show(&self, card: &Card, mode: &Mode, layers: &[Layer]) -> Result<()> {
        if layers.len() > self.planes.len() {
            bail!("the CRTC has {} planes only", self.planes.len());
        }
        let mut request = AtomicModeReq::new();
        let blob = card.create_property_blob(mode).context("the mode blob")?;
        let crtc = raw(self.crtc.handle);
        self.crtc.set(&mut request, "MODE_ID", blob.into())?;
        self.crtc.set(&mut request, "ACTIVE", 1)?;
        self.shown.set(&mut request, "CRTC_ID", crtc)?;
        if let Some(written) = &self.written {
            written.set(&mut request, "CRTC_ID", crtc)?;
        }
        for (i, plane) in self.planes.iter().enumerate() {
            let Some(layer) = layers.get(i) else {
                plane.set(&mut request, "FB_ID", 0)?;
                plane.set(&mut request, "CRTC_ID", 0)?;
                continue;
            };
            let ((x, y), (width, height)) = (layer.at, layer.size);
            for (name, value) in [
                ("FB_ID", raw(layer.fb.handle())),
                ("CRTC_ID", crtc),
                ("SRC_X", 0),
                ("SRC_Y", 0),
                ("SRC_W", u64::from(width) << 16),
                ("SRC_H", u64::from(height) << 16),
                ("CRTC_X", x.into()),
                ("CRTC_Y", y.into()),
                ("CRTC_W", width.into()),
                ("CRTC_H", height.into()),
            ] {
                plane.set(&mut request, name, value)?;
            }
        }
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)
            .context("atomic commit that shows the scene")
    }

    /// Has the picture written to `fb`, and waits until it is. Returns whether it was, in time.
    pub fn write(&self, card: &Card, fb: &Framebuffer, limit: Duration) -> Result<bool> {
        let written = self
            .written
            .as_ref()
            .ok_or_else(|| anyhow!("no writeback connector"))?;
        let mut fence: i32 = -1;
        let mut request = AtomicModeReq::new();
        written.set(&mut request, "WRITEBACK_FB_ID", raw(fb.handle()))?;
        let address = std::ptr::from_mut(&mut fence) as usize as u64;
        written.set(&mut request, "WRITEBACK_OUT_FENCE_PTR", address)?;
        card.atomic_commit(AtomicCommitFlags::NONBLOCK, request)
            .context("atomic commit that writes the picture")?;
        if fence < 0 {
            bail!("no fence for the picture");
        }
        // SAFETY: The kernel has made this file descriptor for us.
        let fence = unsafe { OwnedFd::from_raw_fd(fence) };
        let timeout = Timespec::try_from(limit).context("time limit")?;
        let mut fds = [PollFd::new(&fence, PollFlags::IN)];
        Ok(poll(&mut fds, Some(&timeout)).context("waiting for the fence")? != 0)
    }

    /// Switches everything off.
    pub fn hide(&self, card: &Card) -> Result<()> {
        let mut request = AtomicModeReq::new();
        for plane in &self.planes {
            plane.set(&mut request, "FB_ID", 0)?;
            plane.set(&mut request, "CRTC_ID", 0)?;
        }
        self.shown.set(&mut request, "CRTC_ID", 0)?;
        if let Some(written) = &self.written {
            written.set(&mut request, "CRTC_ID", 0)?;
        }
        self.crtc.set(&mut request, "MODE_ID", 0)?;
        self.crtc.set(&mut request, "ACTIVE", 0)?;
        card.atomic_commit(AtomicCommitFlags::ALLOW_MODESET, request)
            .context("atomic commit that switches off")
    }
}
