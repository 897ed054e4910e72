// SPDX-License-Identifier: GPL-2.0

//! The file `vkms_config` in debugfs, which shows what a device consists of.

use crate::RvkmsDriver;
use kernel::{
    drm::debugfs::Dir,
    fmt::Write,
    prelude::*, //
};

/// Adds the file to the directory of a device.
///
/// What it shows belongs to the device: it is there as long as the file is, whatever happens in
/// configfs.
pub(crate) fn init(dir: &Dir<'_, RvkmsDriver>) {
    dir.add_file(c"vkms_config", |dev, (), out| {
        let topology = &dev.topology;

        out.write_fmt(fmt!("dev_name={}\n", &*dev.name))?;
        for plane in topology.planes.values() {
            out.write_fmt(fmt!("plane:\n\ttype={}\n", plane.type_ as u32))?;
        }
        for crtc in topology.crtcs.values() {
            out.write_fmt(fmt!("crtc:\n\twriteback={}\n", u32::from(crtc.writeback)))?;
        }
        for _ in topology.encoders.values() {
            out.write_str("encoder\n")?;
        }
        for connector in topology.connectors.values() {
            let status = connector.status.get() as u32;

            out.write_fmt(fmt!("connector:\n\tstatus={}\n", status))?;
        }
        Ok(())
    });
}
