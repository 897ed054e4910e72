// SPDX-License-Identifier: GPL-2.0

//! Taking a display over from the firmware's framebuffer.
//!
//! C header: [`include/linux/aperture.h`](srctree/include/linux/aperture.h)

use crate::{
    bindings,
    device,
    drm,
    error::to_result,
    pci,
    prelude::*,
    str::CStrExt, //
};

/// Removes the drivers of the framebuffer that the firmware has set up on `dev`, on behalf of the
/// DRM driver `D`.
///
/// Call it in `probe`, before the BARs are requested: that driver holds them, and goes on drawing
/// otherwise. Does nothing if there is no such driver. Sleeps. C:
/// `aperture_remove_conflicting_pci_devices()`.
///
/// # Errors
///
/// Those of removing a VGA driver; then the display is not to be used.
pub fn remove_conflicting_pci_devices<D: drm::Driver>(dev: &pci::Device<device::Bound>) -> Result {
    let dev: &device::Device = dev.as_ref();

    // SAFETY: The device is the one of a PCI device, which is bound, and the name is terminated.
    to_result(unsafe {
        bindings::aperture_remove_conflicting_pci_devices(
            crate::container_of!(dev.as_raw(), bindings::pci_dev, dev),
            D::INFO.name.as_char_ptr(),
        )
    })
}
