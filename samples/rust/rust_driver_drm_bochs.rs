// SPDX-License-Identifier: GPL-2.0

//! Sample DRM driver: the display of QEMU and Bochs.
//!
//! To make this driver probe, QEMU must be run with `-device bochs-display`. The device scans out
//! its video memory, BAR 0, and has no DMA and no interrupts: framebuffers are in system memory,
//! what changes in them is copied, and there are no vblanks.

use kernel::{
    device,
    drm::{
        self, gem,
        kms::{
            self,
            ModeObject,
            ModeStatus, //
        },
    },
    io::Io,
    pci,
    prelude::*, //
};

/// Offsets in BAR 2, which has the EDID, the VBE extensions of Bochs, and those of QEMU.
mod regs {
    pub(super) const SIZE: usize = 0x1000;
    pub(super) const EDID_BLOCKS: usize = 8;
    pub(super) const ID: usize = 0x500;
    pub(super) const XRES: usize = 0x502;
    pub(super) const YRES: usize = 0x504;
    pub(super) const BPP: usize = 0x506;
    /// Written last, with bits for on, linear memory, and leaving that as it is.
    pub(super) const ENABLE: usize = 0x508;
    pub(super) const ENABLE_ON: u16 = 0x01 | 0x40 | 0x80;
    /// Pixels from one line to the next, and the position of the screen.
    pub(super) const VIRT_WIDTH: usize = 0x50c;
    pub(super) const X_OFFSET: usize = 0x510;
    pub(super) const Y_OFFSET: usize = 0x512;
    pub(super) const MEMORY_64K: usize = 0x514;
}

/// The bytes of a pixel.
const CPP: usize = 4;
const MAX_SIZE: u16 = 8192;

type Regs<'a> = pci::Bar<'a, { regs::SIZE }>;

/// The BARs, for as long as the DRM device is registered.
struct Hardware {
    regs: pci::DevresBar<{ regs::SIZE }>,
    vram: pci::DevresBar,
}

impl Hardware {
    /// Calls `f` with the BARs, unless the device is gone. If it goes away meanwhile, that waits.
    fn with<R>(
        dev: &drm::Device<Bochs>,
        f: impl FnOnce(&Regs<'_>, &pci::Bar<'_>) -> R,
    ) -> Result<R> {
        let dev = dev.registration_guard().ok_or(ENODEV)?;
        let parent: &pci::Device<device::Bound> = (*dev).as_ref();

        dev.registration_data_with(|hw| {
            let vram = hw.vram.access(parent.as_ref())?;

            Ok(f(hw.regs.access(parent.as_ref())?, vram))
        })
    }
}

struct Plane;

#[vtable]
impl kms::DriverPlane for Plane {
    type Driver = Bochs;
    type State = ();

    const MAP_FRAMEBUFFERS: bool = true;
    const FB_DAMAGE_CLIPS: bool = true;

    fn atomic_check(check: &kms::PlaneCheck<'_, Self>) -> Result {
        let mut new = check.new()?;
        let Some(crtc) = new.crtc() else {
            return Ok(());
        };
        let crtc = check.add(crtc)?;

        check.check_plane_state(&mut new, &crtc, kms::Scaling::NONE, false, false)
    }

    fn atomic_update(commit: &kms::PlaneCommit<'_, Self>) {
        let (Some(map), src) = (commit.new().map(), commit.new().src()) else {
            return;
        };
        let (left, top) = (src.x1 >> 16, src.y1 >> 16);
        // The plane is as large as the screen.
        let pitch = (src.width() >> 16) as usize * CPP;

        // Nobody looks at the screen of a device that is gone.
        let _ = Hardware::with(commit.dev(), |_, vram| -> Result {
            for rect in commit.damage() {
                let (x, y) = (rect.x1.abs_diff(left), rect.y1.abs_diff(top));

                map.copy_to_io(rect, vram, y as usize * pitch + x as usize * CPP, pitch)?;
            }
            Ok(())
        });
    }
}

struct Crtc;

#[vtable]
impl kms::DriverCrtc for Crtc {
    type Driver = Bochs;
    type State = ();
    type Vblank = kms::vblank::None;

    fn mode_valid(crtc: &kms::Crtc<Self>, mode: &kms::DisplayMode) -> ModeStatus {
        let (width, height) = (usize::from(mode.hdisplay()), usize::from(mode.vdisplay()));

        if width % 8 != 0 {
            ModeStatus::BadWidth
        } else if width * height * CPP > crtc.dev().vram_size {
            ModeStatus::Memory
        } else {
            ModeStatus::Ok
        }
    }

    fn atomic_check(check: &kms::CrtcCheck<'_, Self>) -> Result {
        // The device has nothing else to show.
        check.check_primary_plane()
    }

    fn atomic_enable(commit: &kms::CrtcCommit<'_, Self>) {
        let mode = commit.new().mode();

        let _ = Hardware::with(commit.dev(), |regs, _| {
            regs.write16(0, regs::ENABLE);
            regs.write16(8 * CPP as u16, regs::BPP);
            regs.write16(mode.hdisplay(), regs::XRES);
            regs.write16(mode.vdisplay(), regs::YRES);
            regs.write16(mode.hdisplay(), regs::VIRT_WIDTH);
            regs.write16(0, regs::X_OFFSET);
            regs.write16(0, regs::Y_OFFSET);
            regs.write16(regs::ENABLE_ON, regs::ENABLE);
        });
    }

    fn atomic_disable(commit: &kms::CrtcCommit<'_, Self>) {
        let _ = Hardware::with(commit.dev(), |regs, _| regs.write16(0, regs::ENABLE));
    }
}

struct Encoder;

#[vtable]
impl kms::DriverEncoder for Encoder {
    type Driver = Bochs;
}

struct Connector;

#[vtable]
impl kms::DriverConnector for Connector {
    type Driver = Bochs;
    type State = ();

    fn get_modes(probe: &kms::ConnectorProbe<'_, Self>) -> Result {
        let edid = probe.read_edid(|block, buffer| {
            (block < regs::EDID_BLOCKS).then_some(()).ok_or(EINVAL)?;
            Hardware::with(probe.connector().dev(), |regs, _| {
                for (i, byte) in buffer.iter_mut().enumerate() {
                    *byte = regs.try_read8(block * kms::edid::BLOCK_SIZE + i)?;
                }
                Ok(())
            })?
        });

        probe.update_edid(edid.as_ref())?;
        if probe.add_edid_modes() == 0 {
            probe.add_modes_noedid(MAX_SIZE, MAX_SIZE);
            probe.set_preferred_mode(1024, 768);
        }
        Ok(())
    }
}

struct Bochs;

struct Data {
    vram_size: usize,
}

impl kms::KmsDriver for Bochs {
    type Crtc = Crtc;
    type Plane = Plane;
    type Encoder = Encoder;
    type Connector = Connector;
    type Fbdev = kms::fbdev::Shmem;

    fn mode_config_info(_dev: &drm::Device<Self>) -> Result<kms::ModeConfigInfo> {
        Ok(kms::ModeConfigInfo {
            min_size: (0, 0),
            max_size: (MAX_SIZE.into(), MAX_SIZE.into()),
            cursor_size: (0, 0),
            preferred_depth: 24,
        })
    }

    fn create_objects(setup: &kms::SetupDevice<'_, Self>) -> Result {
        let primary = kms::PlaneArgs {
            type_: kms::PlaneType::Primary,
            formats: &[kms::fourcc::XRGB8888],
            modifiers: &[],
            name: None,
        };
        let plane = setup.create_plane(&primary, Ok(Plane))?;
        let crtc = setup.create_crtc(plane, None, None, Ok(Crtc))?;
        let encoder =
            setup.create_encoder(kms::EncoderType::Virtual, &[crtc], None, Ok(Encoder))?;
        let connector =
            setup.create_connector(kms::ConnectorType::Virtual, &[encoder], Ok(Connector))?;

        setup.attach_edid_property(connector)
    }
}

#[vtable]
impl drm::Driver for Bochs {
    type Data = Data;
    type RegistrationData<'a> = Hardware;
    type Object = gem::shmem::Object<gem::Plain<Self>>;
    type File = drm::file::Plain<Self>;
    type ParentDevice<Ctx: device::DeviceContext> = pci::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"rust_bochs",
        desc: c"Rust DRM driver sample for QEMU's display",
    };

    kernel::declare_drm_ioctls! {}
}

kernel::pci_device_table!(
    PCI_TABLE,
    <Bochs as pci::Driver>::IdInfo,
    [(
        pci::DeviceId::from_id(pci::Vendor::from_raw(0x1234), 0x1111),
        ()
    )]
);

impl pci::Driver for Bochs {
    type IdInfo = ();
    type Data<'bound> = ();

    const ID_TABLE: pci::IdTable<Self::IdInfo> = &PCI_TABLE;

    fn probe<'bound>(
        pdev: &'bound pci::Device<device::Core<'_>>,
        _info: Option<&'bound Self::IdInfo>,
    ) -> impl PinInit<Self::Data<'bound>, Error> + 'bound {
        kms::remove_conflicting_pci_devices::<Self>(pdev)?;
        pdev.enable_device_mem()?;

        let regs: Regs<'_> = pdev.iomap_region_sized(2, c"rust_bochs/registers")?;
        let vram = pdev.iomap_region(0, c"rust_bochs/memory")?;

        if regs.read16(regs::ID) & 0xfff0 != 0xb0c0 {
            return Err(ENODEV);
        }
        let vram_size = usize::from(regs.read16(regs::MEMORY_64K)) << 16;
        let hardware = Hardware {
            regs: regs.into_devres()?,
            vram: vram.into_devres()?,
        };

        let drm = kms::new_device::<Self>(pdev, Ok(Data { vram_size }))?;
        let drm = drm::Registration::<Self>::new_devres(pdev, drm, Ok::<_, Error>(hardware))?;

        // The console, if the kernel has one.
        if let Some(drm) = drm.registration_guard() {
            kms::fbdev::setup_clients(&drm);
        }
        Ok(())
    }
}

kernel::module_pci_driver! {
    type: Bochs,
    name: "rust_driver_drm_bochs",
    authors: ["Seed acc69f7c maintainers"],
    description: "Rust DRM driver sample for QEMU's display",
    license: "GPL",
}
