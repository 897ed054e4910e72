// SPDX-License-Identifier: GPL-2.0

//! What a CRTC shows right now, whoever set it up.
//!
//! The planes' framebuffers are looked up with GETFB2, mapped, and composed into a [`Canvas`].
//! That needs the rights to see foreign framebuffers' BOs (DRM master or CAP_SYS_ADMIN).

use crate::canvas::{Canvas, Pixel};
use crate::card::{Card, Properties};
use crate::format::Layout;
use crate::gamma::Table;
use crate::output::describe;
use anyhow::{Context, Result, anyhow, bail};
use drm::control::{Device as _, PlaneType, crtc, from_u32, plane};
use guest_protocol::display;
use memmap2::{Mmap, MmapOptions};
use std::os::fd::{AsFd as _, AsRawFd as _};

/// The memory of one framebuffer, and how to read it.
struct Surface {
    map: Mmap,
    layout: Layout,
    offset: usize,
    pitch: usize,
    size: (i64, i64),
}

impl Surface {
    fn open(card: &Card, id: u32) -> Result<Self> {
        let handle = from_u32(id).ok_or_else(|| anyhow!("framebuffer id 0"))?;
        let info = card
            .get_planar_framebuffer(handle)
            .map_err(|error| anyhow!("DRM_IOCTL_MODE_GETFB2 of {id}: {error}"))?;
        let layout = Layout::of(info.pixel_format())
            .ok_or_else(|| anyhow!("cannot read pixel format {:?}", info.pixel_format()))?;
        let Some(bo) = info.buffers()[0] else {
            bail!("framebuffer {id} hides its BO: not DRM master and not CAP_SYS_ADMIN");
        };
        let (width, height) = info.size();
        let offset = info.offsets()[0] as usize;
        let pitch = info.pitches()[0] as usize;
        let length =
            offset + pitch * (height as usize).saturating_sub(1) + width as usize * layout.bytes;
        let map = drm_ffi::mode::dumbbuffer::map(card.as_fd(), bo.into(), 0, 0)
            .context("DRM_IOCTL_MODE_MAP_DUMB")
            .and_then(|dumb| {
                // SAFETY: The mapping is read only. Another process may write to this memory
                // meanwhile; the bytes are copied out one by one and any value is valid.
                unsafe {
                    MmapOptions::new()
                        .offset(dumb.offset)
                        .len(length)
                        .map(card.as_fd().as_raw_fd())
                }
                .context("mapping a framebuffer")
            });
        // The mapping holds the BO; the handle that GETFB2 made is ours to close.
        card.close_buffer(bo).context("DRM_IOCTL_GEM_CLOSE")?;
        Ok(Surface {
            map: map?,
            layout,
            offset,
            pitch,
            size: (width.into(), height.into()),
        })
    }

    fn pixel(&self, x: i64, y: i64) -> Option<Pixel> {
        if !(0..self.size.0).contains(&x) || !(0..self.size.1).contains(&y) {
            return None;
        }
        let at = self.offset + y as usize * self.pitch + x as usize * self.layout.bytes;
        self.map
            .get(at..at + self.layout.bytes)
            .map(|bytes| self.layout.read(bytes))
    }
}

fn value(props: &Properties, name: &str) -> u64 {
    props.get(name).map_or(0, |&(_, value)| value)
}

/// One plane that takes part in the picture.
struct ActivePlane {
    layer: u64,
    fb: u32,
    props: Properties,
}

impl ActivePlane {
    fn of(card: &Card, handle: plane::Handle, crtc: crtc::Handle) -> Result<Option<Self>> {
        let props = card.properties(handle)?;
        let id: u32 = crtc.into();
        let fb = value(&props, "FB_ID") as u32;
        if value(&props, "CRTC_ID") != u64::from(id) || fb == 0 {
            return Ok(None);
        }
        let layer = match value(&props, "type") {
            kind if kind == PlaneType::Primary as u64 => 0,
            kind if kind == PlaneType::Cursor as u64 => 2,
            _ => 1,
        };
        Ok(Some(ActivePlane { layer, fb, props }))
    }

    fn draw(&self, card: &Card, canvas: &mut Canvas) -> Result<()> {
        const NO_ROTATION: u64 = 1;
        if let Some(&(_, rotation)) = self.props.get("rotation")
            && rotation != NO_ROTATION
        {
            bail!("a plane is rotated or reflected ({rotation:#x}), which is not modelled");
        }
        let get = |name| value(&self.props, name);
        let (width, height) = (get("CRTC_W") as i64, get("CRTC_H") as i64);
        if (get("SRC_W") >> 16, get("SRC_H") >> 16) != (get("CRTC_W"), get("CRTC_H")) {
            bail!("a plane is scaled, which is not modelled");
        }
        let source = ((get("SRC_X") >> 16) as i64, (get("SRC_Y") >> 16) as i64);
        let target = (get("CRTC_X") as i64, get("CRTC_Y") as i64);
        let surface = Surface::open(card, self.fb)?;
        for y in 0..height {
            for x in 0..width {
                if let Some(below) = canvas.pixel_mut(target.0 + x, target.1 + y)
                    && let Some(pixel) = surface.pixel(source.0 + x, source.1 + y)
                {
                    *below = pixel.over(*below);
                }
            }
        }
        Ok(())
    }
}

/// A picture taken from a CRTC.
pub struct Scanout {
    /// Which CRTC, by its index.
    pub crtc_index: usize,
    /// The mode it runs.
    pub mode: display::Mode,
    /// The composed output.
    pub canvas: Canvas,
    /// The framebuffer on the lowest plane.
    pub framebuffer: u32,
}

/// The lowest plane's framebuffer on the first CRTC that shows one.
pub fn framebuffer(card: &Card) -> Result<Option<u32>> {
    for &crtc in card.resource_handles()?.crtcs() {
        if let Some(first) = active_planes(card, crtc)?.first() {
            return Ok(Some(first.fb));
        }
    }
    Ok(None)
}

fn active_planes(card: &Card, crtc: crtc::Handle) -> Result<Vec<ActivePlane>> {
    let mut planes = Vec::new();
    for handle in card.plane_handles()? {
        planes.extend(ActivePlane::of(card, handle, crtc)?);
    }
    planes.sort_by_key(|plane| plane.layer);
    Ok(planes)
}

/// Takes the picture of the first CRTC that shows one; `None` if all are off.
pub fn capture(card: &Card) -> Result<Option<Scanout>> {
    for (crtc_index, &crtc) in card.resource_handles()?.crtcs().iter().enumerate() {
        let planes = active_planes(card, crtc)?;
        let (Some(mode), Some(lowest)) = (card.get_crtc(crtc)?.mode(), planes.first()) else {
            continue;
        };
        let mode = describe(&mode);
        let props = card.properties(crtc)?;
        let background = Pixel::opaque_from_argb64(value(&props, "BACKGROUND_COLOR"));
        let mut canvas = Canvas::filled(mode.width.into(), mode.height.into(), background);
        for plane in &planes {
            plane.draw(card, &mut canvas)?;
        }
        let gamma = value(&props, "GAMMA_LUT");
        if gamma != 0 {
            let blob = card
                .get_property_blob(gamma)
                .context("reading the gamma table")?;
            if let Some(table) = Table::from_blob(&blob) {
                canvas.apply(&table);
            }
        }
        return Ok(Some(Scanout {
            crtc_index,
            mode,
            canvas,
            framebuffer: lowest.fb,
        }));
    }
    Ok(None)
}
