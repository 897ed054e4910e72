// SPDX-License-Identifier: GPL-2.0

//! Tests of EDID.

use super::fixture::*;
use crate::{
    bindings,
    drm::{
        kms::{
            ConnectorType,
            Edid,
            ModeObject, //
        },
        kunit::fixture::Events,
        Device, //
    },
    faux,
    prelude::*, //
};

/// The bytes of a block.
const BLOCK: usize = 128;

/// Sets the last byte so that all of them sum up to 0.
const fn with_sum(mut block: [u8; BLOCK]) -> [u8; BLOCK] {
    let mut sum = 0u8;
    let mut i = 0;

    while i < BLOCK - 1 {
        sum = sum.wrapping_add(block[i]);
        i += 1;
    }
    block[BLOCK - 1] = 0u8.wrapping_sub(sum);
    block
}

/// The first block of a digital display of which the only mode is 800x600 at 60 Hz.
const fn base(extensions: u8) -> [u8; BLOCK] {
    const TIMING: [u8; 18] = [
        // 40 MHz
        0xa0, 0x0f, // Width, blanking, height, blanking
        0x20, 0x00, 0x31, 0x58, 0x1c, 0x20, // Syncs
        0x28, 0x80, 0x14, 0x00, // Size in mm, borders, flags
        0xa0, 0x78, 0x00, 0x00, 0x00, 0x1e,
    ];
    let mut block = [0; BLOCK];
    let mut i = 1;

    while i < 7 {
        block[i] = 0xff;
        i += 1;
    }
    // Manufacturer "LNX", version 1.4, digital.
    block[8] = 0x31;
    block[9] = 0xd8;
    block[18] = 1;
    block[19] = 4;
    block[20] = 0xa5;
    // The first timing is the preferred one.
    block[24] = 0x02;
    // No standard timings.
    i = 38;
    while i < 54 {
        block[i] = 1;
        i += 1;
    }
    i = 0;
    while i < 18 {
        block[54 + i] = TIMING[i];
        i += 1;
    }
    // Dummy descriptors.
    block[72 + 3] = 0x10;
    block[90 + 3] = 0x10;
    block[108 + 3] = 0x10;
    block[126] = extensions;
    with_sum(block)
}

static EDID: [u8; BLOCK] = base(0);

/// The same, with an extension of a kind that nobody knows.
static TWO_BLOCKS: [u8; 2 * BLOCK] = {
    let first = base(1);
    let mut second = [0; BLOCK];
    let mut blocks = [0; 2 * BLOCK];
    let mut i = 0;

    second[0] = 0x0f;
    second = with_sum(second);
    while i < BLOCK {
        blocks[i] = first[i];
        blocks[BLOCK + i] = second[i];
        i += 1;
    }
    blocks
};

/// A display that has an EDID when it is asked for the first time, and none later.
static SCRIPT: Script = Script {
    setup: |setup| {
        let data = Ok(TestPlane(Counted::object()));
        let plane = setup.create_plane(&PRIMARY, data)?;
        let data = Ok(TestCrtc(Counted::object()));
        let crtc = setup.create_crtc(plane, None, None, data)?;
        let connector = output_of(setup, crtc, ConnectorType::Virtual)?;

        setup.attach_edid_property(connector)?;
        assert_eq!(setup.attach_edid_property(connector), Err(EEXIST));
        Ok(())
    },
    modes: |probe| {
        let dev = probe.connector().dev();

        if dev.events.seen() == 0 {
            dev.events.push(1);
            probe.update_edid(Some(&Edid::new(&EDID)?))?;
            assert_eq!(probe.add_edid_modes(), 1);
        } else {
            probe.update_edid(None)?;
            assert_eq!(probe.add_edid_modes(), 0);
            probe.add_modes_noedid(640, 480);
        }
        Ok(())
    },
    ..Script::DEFAULT
};

/// Probes the connector of `dev`; returns the width of its first mode and the bytes of its EDID.
fn probe(dev: &Device<TestKms>) -> Result<(u16, Option<KVec<u8>>)> {
    let connector = connector(dev);

    // SAFETY: The connector is valid; the mutex protects its modes and its EDID.
    unsafe {
        let mutex = &raw mut (*dev.as_raw()).mode_config.mutex;

        bindings::mutex_lock(mutex);
        let count = bindings::drm_helper_probe_single_connector_modes(connector, 4096, 4096);
        let first = crate::container_of!((*connector).modes.next, bindings::drm_display_mode, head);
        let width = if count > 0 { (*first).hdisplay } else { 0 };
        let edid = (*connector).edid_blob_ptr.as_ref().map(|blob| {
            let mut bytes = KVec::new();

            bytes
                .extend_from_slice(
                    core::slice::from_raw_parts(blob.data.cast::<u8>(), blob.length),
                    GFP_KERNEL,
                )
                .map(|()| bytes)
        });

        bindings::mutex_unlock(mutex);
        Ok((width, edid.transpose()?))
    }
}

#[kunit_tests(rust_drm_kms_edid)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_data() -> Result {
        let edid = Edid::new(&EDID)?;
        assert_eq!(edid.as_bytes(), &EDID[..]);

        let mut long = TWO_BLOCKS;
        assert_eq!(Edid::new(&long)?.as_bytes(), &long[..]);

        for len in [0, 1, 127, 129, 255] {
            assert_eq!(Edid::new(&long[..len]).err(), Some(EINVAL));
        }
        // A block is missing, or is one too many.
        assert_eq!(Edid::new(&base(1)).err(), Some(EINVAL));
        long[..BLOCK].copy_from_slice(&EDID);
        assert_eq!(Edid::new(&long).err(), Some(EINVAL));

        // Wrong sums.
        for i in 0..BLOCK {
            let mut wrong = EDID;
            wrong[i] ^= 4;
            assert_eq!(Edid::new(&wrong).err(), Some(EINVAL));
        }

        let huge = KVVec::from_elem(0u8, 257 * BLOCK, GFP_KERNEL)?;
        assert_eq!(Edid::new(&huge).err(), Some(EINVAL));
        Ok(())
    }

    #[test]
    fn modes_come_from_it() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-edid", None)?;
        let dev = device(&parent, &SCRIPT, &events)?;

        let (width, edid) = probe(&dev)?;
        assert_eq!(width, 800);
        assert!(edid.is_some_and(|edid| edid[..] == EDID[..]));

        let (width, edid) = probe(&dev)?;
        assert_eq!(width, 640);
        assert!(edid.is_none());
        Ok(())
    }

    // Blocks come from the driver one by one, and only what is valid is an EDID.
    #[test]
    fn read_in_blocks() -> Result {
        static READ: Script = Script {
            setup: SCRIPT.setup,
            modes: |probe| {
                let mut reads = 0;
                let edid = probe.read_edid(|block, buffer| {
                    reads += 1;
                    let from = if block == 0 {
                        &TWO_BLOCKS[..]
                    } else {
                        &TWO_BLOCKS[BLOCK..]
                    };
                    buffer.copy_from_slice(&from[..buffer.len()]);
                    Ok(())
                });
                assert!(reads >= 2);
                assert_eq!(edid.as_ref().map(Edid::as_bytes), Some(&TWO_BLOCKS[..]));
                assert!(probe.read_edid(|_, _| Err(EIO)).is_none());
                // The buffer is zeroed.
                assert!(probe.read_edid(|_, _| Ok(())).is_none());
                probe.update_edid(edid.as_ref())?;
                probe.add_edid_modes();
                Ok(())
            },
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-edid4", None)?;
        let dev = device(&parent, &READ, &events)?;

        let (width, edid) = probe(&dev)?;
        assert_eq!(width, 800);
        assert!(edid.is_some_and(|edid| edid[..] == TWO_BLOCKS[..]));
        Ok(())
    }

    // A virtual connector has no property unless asked for, others do.
    #[test]
    fn needs_property() -> Result {
        static NONE: Script = Script {
            modes: |probe| {
                let ret = probe.update_edid(Some(&Edid::new(&EDID)?));
                assert_eq!(ret, Err(EINVAL));
                Ok(())
            },
            ..Script::DEFAULT
        };
        static HDMI: Script = Script {
            setup: |setup| {
                let data = Ok(TestPlane(Counted::object()));
                let plane = setup.create_plane(&PRIMARY, data)?;
                let data = Ok(TestCrtc(Counted::object()));
                let crtc = setup.create_crtc(plane, None, None, data)?;

                output_of(setup, crtc, ConnectorType::HdmiA)?;
                Ok(())
            },
            modes: SCRIPT.modes,
            ..Script::DEFAULT
        };
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-kms-edid2", None)?;
        let dev = device(&parent, &NONE, &events)?;
        assert!(probe(&dev)?.1.is_none());

        let parent = faux::Registration::new(c"kunit-kms-edid3", None)?;
        let dev = device(&parent, &HDMI, &events)?;
        assert_eq!(probe(&dev)?.0, 800);
        Ok(())
    }
}
