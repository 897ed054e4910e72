// SPDX-License-Identifier: GPL-2.0

//! What is known about a DRM device at a given place in the code.
//!
//! A [`Device<T, C>`](super::Device) carries its state as the type parameter `C`. The markers here
//! are never instantiated; they only select which methods a reference has.

use crate::drm::private::Sealed;

/// The state that a reference to a [`Device`](super::Device) proves.
///
/// | Context        | Proof                                    | Obtained from                  |
/// |----------------|------------------------------------------|--------------------------------|
/// | [`Uninit`]     | the device and its `Data` are alive      | any reference                  |
/// | [`Init`]       | its mode configuration is complete       | nowhere yet, see [`Init`]      |
/// | [`Ioctl`]      | it was given to `drm_dev_register()`     | ioctls                         |
/// | [`Registered`] | it is registered now, its parent bound   | [`Device::registration_guard`] |
///
/// Every context dereferences to `Device<T>`, which is `Device<T, Uninit>`. The trait is sealed:
/// `unsafe` code relies on the meaning of each context.
///
/// [`Device::registration_guard`]: super::Device::registration_guard
pub trait DeviceContext: Sealed + Send + Sync + 'static {}

/// Nothing is known but that the device exists.
///
/// The context of general handles: what [`ARef`](crate::sync::aref::ARef) counts, and what
/// callbacks get that can run before registration or after the device is gone. The name says that
/// this is the state a device starts in; code that holds such a reference must expect any later
/// state as well.
pub struct Uninit;

/// The general context under the name that drivers without KMS know it by.
pub type Normal = Uninit;

/// The mode configuration of the device is complete.
///
/// All KMS objects of the device exist and their software state was reset, hence they can be
/// looked up and their number no longer changes. Devices without KMS never have this context.
///
/// No function returns such a reference: nothing in this library needs the proof, as what needs
/// complete mode objects gets at them through a commit. Unsafe code that knows can claim it, with
/// [`Device::assume_ctx`](super::Device::assume_ctx).
///
/// # Invariants
///
/// No CRTC, plane, encoder or statically created connector is added to the device any more.
pub struct Init;

/// The device was given to `drm_dev_register()` at some point.
///
/// It may have been unplugged since. [`Device::registration_guard`] tells, and keeps the device
/// registered for as long as the guard lives.
///
/// # Invariants
///
/// The registration data of the device was stored before the reference was created.
///
/// [`Device::registration_guard`]: super::Device::registration_guard
pub struct Ioctl;

/// The device is registered now and its parent is bound.
///
/// Hardware may be touched and the registration data may be used.
///
/// # Invariants
///
/// `drm_dev_unplug()` does not return, nor does a failing `drm_dev_register()`, while the
/// reference exists: either because its holder is inside a `drm_dev_enter()` section, or because
/// it borrows the [`Registration`](crate::drm::Registration).
pub struct Registered;

impl Sealed for Uninit {}
impl Sealed for Init {}
impl Sealed for Ioctl {}
impl Sealed for Registered {}

impl DeviceContext for Uninit {}
impl DeviceContext for Init {}
impl DeviceContext for Ioctl {}
impl DeviceContext for Registered {}
