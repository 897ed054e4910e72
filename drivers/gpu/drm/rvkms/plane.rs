// SPDX-License-Identifier: GPL-2.0

//! The planes.

use crate::{
    crtc,
    format::Format,
    RvkmsDriver, //
};
use kernel::{
    drm::kms::{
        fourcc::Fourcc,
        AsyncUpdate,
        DriverPlane,
        PlaneCheck,
        PlaneCommit,
        Scaling, //
    },
    prelude::*,
};

/// The formats that planes show.
pub(crate) const FORMATS: [Fourcc; Format::CODES.len()] = {
    let mut formats = [Fourcc::from_code(0); Format::CODES.len()];
    let mut i = 0;

    while i < formats.len() {
        formats[i] = Fourcc::from_code(Format::CODES[i]);
        i += 1;
    }
    formats
};

/// The data of a plane.
pub(crate) struct RvkmsPlane;

#[vtable]
impl DriverPlane for RvkmsPlane {
    type Driver = RvkmsDriver;
    type State = ();

    const MAP_FRAMEBUFFERS: bool = true;

    fn atomic_check(check: &PlaneCheck<'_, Self>) -> Result {
        let mut new = check.new()?;
        let Some(crtc) = new.crtc() else {
            return Ok(());
        };
        let crtc = check.add(crtc)?;

        check.check_plane_state(&mut new, &crtc, Scaling::NONE, true, true)
    }

    fn atomic_update(_commit: &PlaneCommit<'_, Self>) {
        // The CRTC takes all planes together, when it flushes.
    }

    fn async_check(_check: &PlaneCheck<'_, Self>) -> Result {
        Ok(())
    }

    fn async_update(update: &AsyncUpdate<'_, Self>) {
        crtc::show_at_once(update);
    }
}
