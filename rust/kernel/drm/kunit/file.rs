// SPDX-License-Identifier: GPL-2.0

//! Tests of open files, fdinfo and debugfs.

use super::fixture::{
    device,
    Client,
    Events,
    Full,
    FullData,
    RegData,
    FILE_DROPPED,
    MAGIC, //
};
use crate::{
    drm::{
        self,
        Device, //
    },
    faux,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::Relaxed, //
    },
};

static VALUE: u64 = 99;

fn registered(parent: &faux::Registration, events: &Events) -> Result<ARef<Device<Full>>> {
    let dev = device::<Full>(parent, FullData::new(events))?;
    let reg_data = RegData {
        value: &VALUE,
        _tracked: events.on_drop(1),
    };

    drm::Registration::new_devres(parent.as_ref(), dev, Ok::<_, Error>(reg_data))
}

/// The debugfs entry `name` of `dev`.
#[cfg(CONFIG_DEBUG_FS)]
fn debugfs_entry(
    dev: &Device<Full>,
    name: &CStr,
) -> Result<*mut crate::bindings::drm_debugfs_entry> {
    use crate::{
        bindings,
        str::CStrExt as _, //
    };

    // SAFETY: The device is registered and has a debugfs directory.
    let dentry =
        unsafe { bindings::debugfs_lookup(name.as_char_ptr(), (*dev.as_raw()).debugfs_root) };
    if dentry.is_null() {
        return Err(ENOENT);
    }

    // SAFETY: A file of debugfs has an inode, which the DRM core made point to its entry. The
    // reference to the directory entry is ours.
    unsafe {
        let entry = (*(*dentry).d_inode).i_private.cast();
        bindings::dput(dentry);
        Ok(entry)
    }
}

/// What is read from the debugfs file of `entry`.
///
/// # Safety
///
/// The device of the entry must be alive.
#[cfg(CONFIG_DEBUG_FS)]
unsafe fn debugfs_text(
    entry: *mut crate::bindings::drm_debugfs_entry,
) -> Result<super::fixture::Text> {
    super::fixture::Text::collect(|seq| {
        // SAFETY: `seq` is valid, and entries live as long as the device.
        unsafe {
            (*seq).private = entry.cast();
            match (*entry).file.show {
                Some(show) => show(seq, core::ptr::null_mut()),
                None => ENOENT.to_errno(),
            }
        }
    })
}

#[kunit_tests(rust_drm_file)]
mod tests {
    use super::*;

    #[test]
    fn clients() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-file", None)?;
        let dev = registered(&parent, &events)?;

        let primary = Client::open(&dev)?;
        let render = Client::open_render(&dev)?;
        assert_eq!(primary.file().inner().magic, MAGIC);
        assert_eq!(render.file().inner().magic, MAGIC);
        assert!(!primary.file().is_render_client());
        assert!(render.file().is_render_client());
        assert!(primary.file().client_id() < render.file().client_id());

        drop(primary);
        assert_eq!(events.seen(), FILE_DROPPED);
        drop(render);
        assert_eq!(events.seen(), FILE_DROPPED << 4 | FILE_DROPPED);
        Ok(())
    }

    #[test]
    fn refused() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-file-refused", None)?;
        let dev = registered(&parent, &events)?;

        dev.refuse.store(true, Relaxed);
        assert_eq!(Client::open(&dev).err(), Some(EDOM));
        assert_eq!(events.seen(), 0);

        dev.refuse.store(false, Relaxed);
        drop(Client::open(&dev)?);
        assert_eq!(events.seen(), FILE_DROPPED);
        Ok(())
    }

    // An open file keeps the device, and with it its data, which the file may use.
    #[test]
    fn outlives_registration() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-file-outlives", None)?;
        let dev = registered(&parent, &events)?;
        let client = Client::open(&dev)?;

        drop(dev);
        drop(parent);
        assert_eq!(events.seen(), 1);
        assert_eq!(client.file().inner().magic, MAGIC);

        drop(client);
        assert_eq!(events.seen(), 1 << 4 | FILE_DROPPED);
        Ok(())
    }

    #[test]
    fn fdinfo() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-file-fdinfo", None)?;
        let dev = registered(&parent, &events)?;
        let client = Client::open(&dev)?;

        let text = client.fdinfo()?;
        assert!(text.has_line("drm-driver:\tkunit"));
        assert!(text.has_line("kunit-magic:\t0x6b756e697466696c"));
        assert!(text.has_line("kunit-value:\t99"));

        drop(parent);
        assert!(!client.fdinfo()?.has_line("kunit-value:\t99"));
        Ok(())
    }

    #[cfg(CONFIG_DEBUG_FS)]
    #[test]
    fn debugfs() -> Result {
        let events = Events::new()?;
        let parent = faux::Registration::new(c"kunit-file-debugfs", None)?;
        let dev = registered(&parent, &events)?;

        assert!(dev.guarded_early.load(Relaxed));

        let value = debugfs_entry(&dev, c"kunit_value")?;
        let error = debugfs_entry(&dev, c"kunit_error")?;
        assert_eq!(debugfs_entry(&dev, c"kunit_none").err(), Some(ENOENT));

        // SAFETY: The device is alive.
        assert!(unsafe { debugfs_text(value) }?.has_line("value 99"));
        // SAFETY: The device is alive.
        assert_eq!(unsafe { debugfs_text(error) }.err(), Some(EPERM));

        // A reader that was faster than the removal of the file.
        drop(parent);
        // SAFETY: The device is alive.
        assert_eq!(unsafe { debugfs_text(value) }.err(), Some(ENODEV));
        Ok(())
    }
}
