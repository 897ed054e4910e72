// SPDX-License-Identifier: GPL-2.0

//! Tests of shmem objects.

#[crate::prelude::kunit_tests(rust_drm_gem_shmem)]
mod tests {
    use super::super::fixture::{
        c_part,
        fail,
        happened,
        live,
        references,
        reset,
        Client,
        Event,
        Fail,
        Private,
        PrivateObject,
        Shmem,
        ShmemObject,
        TestDevice, //
    };
    use crate::{
        bindings,
        drm::{
            gem::{
                shmem::ObjectConfig,
                BaseObject,
                BaseObjectPrivate, //
            },
            Registration, //
        },
        faux,
        io::{
            Io,
            ResourceSize, //
        },
        page::PAGE_SIZE,
        prelude::*, //
    };
    use core::ptr;

    fn config<'a>() -> ObjectConfig<'a, super::super::fixture::ShmemData> {
        ObjectConfig::default()
    }

    #[test]
    fn size_is_rounded_up_to_pages() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-size")?;

        for (size, pages) in [
            (1, 1),
            (PAGE_SIZE - 1, 1),
            (PAGE_SIZE, 1),
            (PAGE_SIZE + 1, 2),
            (5 * PAGE_SIZE, 5),
        ] {
            let obj = ShmemObject::new(&dev.drm, size, config(), 7)?;

            assert_eq!(obj.size(), pages * PAGE_SIZE);
            assert_eq!(obj.size, pages * PAGE_SIZE);
            assert_eq!(obj.tag, 7);
            assert!(!obj.is_imported());
        }

        Ok(())
    }

    #[test]
    fn bad_sizes_are_refused() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-bad-size")?;

        for size in [
            0,
            usize::MAX,
            usize::MAX - PAGE_SIZE + 2,
            usize::MAX - PAGE_SIZE + 1,
            1 << (usize::BITS - 1),
        ] {
            let obj = ShmemObject::new(&dev.drm, size, config(), 0);
            assert_eq!(obj.err(), Some(EINVAL));
        }
        assert_eq!(live(), 0);

        Ok(())
    }

    // The helpers allocate one array for the pages, and the kernel warns about whoever asks for one
    // of more than `INT_MAX` bytes. An object that large must not come to be.
    #[test]
    #[cfg(CONFIG_64BIT)]
    fn sizes_that_cannot_have_pages_are_refused() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-huge")?;
        let max = i32::MAX as usize / size_of::<usize>();

        for pages in [max + 1, 4 * max, isize::MAX as usize / PAGE_SIZE - 1] {
            let obj = ShmemObject::new(&dev.drm, pages * PAGE_SIZE, config(), 0);
            assert_eq!(obj.err(), Some(ENOSPC));
        }
        assert_eq!(live(), 0);

        // Nothing is allocated until it is used, so there may be large ones.
        let large = max / 16 * PAGE_SIZE;
        assert_eq!(
            ShmemObject::new(&dev.drm, large, config(), 0)?.size(),
            large
        );

        Ok(())
    }

    #[test]
    fn failed_construction_leaves_nothing() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-fail")?;
        let parent = ShmemObject::new(&dev.drm, 1, config(), 0)?;

        for (step, error) in [(Fail::NewEarly, EIO), (Fail::NewLate, EXDEV)] {
            fail(step);
            let config = ObjectConfig {
                map_wc: false,
                parent_resv_obj: Some(&*parent),
            };
            assert_eq!(ShmemObject::new(&dev.drm, 1, config, 0).err(), Some(error));
            assert_eq!(live(), 1);
        }

        // The failures have not kept references on it.
        assert_eq!(references(&*parent), 1);

        Ok(())
    }

    // The C initialization comes last, after the driver's data. Its failure must drop that data
    // once and free the object once.
    #[test]
    fn failed_initialization_leaves_nothing() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-init-fail")?;

        // Fill up the space of `mmap()` offsets.
        let raw = dev.drm.as_raw();
        // SAFETY: The device is valid and nobody else uses it. The space is empty; its replacement
        // has room for one page.
        unsafe {
            bindings::drm_vma_offset_manager_destroy((*raw).vma_offset_manager);
            bindings::drm_vma_offset_manager_init((*raw).vma_offset_manager, 1, 1);
        }

        let obj = ShmemObject::new(&dev.drm, 2 * PAGE_SIZE, config(), 0);
        assert_eq!(obj.err(), Some(ENOSPC));
        assert!(happened(&[Event::DataDropped]));
        assert_eq!(live(), 0);

        assert_eq!(
            ShmemObject::new(&dev.drm, 1, config(), 0)?.create_mmap_offset()?,
            PAGE_SIZE as u64
        );

        Ok(())
    }

    #[test]
    fn data_is_dropped_once() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-drop")?;

        let obj = ShmemObject::new(&dev.drm, 1, config(), 0)?;
        let other = obj.clone();
        drop(obj);
        assert!(other.is_intact());
        assert_eq!(live(), 1);
        drop(other);
        assert!(happened(&[Event::DataDropped]));

        Ok(())
    }

    #[test]
    fn object_keeps_its_device() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-outlive")?;
        let raw = dev.drm.as_raw();
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 0)?;
        let vmap = obj.owned_vmap::<PAGE_SIZE>()?;
        vmap.write32(0x600d_cafe, 8);
        obj.sg_table(dev.parent())?;

        drop(dev);
        drop(obj);

        assert!(ptr::eq(vmap.owner().dev().as_raw(), raw));
        assert_eq!(vmap.read32(8), 0x600d_cafe);
        drop(vmap);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn objects_of_a_device_that_is_registered_later() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-register")?;
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 1)?;
        let vmap = obj.vmap::<4>()?;
        vmap.write32(0x0bad_f00d, 0);
        obj.sg_table(dev.parent())?;
        drop(ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 2)?);

        let TestDevice { drm, parent } = dev;
        let bound: &faux::Device<crate::device::Bound> = parent.as_ref();

        // SAFETY: The registration is dropped below.
        let reg = unsafe { Registration::new(bound.as_ref(), drm, Ok::<(), Error>(()), 0) }?;
        let client = Client::<Shmem>::open(reg.device())?;
        let handle = obj.create_handle(client.file())?;
        let found = ShmemObject::lookup_handle(client.file(), handle)?;
        assert_eq!(found.vmap::<4>()?.read32(0), 0x0bad_f00d);
        assert!(obj.sg_table(bound.as_ref()).is_ok());

        drop(found);
        drop(reg);
        assert_eq!(vmap.read32(0), 0x0bad_f00d);
        drop(vmap);
        drop(client);
        drop(obj);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn objects_of_a_device_that_is_never_registered() -> Result {
        reset();
        let dev = TestDevice::<Private>::new(c"shmem-unregistered")?;
        let obj = PrivateObject::new(&dev.drm, PAGE_SIZE, ObjectConfig::default(), 1)?;
        obj.vmap::<PAGE_SIZE>()?.write8(1, 0);
        obj.sg_table(dev.parent())?;

        drop(obj);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn vmap_sizes() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-vmap-size")?;
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 0)?;

        let exact = obj.vmap::<PAGE_SIZE>()?;
        assert_eq!(exact.size(), PAGE_SIZE);

        let smaller = obj.vmap::<{ PAGE_SIZE - 100 }>()?;
        assert_eq!(smaller.size(), PAGE_SIZE);
        assert!(ptr::eq(smaller.owner(), &*obj));

        let runtime = obj.vmap::<0>()?;
        assert_eq!(runtime.size(), PAGE_SIZE);
        assert!(runtime.try_write8(1, PAGE_SIZE - 1).is_ok());
        assert!(runtime.try_write8(1, PAGE_SIZE).is_err());
        assert!(runtime.try_read32(PAGE_SIZE - 3).is_err());

        assert_eq!(obj.vmap::<{ PAGE_SIZE + 4 }>().err(), Some(ENOSPC));

        Ok(())
    }

    #[test]
    fn vmap_reads_what_was_written() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-vmap")?;
        let obj = ShmemObject::new(&dev.drm, 2 * PAGE_SIZE, config(), 0)?;

        {
            let vmap = obj.vmap::<{ 2 * PAGE_SIZE }>()?;

            // New memory is zeroed.
            assert_eq!(vmap.read32(PAGE_SIZE), 0);

            vmap.write32(0x0123_4567, PAGE_SIZE - 4);
            vmap.write32(0x89ab_cdef, PAGE_SIZE);
        }

        // A second mapping, and one with a reference of its own, see the same memory.
        let vmap = obj.vmap::<{ 2 * PAGE_SIZE }>()?;
        let owned = obj.owned_vmap::<{ 2 * PAGE_SIZE }>()?;
        for (offset, byte) in 0x0123_4567_u32.to_ne_bytes().into_iter().enumerate() {
            assert_eq!(vmap.try_read8(PAGE_SIZE - 4 + offset)?, byte);
        }
        assert_eq!(owned.read32(PAGE_SIZE), 0x89ab_cdef);
        owned.write8(0x77, 5);
        assert_eq!(vmap.read8(5), 0x77);

        // Each mapping is undone once: the count is back at zero, or freeing the object warns.
        drop(vmap);
        assert_eq!(owned.read8(5), 0x77);
        drop(owned);
        assert!(c_part(&obj).vaddr.is_null());

        Ok(())
    }

    #[test]
    fn owned_vmap_keeps_the_object() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-owned")?;
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 9)?;
        let vmap = obj.owned_vmap::<16>()?;
        drop(obj);

        assert_eq!(live(), 1);
        assert_eq!(vmap.owner().tag, 9);
        vmap.write32(1, 12);
        assert_eq!(vmap.read32(12), 1);
        drop(vmap);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn config_is_applied() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-config")?;
        let cached = ShmemObject::new(&dev.drm, 1, config(), 0)?;
        let wc = ShmemObject::new(
            &dev.drm,
            1,
            ObjectConfig {
                map_wc: true,
                parent_resv_obj: None,
            },
            0,
        )?;

        assert!(!c_part(&cached).map_wc());
        assert!(c_part(&wc).map_wc());
        assert!(!ptr::eq(cached.raw_dma_resv(), wc.raw_dma_resv()));

        Ok(())
    }

    #[test]
    fn reservation_object_can_be_shared() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-resv")?;
        let parent = ShmemObject::new(&dev.drm, 1, config(), 1)?;
        let child = ShmemObject::new(
            &dev.drm,
            PAGE_SIZE,
            ObjectConfig {
                map_wc: false,
                parent_resv_obj: Some(&*parent),
            },
            2,
        )?;
        assert!(ptr::eq(parent.raw_dma_resv(), child.raw_dma_resv()));

        // The child locks the reservation object of its parent, also while it is freed.
        drop(parent);
        assert_eq!(live(), 2);
        child.vmap::<4>()?.write32(1, 0);
        child.sg_table(dev.parent())?;
        drop(child);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn sg_table_of_another_device_is_refused() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-sgt")?;
        let wrong = TestDevice::<Shmem>::new(c"shmem-wrong")?;
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 0)?;

        assert_eq!(obj.sg_table(wrong.parent()).err(), Some(EINVAL));

        // That must not have bound the mapping to the wrong device, nor may a mapping make the
        // wrong device acceptable.
        assert!(obj.sg_table(dev.parent()).is_ok());
        assert_eq!(obj.sg_table(wrong.parent()).err(), Some(EINVAL));

        Ok(())
    }

    #[test]
    fn sg_table_covers_the_object() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-sgt-size")?;
        let obj = ShmemObject::new(&dev.drm, 5 * PAGE_SIZE, config(), 0)?;

        let sgt = obj.sg_table(dev.parent())?;
        let len: ResourceSize = sgt.iter().map(|entry| entry.dma_len()).sum();
        assert_eq!(len, 5 * PAGE_SIZE as ResourceSize);

        // It is mapped only once.
        assert!(ptr::eq(sgt, obj.sg_table(dev.parent())?));

        Ok(())
    }

    #[test]
    fn sg_table_ends_with_the_binding() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-unbind")?;
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 0)?;
        let parent = dev.parent().as_raw();
        obj.sg_table(dev.parent())?;

        assert!(!c_part(&obj).sgt.is_null());

        // SAFETY: The device is bound. It is bound again below, before `parent()` is used again.
        unsafe { bindings::device_release_driver(parent) };
        assert!(c_part(&obj).sgt.is_null());

        // SAFETY: The device is registered.
        let ret = unsafe { bindings::device_attach(parent) };
        assert_eq!(ret, 1);

        // The device is bound, and the same, but the mapping was that of the last binding.
        assert_eq!(obj.sg_table(dev.parent()).err(), Some(ENXIO));

        // An object of the new binding can be mapped.
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 0)?;
        assert!(obj.sg_table(dev.parent()).is_ok());

        Ok(())
    }

    #[test]
    fn unbound_device_can_free_its_objects() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-free-late")?;
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, config(), 0)?;
        obj.sg_table(dev.parent())?;

        let TestDevice { drm, parent } = dev;
        drop(parent);
        obj.vmap::<4>()?.write32(1, 0);
        drop(drm);
        drop(obj);
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn c_helpers_cannot_create_objects() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"shmem-c-create")?;

        // SAFETY: The device is valid.
        let shmem = unsafe { bindings::drm_gem_shmem_create(dev.drm.as_raw(), PAGE_SIZE) };
        assert_eq!(crate::error::from_err_ptr(shmem).err(), Some(EOPNOTSUPP));

        Ok(())
    }
}
