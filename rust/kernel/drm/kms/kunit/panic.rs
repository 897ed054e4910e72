// SPDX-License-Identifier: GPL-2.0

//! Tests of the panic screen.

use super::fixture::*;
use crate::{
    bindings,
    drm::{
        kms::PlaneState,
        kunit::fixture::{
            Client,
            Events, //
        },
        Device, //
    },
    error::to_result,
    faux,
    prelude::*, //
};

/// Asks for the picture as the core does in a panic, save for the context.
fn scanout(dev: &Device<TestKms>) -> Result<bindings::drm_scanout_buffer> {
    let plane = plane(dev, 0)?.as_raw();
    let mut buffer = bindings::drm_scanout_buffer::default();

    // SAFETY: The plane is valid, and nobody else commits to it.
    to_result(unsafe {
        (*(*plane).helper_private)
            .get_scanout_buffer
            .ok_or(ENOSYS)?(plane, &mut buffer)
    })?;
    Ok(buffer)
}

#[kunit_tests(rust_drm_kms_panic)]
mod tests {
    use super::*;

    // What is drawn is in the framebuffer that is shown; a plane that is off has none.
    #[test]
    fn picture() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-panic", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;

        assert_eq!(scanout(&dev).err(), Some(ENODEV));
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;

        let mut buffer = scanout(&dev)?;
        assert_eq!(buffer.format, fb.format().as_raw());
        assert_eq!((buffer.width, buffer.height), SIZE);
        assert_eq!(buffer.pitch[0], SIZE.0 * 4);
        assert_eq!(buffer.pitch[1], 0);

        let pixel = 0x12_3456u32;
        // SAFETY: The offset is that of a pixel of the picture.
        unsafe {
            bindings::iosys_map_memcpy_to(
                &mut buffer.map[0],
                (buffer.pitch[0] * 2 + 4 * 3) as usize,
                (&raw const pixel).cast(),
                4,
            )
        };
        // SAFETY: The plane has a state, which nobody changes.
        let state = unsafe { PlaneState::<TestPlane>::from_raw((*plane(&dev, 0)?.as_raw()).state) };
        let mut bytes = [0; 4];
        state.map().ok_or(ENOENT)?.read_line(0, 2, 12, &mut bytes)?;
        assert_eq!(bytes, pixel.to_ne_bytes());

        commit(&dev, |commit| show(&dev, commit, None))?;
        assert_eq!(scanout(&dev).err(), Some(ENODEV));
        Ok(())
    }
}
