// SPDX-License-Identifier: GPL-2.0

//! Devices that user space configures, in configfs.
//!
//! ```text
//! vkms/<device>/enabled
//! vkms/<device>/planes/<plane>/type
//! vkms/<device>/planes/<plane>/possible_crtcs/<link to a CRTC>
//! vkms/<device>/crtcs/<CRTC>/writeback
//! vkms/<device>/encoders/<encoder>/possible_crtcs/<link to a CRTC>
//! vkms/<device>/connectors/<connector>/status
//! vkms/<device>/connectors/<connector>/possible_encoders/<link to an encoder>
//! ```
//!
//! The directories of a device describe a [`Topology`], and share it: [`Configuration`]. Each of
//! them stands for an [`Entry`], which is in the topology for as long as the directory is there.
//!
//! `enabled` makes a device of a copy of the topology, and unplugs it. While there is a device,
//! nothing can be created or changed but the status of connectors, with `EBUSY`. Directories and
//! links can always be removed, because configfs asks nobody; the device does not notice.

mod connectors;
mod crtcs;
mod encoders;
mod planes;
mod values;

use crate::{
    device::VirtualDevice,
    topology::{
        Connector,
        Crtc,
        Encoder,
        Id,
        Plane,
        Status,
        Topology, //
    },
    DEFAULT_NAME, //
};
use kernel::{
    configfs::{
        AttributeOperations,
        Group,
        GroupOperations,
        Subsystem, //
    },
    configfs_attrs,
    configfs_group,
    drm::kms::ConnectorStatus,
    new_mutex,
    page::PAGE_SIZE,
    prelude::*,
    str::{
        kstrtobool_bytes,
        CString, //
    },
    sync::{
        Arc,
        Mutex, //
    }, //
};

/// Registers the subsystem.
pub(crate) fn register() -> impl PinInit<Subsystem<Devices>, Error> {
    let item_type = configfs_attrs! {
        container: Subsystem<Devices>,
        data: Devices,
        child: Device,
        attributes: [],
    };

    Subsystem::new(c"vkms", item_type, Ok(Devices))
}

/// What the directories of a device share.
#[pin_data]
struct Configuration {
    name: CString,
    #[pin]
    state: Mutex<State>,
}

/// The state of a device that is being configured.
struct State {
    topology: Topology,
    /// The device, while it is enabled.
    device: Option<VirtualDevice>,
}

impl Configuration {
    fn new(name: &CStr) -> Result<Arc<Self>> {
        let name = CString::try_from(name)?;
        let state = State {
            topology: Topology::new(),
            device: None,
        };

        Arc::pin_init(
            pin_init!(Self {
                name,
                state <- new_mutex!(state, "rvkms::Configuration::state"),
            }),
            GFP_KERNEL,
        )
    }

    /// Looks at the topology.
    fn look<R>(&self, look: impl FnOnce(&Topology) -> Result<R>) -> Result<R> {
        look(&self.state.lock().topology)
    }

    /// Changes the topology.
    ///
    /// # Errors
    ///
    /// `EBUSY` if there is a device, or the error of `edit`.
    fn edit<R>(&self, edit: impl FnOnce(&mut Topology) -> Result<R>) -> Result<R> {
        let mut state = self.state.lock();

        if state.device.is_some() {
            return Err(EBUSY);
        }
        edit(&mut state.topology)
    }

    /// Takes something away from the topology, whether there is a device or not.
    fn shrink(&self, shrink: impl FnOnce(&mut Topology)) {
        shrink(&mut self.state.lock().topology);
    }

    fn is_enabled(&self) -> bool {
        self.state.lock().device.is_some()
    }

    /// Makes the device, or unplugs it.
    ///
    /// # Errors
    ///
    /// Those of [`VirtualDevice::new`].
    fn set_enabled(&self, enabled: bool) -> Result {
        let mut state = self.state.lock();

        if !enabled {
            state.device = None;
        } else if state.device.is_none() {
            let topology = state.topology.try_clone()?;

            state.device = Some(VirtualDevice::new(&self.name, topology)?);
        }
        Ok(())
    }

    /// Changes the status of a connector, also of that of the device.
    fn set_status(&self, connector: &Arc<Status>, status: ConnectorStatus) -> Result {
        let state = self.state.lock();

        connector.set(status);
        match &state.device {
            Some(device) => device.report_status(connector),
            None => Ok(()),
        }
    }
}

/// A kind of entries of a topology.
trait Kind: Sized + 'static {
    /// Removes an entry.
    fn remove(topology: &mut Topology, id: Id<Self>);
}

impl Kind for Plane {
    fn remove(topology: &mut Topology, id: Id<Self>) {
        topology.planes.remove(id);
    }
}

impl Kind for Crtc {
    fn remove(topology: &mut Topology, id: Id<Self>) {
        topology.remove_crtc(id);
    }
}

impl Kind for Encoder {
    fn remove(topology: &mut Topology, id: Id<Self>) {
        topology.remove_encoder(id);
    }
}

impl Kind for Connector {
    fn remove(topology: &mut Topology, id: Id<Self>) {
        topology.connectors.remove(id);
    }
}

/// An entry of a topology that a directory stands for. Dropping it removes the entry.
struct Entry<T: Kind> {
    configuration: Arc<Configuration>,
    id: Id<T>,
}

impl<T: Kind> Entry<T> {
    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// `EBUSY`, or the error of `add`.
    fn new(
        configuration: &Arc<Configuration>,
        add: impl FnOnce(&mut Topology) -> Result<Id<T>>,
    ) -> Result<Self> {
        Ok(Self {
            id: configuration.edit(add)?,
            configuration: configuration.clone(),
        })
    }

    /// Returns whether both belong to the same device.
    fn is_beside<U: Kind>(&self, other: &Entry<U>) -> bool {
        Arc::ptr_eq(&self.configuration, &other.configuration)
    }
}

impl<T: Kind> Drop for Entry<T> {
    fn drop(&mut self) {
        self.configuration
            .shrink(|topology| T::remove(topology, self.id));
    }
}

/// The root directory.
pub(crate) struct Devices;

#[vtable]
impl GroupOperations for Devices {
    type Child = Device;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Device>, Error>> {
        // The default device may come or have come with the module.
        if name == DEFAULT_NAME {
            return Err(EINVAL);
        }

        let configuration = Configuration::new(name)?;
        let device = Device(configuration.clone());

        Ok(Group::with_default_groups(
            name,
            Ok(device),
            move |groups| {
                let planes = planes::Planes(configuration.clone());
                let crtcs = crtcs::Crtcs(configuration.clone());
                let encoders = encoders::Encoders(configuration.clone());
                let connectors = connectors::Connectors(configuration);

                groups.add(Group::with_data(c"planes", Ok(planes)))?;
                groups.add(Group::with_data(c"crtcs", Ok(crtcs)))?;
                groups.add(Group::with_data(c"encoders", Ok(encoders)))?;
                groups.add(Group::with_data(c"connectors", Ok(connectors)))
            },
        ))
    }
}

/// The directory of a device.
///
/// When it is removed, so is the last that holds the configuration, and the device is unplugged.
pub(crate) struct Device(Arc<Configuration>);

configfs_group! {
    data: Device,
    attributes: [enabled: 0],
    operations: [],
}

#[vtable]
impl AttributeOperations<0> for Device {
    type Data = Self;

    fn show(device: &Self, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        values::show(page, fmt!("{}\n", u32::from(device.0.is_enabled())))
    }

    fn store(device: &Self, page: &[u8]) -> Result {
        device.0.set_enabled(kstrtobool_bytes(page)?)
    }
}
