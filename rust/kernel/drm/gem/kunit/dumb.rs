// SPDX-License-Identifier: GPL-2.0

//! Tests of dumb buffers.

#[crate::prelude::kunit_tests(rust_drm_gem_dumb)]
mod tests {
    use super::super::fixture::{
        c_part,
        fail,
        handles,
        live,
        reset,
        Client,
        Fail,
        Private,
        Shmem,
        ShmemObject,
        TestDevice,
        DUMB_TAG,
        PITCH_ALIGN, //
    };
    use crate::{
        drm::gem::BaseObject,
        io::Io,
        page::{
            page_align,
            PAGE_SIZE, //
        },
        prelude::*, //
    };

    #[test]
    fn pitch_and_size() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"dumb-size")?;
        let client = Client::<Shmem>::open(&dev.drm)?;

        for (width, height, bpp, bytes) in [
            (1, 1, 8, 1),
            (64, 64, 32, 256),
            (33, 2, 16, 66),
            (17, 3, 24, 51),
            (1920, 1080, 32, 7680),
            (5, 7, 64, 40),
        ] {
            let dumb = client.create_dumb(&dev.drm, (width, height, bpp))?;
            let pitch = u32::next_multiple_of(bytes, PITCH_ALIGN);

            assert_eq!(dumb.pitch, pitch);
            assert_eq!(
                Some(dumb.size as usize),
                page_align((pitch * height) as usize)
            );

            let obj = ShmemObject::lookup_handle(client.file(), dumb.handle)?;
            assert_eq!(obj.size() as u64, dumb.size);
        }

        drop(client);
        assert_eq!(live(), 0);

        Ok(())
    }

    // Before, the core allocated a `struct drm_gem_shmem_object` without the driver's data, of
    // which a lookup made a whole object.
    #[test]
    fn dumb_buffers_are_objects_of_the_driver() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"dumb-typed")?;
        let client = Client::<Shmem>::open(&dev.drm)?;

        let dumb = client.create_dumb(&dev.drm, (64, 64, 32))?;
        assert_eq!((live(), handles()), (1, 1));

        let obj = ShmemObject::lookup_handle(client.file(), dumb.handle)?;
        assert_eq!(obj.tag, DUMB_TAG);
        assert_eq!(obj.size, obj.size());
        assert!(obj.is_intact());
        assert!(c_part(&obj).map_wc());

        let vmap = obj.vmap::<{ 64 * 64 * 4 }>()?;
        vmap.write32(0x00ff_ffff, 64 * 64 * 4 - 4);
        assert_eq!(vmap.read32(64 * 64 * 4 - 4), 0x00ff_ffff);
        drop(vmap);

        // The handle owns the only reference.
        drop(obj);
        ShmemObject::delete_handle(client.file(), dumb.handle)?;
        assert_eq!((live(), handles()), (0, 0));

        Ok(())
    }

    #[test]
    fn bad_dimensions_are_refused() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"dumb-bad")?;
        let client = Client::<Shmem>::open(&dev.drm)?;

        for dimensions in [
            (0, 64, 32),
            (64, 0, 32),
            (64, 64, 0),
            (0, 0, 0),
            (u32::MAX, 1, 32),
            (u32::MAX / 4 + 1, 1, 32),
            (1 << 15, 1 << 15, 32),
            (1 << 30, 4, 8),
            (1, u32::MAX, 8),
            (u32::MAX, u32::MAX, 8),
            (u32::MAX, u32::MAX, 32),
            (1, 1, u32::MAX),
            (1, 1, u32::MAX - 6),
            (2, 1, u32::MAX - 7),
            // Rounding the pitch up overflows.
            (u32::MAX - 1, 1, 8),
        ] {
            assert_eq!(client.create_dumb(&dev.drm, dimensions).err(), Some(EINVAL));
        }
        assert_eq!((live(), handles()), (0, 0));

        Ok(())
    }

    #[test]
    fn failures_leave_nothing() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"dumb-fail")?;
        let client = Client::<Shmem>::open(&dev.drm)?;

        for (step, error) in [
            (Fail::Args, EDOM),
            (Fail::NewEarly, EIO),
            (Fail::NewLate, EXDEV),
            (Fail::Open, EPERM),
        ] {
            fail(step);
            assert_eq!(
                client.create_dumb(&dev.drm, (64, 64, 32)).err(),
                Some(error)
            );
            assert_eq!((live(), handles()), (0, 0));
        }

        fail(Fail::Nothing);
        assert_eq!(
            client.create_dumb(&dev.drm, (1, 1, 8))?.size,
            PAGE_SIZE as u64
        );

        Ok(())
    }

    #[test]
    fn drivers_choose_to_have_dumb_buffers() -> Result {
        reset();
        let dev = TestDevice::<Private>::new(c"dumb-none")?;
        let client = Client::<Private>::open(&dev.drm)?;

        assert_eq!(
            client.create_dumb(&dev.drm, (64, 64, 32)).err(),
            Some(ENOSYS)
        );

        Ok(())
    }
}
