// SPDX-License-Identifier: GPL-2.0

//! EDID: what a display says about itself.
//!
//! When a connector is probed, its driver makes an [`Edid`] of bytes that it has, or of what it reads
//! from the display ([`ConnectorProbe::read_edid`]), hands it to [`ConnectorProbe::update_edid`],
//! which makes it the `EDID` property, and then adds the modes that it lists.
//!
//! C header: [`include/drm/drm_edid.h`](srctree/include/drm/drm_edid.h)

use super::{
    connector::{
        Connector,
        ConnectorProbe,
        DriverConnector, //
    },
    object::private::RawObject,
    setup::SetupDevice,
    KmsDriver, //
};
use crate::{
    bindings,
    error::{
        from_result,
        to_result, //
    },
    prelude::*, //
};
use core::ptr::{
    self,
    NonNull, //
};

/// The bytes of a block. An EDID has one, and as many more as that one says.
pub const BLOCK_SIZE: usize = bindings::EDID_LENGTH as usize;

/// The largest number of blocks: the first one says how many follow in a byte.
const MAX_BLOCKS: usize = 256;

/// The data of a display, whole and with correct check sums, save that the core lets a wrong one
/// of a CTA-861 extension pass.
///
/// What they say may nevertheless make no sense.
///
/// # Examples
///
/// ```
/// use kernel::drm::kms::Edid;
///
/// // Nothing that a display would send.
/// assert_eq!(Edid::new(&[0; 128]).err(), Some(EINVAL));
/// assert_eq!(Edid::new(b"EDID").err(), Some(EINVAL));
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// This is a valid container, owned by this, of data that never change.
pub struct Edid(NonNull<bindings::drm_edid>);

// SAFETY: The container is plain memory and can be freed on any thread.
unsafe impl Send for Edid {}

// SAFETY: By the type invariants the data never change.
unsafe impl Sync for Edid {}

impl Edid {
    /// Copies and checks the data of a display: all blocks of it, and nothing else.
    ///
    /// May sleep. C: `drm_edid_alloc()` and `drm_edid_valid()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the data are no EDID, a block is missing or there are too many, or a check sum
    ///   is wrong.
    /// - `ENOMEM`.
    pub fn new(data: &[u8]) -> Result<Self> {
        let len = data.len();

        if len == 0 || len % BLOCK_SIZE != 0 || len > MAX_BLOCKS * BLOCK_SIZE {
            return Err(EINVAL);
        }
        // SAFETY: The data are valid for reading and are copied.
        let edid = unsafe { bindings::drm_edid_alloc(data.as_ptr().cast(), len) };

        // INVARIANT: Made just now.
        let this = Self(NonNull::new(edid.cast_mut()).ok_or(ENOMEM)?);

        // SAFETY: The container is valid.
        if unsafe { bindings::drm_edid_valid(this.as_raw()) } {
            Ok(this)
        } else {
            Err(EINVAL)
        }
    }

    fn as_raw(&self) -> *const bindings::drm_edid {
        self.0.as_ptr()
    }

    /// Returns the data: the first block, and those that it says follow.
    pub fn as_bytes(&self) -> &[u8] {
        // SAFETY: The container is valid.
        let raw = unsafe { bindings::drm_edid_raw(self.as_raw()) };

        if raw.is_null() {
            return &[];
        }
        // SAFETY: The core returns data only that have as many blocks as the first one says; they
        // never change.
        unsafe {
            let blocks = usize::from((*raw).extensions) + 1;

            core::slice::from_raw_parts(raw.cast(), blocks * BLOCK_SIZE)
        }
    }
}

impl Drop for Edid {
    fn drop(&mut self) {
        // SAFETY: By the type invariants the container is valid and owned by this.
        unsafe { bindings::drm_edid_free(self.as_raw()) };
    }
}

/// Has the closure behind `context` read a part of an EDID.
///
/// # Safety
///
/// `context` must point to an `F` that nobody else uses meanwhile, and `buf` to `len` bytes that
/// can be written.
unsafe extern "C" fn read_block<F: FnMut(usize, &mut [u8]) -> Result>(
    context: *mut c_void,
    buf: *mut u8,
    block: c_uint,
    len: usize,
) -> c_int {
    from_result(|| {
        // The core does not initialise the bytes.
        //
        // SAFETY: By the safety requirements of this function.
        let buf = unsafe {
            buf.write_bytes(0, len);
            core::slice::from_raw_parts_mut(buf, len)
        };
        // SAFETY: By the safety requirements of this function.
        let read = unsafe { &mut *context.cast::<F>() };

        read(block as usize, buf).map(|()| 0)
    })
}

impl<T: DriverConnector> ConnectorProbe<'_, T> {
    /// Reads the EDID of the display.
    ///
    /// `read` gets the number of a block and fills the buffer, of [`BLOCK_SIZE`] bytes at most, with
    /// the first bytes of it. It may be asked for a block again, and is not asked at all if the
    /// administrator has given the connector another EDID. Returns [`None`] if there is no EDID,
    /// `read` fails, or nothing valid comes of it. May sleep. C: `drm_edid_read_custom()`.
    pub fn read_edid<F>(&self, mut read: F) -> Option<Edid>
    where
        F: FnMut(usize, &mut [u8]) -> Result,
    {
        // SAFETY: The connector is valid and is being probed. The callback is called only during
        // this call, with the closure that it is made for.
        let edid = unsafe {
            bindings::drm_edid_read_custom(
                self.connector().as_raw(),
                Some(read_block::<F>),
                (&raw mut read).cast(),
            )
        };

        // INVARIANT: Made just now.
        NonNull::new(edid.cast_mut()).map(Edid)
    }

    /// Tells user space the EDID of the display, and the core what it says about the display.
    ///
    /// With [`None`] the display has no EDID: what was known from an earlier one is forgotten. The
    /// data are copied. May sleep. C: `drm_edid_connector_update()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if the connector has no `EDID` property, see
    ///   [`attach_edid_property`](SetupDevice::attach_edid_property).
    /// - `ENOMEM`.
    pub fn update_edid(&self, edid: Option<&Edid>) -> Result {
        if !has_edid_property(self.connector()) {
            return Err(EINVAL);
        }
        // SAFETY: The connector and the container are valid, and the mutex of the mode
        // configuration, under which these data of a connector are changed, is held.
        to_result(unsafe {
            bindings::drm_edid_connector_update(
                self.connector().as_raw(),
                edid.map_or(ptr::null(), Edid::as_raw),
            )
        })
    }

    /// Adds the modes that the EDID of the last [`update_edid`](Self::update_edid) lists. Returns
    /// how many. May sleep. C: `drm_edid_connector_add_modes()`.
    pub fn add_edid_modes(&self) -> u32 {
        // SAFETY: The connector is valid and the mutex of the mode configuration is held.
        self.counted(unsafe { bindings::drm_edid_connector_add_modes(self.connector().as_raw()) })
    }
}

/// Returns whether `connector` has the `EDID` property.
fn has_edid_property<T: DriverConnector>(connector: &Connector<T>) -> bool {
    // SAFETY: The device and the connector are valid. Properties are only attached during setup.
    let (property, attached) = unsafe {
        (
            (*connector.raw_dev()).mode_config.edid_property,
            &*(*connector.raw_base()).properties,
        )
    };
    let count = usize::try_from(attached.count).unwrap_or(0);

    attached
        .properties
        .iter()
        .take(count)
        .any(|p| *p == property)
}

impl<D: KmsDriver> SetupDevice<'_, D> {
    /// Gives `connector` the `EDID` property.
    ///
    /// All but virtual and writeback connectors have it already. C:
    /// `drm_connector_attach_edid_property()`.
    ///
    /// # Errors
    ///
    /// - `EINVAL` if `connector` belongs to another device.
    /// - `EEXIST` if it has the property already.
    pub fn attach_edid_property(&self, connector: &Connector<D::Connector>) -> Result {
        self.same_device(connector)?;
        if has_edid_property(connector) {
            return Err(EEXIST);
        }
        // SAFETY: The connector is valid and does not have this property yet.
        unsafe { bindings::drm_connector_attach_edid_property(connector.as_raw()) };
        Ok(())
    }
}
