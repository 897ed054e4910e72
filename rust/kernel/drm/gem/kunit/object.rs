// SPDX-License-Identifier: GPL-2.0

//! Tests of what all GEM objects have in common.

#[crate::prelude::kunit_tests(rust_drm_gem)]
mod tests {
    use super::super::{
        exporter,
        fixture::{
            fail,
            handles,
            live,
            reset,
            Client,
            Event,
            Fail,
            Plain,
            PlainObject,
            TestDevice, //
        },
    };
    use crate::{
        drm::{
            gem::{
                BaseObject,
                IntoGEMObject, //
            },
            Device,
            Registration, //
        },
        page::PAGE_SIZE,
        prelude::*,
        sync::aref::ARef, //
    };
    use core::ptr;

    #[test]
    fn size_is_rounded_up_to_pages() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-size")?;

        for (size, pages) in [
            (1, 1),
            (PAGE_SIZE - 1, 1),
            (PAGE_SIZE, 1),
            (PAGE_SIZE + 1, 2),
            (5 * PAGE_SIZE, 5),
        ] {
            let obj = PlainObject::new(&dev.drm, size, 7)?;

            assert_eq!(obj.size(), pages * PAGE_SIZE);
            // The driver was told the same.
            assert_eq!(obj.size, pages * PAGE_SIZE);
            assert_eq!(obj.tag, 7);
        }

        Ok(())
    }

    #[test]
    fn bad_sizes_are_refused() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-bad-size")?;

        for size in [
            0,
            usize::MAX,
            usize::MAX - PAGE_SIZE + 2,
            usize::MAX - PAGE_SIZE + 1,
            1 << (usize::BITS - 1),
        ] {
            assert_eq!(PlainObject::new(&dev.drm, size, 0).err(), Some(EINVAL));
        }
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn failed_construction_leaves_nothing() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-fail")?;

        fail(Fail::NewEarly);
        assert_eq!(PlainObject::new(&dev.drm, 1, 0).err(), Some(EIO));
        assert!(super::super::fixture::happened(&[]));

        fail(Fail::NewLate);
        assert_eq!(PlainObject::new(&dev.drm, 1, 0).err(), Some(EXDEV));
        assert!(super::super::fixture::happened(&[Event::DataDropped]));
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn data_is_dropped_once() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-drop")?;

        let obj = PlainObject::new(&dev.drm, 1, 0)?;
        let other = obj.clone();
        assert_eq!(live(), 1);

        drop(obj);
        assert_eq!(live(), 1);
        assert!(other.is_intact());

        drop(other);
        assert!(super::super::fixture::happened(&[Event::DataDropped]));
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn object_keeps_its_device() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-outlive")?;
        let raw = dev.drm.as_raw();
        let obj = PlainObject::new(&dev.drm, 1, 0)?;

        // Neither the device nor its parent have any other user after that.
        drop(dev);

        assert!(ptr::eq(obj.dev().as_raw(), raw));
        // SAFETY: `obj` keeps the device alive. Nobody else uses it.
        assert_eq!(unsafe { (*raw).ref_.refcount.refs.counter }, 1);
        assert!(obj.create_mmap_offset()? > 0);
        assert!(obj.is_intact());

        drop(obj);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn objects_before_and_after_registration() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-register")?;
        let early = PlainObject::new(&dev.drm, 1, 1)?;
        let freed_early = PlainObject::new(&dev.drm, 1, 2)?;
        let offset = early.create_mmap_offset()?;
        drop(freed_early);

        let TestDevice { drm, parent } = dev;
        let bound: &crate::faux::Device<crate::device::Bound> = parent.as_ref();
        let drm_ref: ARef<Device<Plain>> = (&*drm).into();

        // SAFETY: The registration is dropped below.
        let reg = unsafe { Registration::new(bound.as_ref(), drm, Ok::<(), Error>(()), 0) }?;

        let client = Client::<Plain>::open(reg.device())?;
        let late = PlainObject::new(reg.device(), 1, 3)?;
        let handle = early.create_handle(client.file())?;
        assert_eq!(early.create_mmap_offset()?, offset);
        assert_eq!(live(), 2);

        drop(reg);

        // Objects can still be used and created, though no new client will see them.
        let after = PlainObject::new(&drm_ref, 1, 4)?;
        let found = PlainObject::lookup_handle(client.file(), handle)?;
        assert_eq!((found.tag, late.tag, after.tag), (1, 3, 4));

        drop((early, late, after, found));
        assert_eq!(live(), 1);
        drop(client);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn handle_round_trip() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-handle")?;
        let client = Client::<Plain>::open(&dev.drm)?;
        let obj = PlainObject::new(&dev.drm, PAGE_SIZE, 42)?;

        let handle = obj.create_handle(client.file())?;
        assert!(handle > 0);
        assert_eq!(handles(), 1);

        let found = PlainObject::lookup_handle(client.file(), handle)?;
        assert!(ptr::eq(&*found, &*obj));
        assert_eq!(found.tag, 42);
        drop(found);

        // A second handle is another one.
        let second = obj.create_handle(client.file())?;
        assert!(second != handle);
        assert_eq!(handles(), 2);

        PlainObject::delete_handle(client.file(), handle)?;
        assert_eq!(handles(), 1);
        assert_eq!(
            PlainObject::lookup_handle(client.file(), handle).err(),
            Some(ENOENT)
        );
        assert_eq!(
            PlainObject::delete_handle(client.file(), handle).err(),
            Some(EINVAL)
        );

        // The handle alone keeps the object alive, until the client is gone.
        drop(obj);
        assert!(PlainObject::lookup_handle(client.file(), second)?.is_intact());
        drop(client);
        assert_eq!(handles(), 0);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn unknown_handles_are_refused() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-no-handle")?;
        let client = Client::<Plain>::open(&dev.drm)?;
        let other = Client::<Plain>::open(&dev.drm)?;

        for handle in [0, 1, u32::MAX] {
            assert_eq!(
                PlainObject::lookup_handle(client.file(), handle).err(),
                Some(ENOENT)
            );
            assert_eq!(
                PlainObject::delete_handle(client.file(), handle).err(),
                Some(EINVAL)
            );
        }

        // The handles of one client mean nothing to another.
        let handle = PlainObject::new(&dev.drm, 1, 0)?.create_handle(client.file())?;
        assert_eq!(
            PlainObject::lookup_handle(other.file(), handle).err(),
            Some(ENOENT)
        );

        Ok(())
    }

    #[test]
    fn driver_can_refuse_handles() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-refuse")?;
        let client = Client::<Plain>::open(&dev.drm)?;
        let obj = PlainObject::new(&dev.drm, 1, 0)?;

        fail(Fail::Open);
        assert_eq!(obj.create_handle(client.file()).err(), Some(EPERM));
        assert_eq!(handles(), 0);

        fail(Fail::Nothing);
        assert!(obj.create_handle(client.file()).is_ok());

        drop(client);
        drop(obj);
        assert_eq!(handles(), 0);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn handles_of_another_device_are_refused() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-one")?;
        let other = TestDevice::<Plain>::new(c"gem-two")?;
        let client = Client::<Plain>::open(&other.drm)?;

        // The same driver, hence the same types, but not the same device.
        let obj = PlainObject::new(&dev.drm, 1, 0)?;
        assert_eq!(obj.create_handle(client.file()).err(), Some(EINVAL));
        assert_eq!(handles(), 0);

        Ok(())
    }

    #[test]
    fn mmap_offsets_are_stable_and_distinct() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-mmap")?;
        let one = PlainObject::new(&dev.drm, 3 * PAGE_SIZE, 0)?;
        let two = PlainObject::new(&dev.drm, PAGE_SIZE, 0)?;

        let (a, b) = (one.create_mmap_offset()?, two.create_mmap_offset()?);
        assert_eq!(one.create_mmap_offset()?, a);
        assert!(a + one.size() as u64 <= b || b + two.size() as u64 <= a);
        assert!(a % PAGE_SIZE as u64 == 0);

        Ok(())
    }

    #[test]
    fn plain_objects_have_no_dumb_buffers_and_imports() -> Result {
        reset();
        let dev = TestDevice::<Plain>::new(c"gem-plain")?;
        let client = Client::<Plain>::open(&dev.drm)?;

        assert_eq!(
            client.create_dumb(&dev.drm, (64, 64, 32)).err(),
            Some(ENOSYS)
        );

        let foreign = exporter::export(exporter::MEMORY)?;
        assert_eq!(foreign.import(&dev.drm).err(), Some(EINVAL));

        // What the device has exported comes back as what it is.
        let obj = PlainObject::new(&dev.drm, 1, 5)?;
        let handle = obj.create_handle(client.file())?;
        let own = client.export(&dev.drm, handle)?;
        let back = own.import(&dev.drm)?;
        assert!(ptr::eq(back.as_raw(), obj.as_raw()));
        assert!(!back.is_imported());

        Ok(())
    }
}
