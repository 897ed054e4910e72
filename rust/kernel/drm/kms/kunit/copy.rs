// SPDX-License-Identifier: GPL-2.0

//! Tests of damage and of copies into I/O memory.

use super::fixture::*;
use crate::{
    bindings,
    drm::{
        kms::{
            fourcc,
            Framebuffer,
            Rect, //
        },
        kunit::fixture::{
            Client,
            Events, //
        },
        Device, //
    },
    error::from_err_ptr,
    faux,
    io::SysMem,
    prelude::*, //
};

crate::sync::global_lock! {
    /// The damage of the last commit.
    // SAFETY: Initialised by the only test that uses it.
    unsafe(uninit) static LAST_DAMAGE: Mutex<KVec<Rect>> = KVec::new();
}

fn rect(x1: i32, y1: i32, x2: i32, y2: i32) -> Rect {
    Rect { x1, y1, x2, y2 }
}

/// What a commit says besides that it shows a framebuffer.
#[derive(Copy, Clone, Default)]
struct Extra<'a> {
    clips: &'a [Rect],
    src_x: u32,
    modeset: bool,
}

/// Shows `fb`; returns the damage of the plane.
fn update(
    dev: &Device<TestKms>,
    fb: &Framebuffer<TestKms>,
    extra: Extra<'_>,
) -> Result<KVec<Rect>> {
    LAST_DAMAGE.lock().clear();
    commit(dev, |commit| {
        show(dev, commit, Some(fb))?;
        let (crtc, plane) = (crtc(dev, 0)?.as_raw(), plane(dev, 0)?.as_raw());

        // SAFETY: Both objects are in the commit, which is valid and unchecked. The state takes
        // over the reference to the blob, which has as many bytes as are copied into it.
        unsafe {
            let state = from_err_ptr(bindings::drm_atomic_get_plane_state(commit, plane))?;
            (*state).src_x = extra.src_x << 16;
            if !extra.clips.is_empty() {
                let blob = from_err_ptr(bindings::drm_property_create_blob(
                    dev.as_raw(),
                    core::mem::size_of_val(extra.clips),
                    core::ptr::null(),
                ))?;
                let to = (*blob).data.cast::<bindings::drm_mode_rect>();
                for (i, clip) in extra.clips.iter().enumerate() {
                    to.add(i).write(bindings::drm_mode_rect {
                        x1: clip.x1,
                        y1: clip.y1,
                        x2: clip.x2,
                        y2: clip.y2,
                    });
                }
                (*state).fb_damage_clips = blob;
            }
            if extra.modeset {
                let state = from_err_ptr(bindings::drm_atomic_get_crtc_state(commit, crtc))?;
                (*state).set_mode_changed(true);
            }
        }
        Ok(())
    })?;
    Ok(core::mem::take(&mut LAST_DAMAGE.lock()))
}

#[kunit_tests(rust_drm_kms_copy)]
mod tests {
    use super::*;

    #[test]
    fn damage() -> Result {
        static SCRIPT: Script = Script {
            update: |commit| {
                let mut rects = LAST_DAMAGE.lock();

                for rect in commit.damage() {
                    if rects.push(rect, GFP_KERNEL).is_err() {
                        rects.clear();
                    }
                }
            },
            ..Script::DEFAULT
        };
        // SAFETY: Called once: no other test uses the lock.
        unsafe { LAST_DAMAGE.init() };

        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-damage", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let (width, height) = SIZE;
        let bo = dumb(&dev, &client, (width + 64) * 4 * height)?;
        let size = (width + 64, height);
        let fb = framebuffer(
            &dev,
            &client,
            fourcc::XRGB8888,
            size,
            &[(bo, size.0 * 4, 0)],
        )?;
        let whole = rect(0, 0, 640, 480);
        let clips = [
            rect(10, 20, 30, 40),
            rect(600, 470, 700, 480),
            rect(640, 0, 650, 10),
            rect(0, 0, 5, 5),
        ];
        let extra = Extra {
            clips: &clips,
            ..Extra::default()
        };

        // Switched on: nothing is there yet, whatever user space says.
        assert_eq!(update(&dev, &fb, extra)?.as_slice(), [whole]);
        // User space says nothing.
        assert_eq!(update(&dev, &fb, Extra::default())?.as_slice(), [whole]);
        // Only what is visible, and of that all that is said.
        let inside = [
            rect(10, 20, 30, 40),
            rect(600, 470, 640, 480),
            rect(0, 0, 5, 5),
        ];
        assert_eq!(update(&dev, &fb, extra)?.as_slice(), inside);
        // What is said counts once.
        assert_eq!(update(&dev, &fb, Extra::default())?.as_slice(), [whole]);
        // Nothing that is visible.
        let beyond = Extra {
            clips: &[rect(650, 0, 660, 10)],
            ..extra
        };
        assert_eq!(update(&dev, &fb, beyond)?.as_slice(), []);
        // Another part of the framebuffer, and then a modeset.
        let moved = Extra { src_x: 16, ..extra };
        let there = rect(16, 0, 656, 480);
        assert_eq!(update(&dev, &fb, moved)?.as_slice(), [there]);
        let inside = [
            rect(16, 20, 30, 40),
            rect(600, 470, 656, 480),
            rect(640, 0, 650, 10),
        ];
        assert_eq!(update(&dev, &fb, moved)?.as_slice(), inside);
        let modeset = Extra {
            modeset: true,
            ..moved
        };
        assert_eq!(update(&dev, &fb, modeset)?.as_slice(), [there]);

        commit(&dev, |commit| show(&dev, commit, None))?;
        Ok(())
    }

    /// The bytes of line `y` of a framebuffer.
    fn line(y: u8) -> impl Iterator<Item = u8> {
        (0..=u8::MAX).cycle().map(move |byte| byte ^ (y << 3))
    }

    #[test]
    fn copy_to_io() -> Result {
        const SIZE: usize = 4096;

        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-copy", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let bo = dumb(&dev, &client, 8192)?;
        let fb = framebuffer(&dev, &client, fourcc::XRGB8888, (100, 8), &[(bo, 512, 64)])?;
        let map = fb.vmap()?;
        let mut bytes = [0; 400];

        for y in 0..8 {
            for (byte, value) in bytes.iter_mut().zip(line(y)) {
                *byte = value;
            }
            map.write_line(0, y.into(), 0, &bytes)?;
        }

        let mut memory = KVec::from_elem(0xaau8, SIZE, GFP_KERNEL)?;
        let slice: *mut [u8] = memory.as_mut_slice();
        // SAFETY: The memory lives to the end of the test; from here on it is looked at in
        // between the calls only.
        let dst = unsafe { SysMem::new(slice) };
        // SAFETY: As above.
        let at = |i: usize| unsafe { slice.cast::<u8>().add(i).read() };

        // All of three lines, more than is copied at a time, and a part of one.
        map.copy_to_io(rect(0, 2, 100, 5), dst, 8, 500)?;
        map.copy_to_io(rect(98, 7, 100, 8), dst, SIZE - 8, 0)?;
        for i in 0..SIZE - 8 {
            let (y, x) = (i.wrapping_sub(8) / 500, i.wrapping_sub(8) % 500);
            let want = if y < 3 && x < 400 {
                line(2 + y as u8).nth(x).unwrap_or(0)
            } else {
                0xaa
            };
            assert_eq!(at(i), want);
        }
        for i in 0..8 {
            assert_eq!(Some(at(SIZE - 8 + i)), line(7).nth(392 + i));
        }

        // Nothing is not an error, wherever it is.
        map.copy_to_io(rect(3, 3, 3, 9), dst, usize::MAX, usize::MAX)?;
        map.copy_to_io(rect(9, 9, -9, -9), dst, 0, 0)?;
        for (rect, offset, pitch) in [
            (rect(-1, 0, 1, 1), 0, 400),
            (rect(0, -1, 1, 1), 0, 400),
            (rect(99, 0, 101, 1), 0, 400),
            (rect(0, 7, 1, 9), 0, 4),
            (rect(0, 0, i32::MAX, 1), 0, 400),
            (rect(i32::MIN, i32::MIN, i32::MAX, i32::MAX), 0, 400),
            (rect(0, 0, 1, 1), SIZE - 3, 400),
            (rect(0, 0, 1, 1), SIZE, 400),
            (rect(0, 0, 1, 1), usize::MAX, 400),
            (rect(0, 0, 1, 2), 0, usize::MAX),
            (rect(0, 0, 1, 3), 0, usize::MAX / 2 + 1),
        ] {
            assert_eq!(map.copy_to_io(rect, dst, offset, pitch), Err(EINVAL));
        }

        // A format without whole pixels in one place.
        let layout = [(bo, 64, 0), (bo, 64, 1024)];
        let fb = framebuffer(&dev, &client, fourcc::NV12, (16, 8), &layout)?;
        let ret = fb.vmap()?.copy_to_io(rect(0, 0, 1, 1), dst, 0, 64);

        assert_eq!(ret, Err(EINVAL));
        Ok(())
    }
}
