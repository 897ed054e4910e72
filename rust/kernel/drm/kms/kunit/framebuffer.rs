// SPDX-License-Identifier: GPL-2.0

//! Tests of framebuffers and formats.

use super::fixture::*;
use crate::{
    drm::{
        kms::{
            fourcc,
            framebuffer::plane_fits,
            FramebufferMap, //
        },
        kunit::fixture::{
            Client,
            Events, //
        }, //
    },
    faux,
    prelude::*,
    sync::Arc, //
};

crate::sync::global_lock! {
    /// What was on the screen when it was flushed last.
    // SAFETY: Initialised by each test before it is used.
    unsafe(uninit) static LAST_SHOWN: Mutex<Option<Arc<FramebufferMap<TestKms>>>> = None;
}

#[kunit_tests(rust_drm_kms_framebuffer)]
mod tests {
    use super::*;

    #[test]
    fn bounds() {
        // bytes per line, lines, pitch, offset, size
        assert!(plane_fits(4, 1, 4, 0, 4));
        assert!(plane_fits(4, 2, 8, 0, 12));
        assert!(plane_fits(4, 2, 8, 4, 16));
        assert!(!plane_fits(4, 1, 4, 0, 3));
        assert!(!plane_fits(4, 2, 8, 0, 11));
        assert!(!plane_fits(4, 2, 8, 5, 16));
        // Lines that overlap, or are empty.
        assert!(!plane_fits(4, 2, 3, 0, 100));
        assert!(!plane_fits(0, 2, 4, 0, 100));
        assert!(!plane_fits(4, 0, 4, 0, 100));
        // Sums that do not fit into 32 bits.
        assert!(!plane_fits(
            4,
            u32::MAX,
            u32::MAX,
            u32::MAX,
            usize::MAX >> 40
        ));
        assert!(!plane_fits(0x1000, 0x10_0001, 0x1000, 0, 0x1000));
        assert!(!plane_fits(0x1000, 1, 0x1000, u32::MAX - 0xffe, 0x1000));
    }

    #[test]
    fn formats() -> Result {
        let info = fourcc::XRGB8888.info().ok_or(EINVAL)?;
        assert_eq!(info.fourcc(), fourcc::XRGB8888);
        assert_eq!(
            (info.num_planes(), info.has_alpha(), info.is_yuv()),
            (1, false, false)
        );
        assert_eq!(
            (info.bytes_per_block(0), info.bytes_per_block(1)),
            (Some(4), None)
        );
        assert_eq!(info.plane_size(0, 641, 480), Some((2564, 480)));
        assert_eq!(info.plane_size(1, 641, 480), None);
        assert_eq!(info.plane_size(usize::MAX, 641, 480), None);
        assert_eq!(info.plane_size(0, u32::MAX, 1), None);

        // Odd sizes are rounded up in the subsampled plane.
        let info = fourcc::NV12.info().ok_or(EINVAL)?;
        assert_eq!((info.num_planes(), info.is_yuv()), (2, true));
        assert_eq!(info.plane_size(0, 641, 481), Some((641, 481)));
        assert_eq!(info.plane_size(1, 641, 481), Some((642, 241)));

        // Several pixels in a byte.
        let info = fourcc::R1.info().ok_or(EINVAL)?;
        assert_eq!(info.plane_size(0, 9, 1), Some((2, 1)));

        for format in [
            fourcc::BGRX8888,
            fourcc::BGR888,
            fourcc::BGR565,
            fourcc::ABGR16161616,
            fourcc::P016,
            fourcc::YVU444,
            fourcc::R8,
        ] {
            assert_eq!(format.info().map(|info| info.fourcc()), Some(format));
        }
        assert!(fourcc::Fourcc::new(*b"nope").info().is_none());
        Ok(())
    }

    // Lines of all planes are where the layout says, and nothing else can be reached.
    #[test]
    fn map() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-map", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let bo = dumb(&dev, &client, 4096)?;
        let layout = [(bo, 16, 64), (bo, 32, 256)];
        let fb = framebuffer(&dev, &client, fourcc::NV12, (10, 8), &layout)?;

        assert_eq!((fb.width(), fb.height()), (10, 8));
        assert_eq!(
            (fb.pitch(0), fb.pitch(1), fb.pitch(2)),
            (Some(16), Some(32), None)
        );
        assert_eq!(
            (fb.offset(0), fb.offset(1), fb.offset(4)),
            (Some(64), Some(256), None)
        );
        assert!(fb.object(1).is_some() && fb.object(2).is_none());

        let map = fb.vmap()?;
        assert_eq!((map.line_bytes(0), map.lines(0)), (10, 8));
        assert_eq!((map.line_bytes(1), map.lines(1)), (10, 4));
        assert_eq!((map.line_bytes(2), map.lines(2)), (0, 0));

        for y in 0..8 {
            map.write_line(0, y, 0, &[y as u8; 10])?;
        }
        for y in 0..4 {
            map.write_line(1, y, 2, &[0x10 + y as u8; 8])?;
        }
        let mut line = [0xaa; 10];
        map.read_line(0, 7, 0, &mut line)?;
        assert_eq!(line, [7; 10]);
        map.read_line(1, 3, 0, &mut line)?;
        assert_eq!(line, [0, 0, 0x13, 0x13, 0x13, 0x13, 0x13, 0x13, 0x13, 0x13]);
        map.read_line(0, 2, 9, &mut line[..1])?;
        assert_eq!(line[0], 2);
        map.read_line(0, 2, 10, &mut [])?;

        for (plane, y, start, len) in [
            (0, 8, 0, 1),
            (0, u32::MAX, 0, 1),
            (0, 0, 1, 10),
            (0, 0, usize::MAX, 1),
            (0, 0, usize::MAX, 10),
            (0, 0, 11, 0),
            (1, 4, 0, 1),
            (2, 0, 0, 0),
            (usize::MAX, 0, 0, 0),
        ] {
            let mut buf = [0; 10];
            let buf = &mut buf[..len];

            assert_eq!(map.read_line(plane, y, start, buf), Err(EINVAL));
            assert_eq!(map.write_line(plane, y, start, buf), Err(EINVAL));
        }

        // A second mapping of the same memory sees the same bytes.
        let other = fb.vmap()?;
        other.read_line(0, 7, 0, &mut line)?;
        assert_eq!(line, [7; 10]);
        drop(map);
        other.read_line(0, 6, 0, &mut line)?;
        assert_eq!(line, [6; 10]);
        Ok(())
    }

    // A mapping keeps all that it needs, the device included.
    #[test]
    fn map_outlives_everything() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-outlive", None)?;
        let dev = device(&parent, &Script::DEFAULT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        let map = fb.vmap()?;

        drop((fb, client, dev));
        assert_eq!(live(), (4, 3));
        let mut line = KVec::from_elem(1u8, 640 * 4, GFP_KERNEL)?;
        map.read_line(0, 479, 0, &mut line)?;
        assert!(line.iter().all(|&b| b == 0));
        drop(map);
        assert_eq!(live(), (0, 0));
        Ok(())
    }

    // A snapshot of the screen stays valid when the plane has gone on.
    #[test]
    fn snapshot_of_the_screen() -> Result {
        static SCRIPT: Script = Script {
            flush: |commit| {
                for (plane, _old, new) in commit.planes() {
                    assert_eq!(plane.mask(), new.plane().mask());
                    assert_eq!(new.visible(), new.is_on(commit.object()));
                    assert_eq!(new.map().is_some(), new.framebuffer().is_some());
                    *LAST_SHOWN.lock() = new.map().cloned();
                }
            },
            ..Script::DEFAULT
        };
        // SAFETY: Called once: no other test uses the lock.
        unsafe { LAST_SHOWN.init() };

        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-snapshot", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;
        let client = Client::open(&dev)?;
        let fb = screen(&dev, &client)?;
        let mut byte = [0];

        fb.vmap()?.write_line(0, 0, 0, &[0x5a])?;
        commit(&dev, |commit| show(&dev, commit, Some(&fb)))?;
        let first = LAST_SHOWN.lock().take().ok_or(ENOENT)?;

        let second_fb = screen(&dev, &client)?;
        commit(&dev, |commit| show(&dev, commit, Some(&second_fb)))?;
        drop(fb);
        first.read_line(0, 0, 0, &mut byte)?;
        assert_eq!(byte, [0x5a]);
        let second = LAST_SHOWN.lock().take().ok_or(ENOENT)?;
        assert_ne!(first.framebuffer().id(), second.framebuffer().id());

        commit(&dev, |commit| show(&dev, commit, None))?;
        assert!(LAST_SHOWN.lock().is_none());
        drop((first, second, second_fb, client, dev));
        assert_eq!(live(), (0, 0));
        Ok(())
    }
}
