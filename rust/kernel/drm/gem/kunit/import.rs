// SPDX-License-Identifier: GPL-2.0

//! Tests of PRIME exports and imports.

#[crate::prelude::kunit_tests(rust_drm_gem_prime)]
mod tests {
    use super::super::{
        exporter::{
            self,
            Mode,
            DMA_ADDRESS,
            MEMORY, //
        },
        fixture::{
            fail,
            flush,
            happened,
            live,
            reset,
            Client,
            Event::*,
            Fail,
            Private,
            PrivateObject,
            Shmem,
            ShmemObject,
            TestDevice,
            IMPORT_TAG, //
        },
    };
    use crate::{
        drm::gem::{
            shmem::ObjectConfig,
            BaseObject,
            BaseObjectPrivate, //
        },
        io::{
            Io,
            ResourceSize, //
        },
        page::{
            page_align,
            PAGE_SIZE, //
        },
        prelude::*,
        scatterlist::SGTable, //
    };
    use core::ptr;

    #[test]
    fn own_dma_buf_is_the_object_itself() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-own")?;
        let client = Client::<Shmem>::open(&dev.drm)?;
        let obj = ShmemObject::new(&dev.drm, PAGE_SIZE, ObjectConfig::default(), 3)?;
        let handle = obj.create_handle(client.file())?;

        let buf = client.export(&dev.drm, handle)?;
        let back = buf.import(&dev.drm)?;
        assert!(ptr::eq(&*back, &*obj));
        assert!(!back.is_imported());
        assert_eq!(live(), 1);

        // The dma-buf keeps the object, and with it the device, when all else is gone.
        drop((obj, back, client, dev));
        assert_eq!(live(), 1);
        drop(buf);
        assert_eq!(live(), 0);

        Ok(())
    }

    // Before, the core allocated a `struct drm_gem_shmem_object` without the driver's data, of
    // which a lookup made a whole object.
    #[test]
    fn import_is_an_object_of_the_driver() -> Result {
        reset();
        let one = TestDevice::<Private>::new(c"prime-exporter")?;
        let two = TestDevice::<Shmem>::new(c"prime-importer")?;
        let exporter = Client::<Private>::open(&one.drm)?;
        let importer = Client::<Shmem>::open(&two.drm)?;

        let obj = PrivateObject::new(&one.drm, 2 * PAGE_SIZE, ObjectConfig::default(), 3)?;
        let handle = obj.create_handle(exporter.file())?;
        let buf = exporter.export(&one.drm, handle)?;

        let import = buf.import(&two.drm)?;
        assert!(import.is_imported());
        assert!(import.is_intact());
        assert_eq!(import.tag, IMPORT_TAG);
        assert_eq!(import.size, 2 * PAGE_SIZE);
        assert_eq!(import.size(), 2 * PAGE_SIZE);
        assert!(ptr::eq(import.raw_dma_resv(), obj.raw_dma_resv()));
        assert_eq!(live(), 2);

        // Both sides see the same memory.
        let there = obj.vmap::<{ 2 * PAGE_SIZE }>()?;
        let here = import.vmap::<{ 2 * PAGE_SIZE }>()?;
        there.write32(0x1337, PAGE_SIZE);
        assert_eq!(here.read32(PAGE_SIZE), 0x1337);
        here.write32(0x7331, 0);
        assert_eq!(there.read32(0), 0x7331);
        drop((there, here));

        let handle = import.create_handle(importer.file())?;
        assert!(ptr::eq(
            &*ShmemObject::lookup_handle(importer.file(), handle)?,
            &*import
        ));

        // Both devices can have it mapped for DMA at the same time.
        let len = |sgt: &SGTable| -> ResourceSize { sgt.iter().map(|entry| entry.dma_len()).sum() };
        assert_eq!(
            len(import.sg_table(two.parent())?),
            2 * PAGE_SIZE as ResourceSize
        );
        assert_eq!(
            len(obj.sg_table(one.parent())?),
            2 * PAGE_SIZE as ResourceSize
        );

        // The exporter goes first. Its object lives on in the import.
        drop((obj, exporter, one, buf));
        assert_eq!(live(), 2);
        assert_eq!(import.vmap::<4>()?.read32(0), 0x7331);
        drop((import, importer, two));
        flush();
        assert_eq!(live(), 0);

        Ok(())
    }

    #[test]
    fn imports_are_exported_as_what_they_were() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-reexport")?;
        let client = Client::<Shmem>::open(&dev.drm)?;
        let buf = exporter::export(MEMORY)?;
        let import = buf.import(&dev.drm)?;
        let handle = import.create_handle(client.file())?;

        let again = client.export(&dev.drm, handle)?;
        assert!(ptr::eq(again.as_raw(), buf.as_raw()));

        Ok(())
    }

    #[test]
    fn import_without_mapping() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-unmapped")?;
        let buf = exporter::export(MEMORY)?;

        let import = buf.import(&dev.drm)?;
        drop(buf);
        assert!(happened(&[Attached]));

        drop(import);
        flush();
        assert!(happened(&[Attached, DataDropped, Detached, Released]));

        Ok(())
    }

    // The scatter/gather table belongs to the exporter: it is to be given back, once, through the
    // attachment. Freeing it like one of our own would free it twice.
    #[test]
    fn mapping_is_given_back_once() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-mapped")?;
        let buf = exporter::export(MEMORY)?;
        let import = buf.import(&dev.drm)?;
        drop(buf);

        let sgt = import.sg_table(dev.parent())?;
        assert!(sgt
            .iter()
            .next()
            .is_some_and(|entry| entry.dma_address() == DMA_ADDRESS));
        assert!(ptr::eq(sgt, import.sg_table(dev.parent())?));
        assert!(happened(&[Attached, Mapped]));

        drop(import);
        flush();
        assert!(happened(&[
            Attached,
            Mapped,
            DataDropped,
            Unmapped,
            Detached,
            Released
        ]));

        Ok(())
    }

    #[test]
    fn unbinding_the_importer_gives_the_mapping_back() -> Result {
        reset();
        let TestDevice { drm, parent } = TestDevice::<Shmem>::new(c"prime-unbind")?;
        let buf = exporter::export(MEMORY)?;
        let import = buf.import(&drm)?;
        drop(buf);

        {
            let faux: &crate::faux::Device<crate::device::Bound> = parent.as_ref();
            import.sg_table(faux.as_ref())?;
        }
        drop(parent);
        assert!(happened(&[Attached, Mapped, Unmapped]));

        drop((import, drm));
        flush();
        assert!(happened(&[
            Attached,
            Mapped,
            Unmapped,
            DataDropped,
            Detached,
            Released
        ]));

        Ok(())
    }

    #[test]
    fn failed_imports_detach_once() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-fail")?;

        for (step, error, dropped) in [
            (Fail::Args, EDOM, false),
            (Fail::NewEarly, EIO, false),
            (Fail::NewLate, EXDEV, true),
        ] {
            reset();
            let buf = exporter::export(MEMORY)?;

            fail(step);
            assert_eq!(buf.import(&dev.drm).err(), Some(error));
            assert_eq!(live(), 0);

            // The reference of the attachment is gone: this is the last one.
            drop(buf);
            if dropped {
                assert!(happened(&[Attached, DataDropped, Detached, Released]));
            } else {
                assert!(happened(&[Attached, Detached, Released]));
            }
        }

        Ok(())
    }

    // The C initialization comes last, after the driver's data.
    #[test]
    fn failed_initialization_detaches_once() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-init-fail")?;
        let raw = dev.drm.as_raw();
        // SAFETY: The device is valid and nobody else uses it. The space of offsets is empty, and
        // so is its replacement, in which there is no room for anything.
        unsafe {
            crate::bindings::drm_vma_offset_manager_destroy((*raw).vma_offset_manager);
            crate::bindings::drm_vma_offset_manager_init((*raw).vma_offset_manager, 1, 0);
        }

        let buf = exporter::export(MEMORY)?;
        assert_eq!(buf.import(&dev.drm).err(), Some(ENOSPC));
        drop(buf);
        assert!(happened(&[Attached, Detached, DataDropped, Released]));

        Ok(())
    }

    #[test]
    fn exporter_can_refuse() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-refuse")?;
        let buf = exporter::export(MEMORY)?;

        exporter::set_mode(Mode::NoAttach);
        assert_eq!(buf.import(&dev.drm).err(), Some(EBUSY));
        assert!(happened(&[]));

        exporter::set_mode(Mode::Normal);
        let import = buf.import(&dev.drm)?;

        // A mapping that has failed can be tried again.
        exporter::set_mode(Mode::NoMap);
        assert_eq!(import.sg_table(dev.parent()).err(), Some(EFAULT));
        exporter::set_mode(Mode::Normal);
        assert!(import.sg_table(dev.parent()).is_ok());

        drop((import, buf));
        assert!(happened(&[
            Attached,
            Mapped,
            DataDropped,
            Unmapped,
            Detached,
            Released
        ]));

        Ok(())
    }

    #[test]
    fn import_sg_table_of_another_device_is_refused() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-sgt")?;
        let wrong = TestDevice::<Shmem>::new(c"prime-sgt-wrong")?;
        let buf = exporter::export(MEMORY)?;
        let import = buf.import(&dev.drm)?;

        assert_eq!(import.sg_table(wrong.parent()).err(), Some(EINVAL));
        assert!(happened(&[Attached]));

        Ok(())
    }

    #[test]
    fn vmap_of_io_memory_is_refused() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-iomem")?;
        let buf = exporter::export(MEMORY)?;
        let import = buf.import(&dev.drm)?;

        for mode in [Mode::IoMem, Mode::Misaligned] {
            exporter::set_mode(mode);
            assert_eq!(import.vmap::<4>().err(), Some(EOPNOTSUPP));
            assert_eq!(exporter::vmaps(), 0);
        }

        exporter::set_mode(Mode::Normal);
        let vmap = import.vmap::<4>()?;
        vmap.write32(0xfeed, 0);
        assert_eq!(import.owned_vmap::<4>()?.read32(0), 0xfeed);
        assert_eq!(exporter::vmaps(), 1);
        drop(vmap);
        assert_eq!(exporter::vmaps(), 0);

        Ok(())
    }

    // The object is made of whole pages, but the exporter has not promised to map them all.
    #[test]
    fn vmap_does_not_exceed_the_dma_buf() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-odd")?;
        let buf = exporter::export(1023)?;
        let import = buf.import(&dev.drm)?;

        assert_eq!(Some(import.size()), page_align(1023));
        assert_eq!(import.vmap::<0>()?.size(), 1020);
        assert!(import.vmap::<1020>().is_ok());
        assert_eq!(import.vmap::<1024>().err(), Some(ENOSPC));

        Ok(())
    }

    #[test]
    fn empty_dma_bufs_are_refused() -> Result {
        reset();
        let dev = TestDevice::<Shmem>::new(c"prime-empty")?;

        for size in [0, usize::MAX - PAGE_SIZE + 2] {
            reset();
            let buf = exporter::export(size)?;
            assert_eq!(buf.import(&dev.drm).err(), Some(EINVAL));
            drop(buf);
            assert!(happened(&[Attached, Detached, Released]));
        }

        Ok(())
    }

    #[test]
    fn drivers_choose_to_import() -> Result {
        reset();
        let dev = TestDevice::<Private>::new(c"prime-none")?;
        let client = Client::<Private>::open(&dev.drm)?;
        let buf = exporter::export(MEMORY)?;

        assert_eq!(buf.import(&dev.drm).err(), Some(EINVAL));
        assert!(happened(&[]));

        // Without the choice there is still the way back.
        let obj = PrivateObject::new(&dev.drm, 1, ObjectConfig::default(), 0)?;
        let handle = obj.create_handle(client.file())?;
        let own = client.export(&dev.drm, handle)?;
        assert!(ptr::eq(&*own.import(&dev.drm)?, &*obj));

        Ok(())
    }
}
