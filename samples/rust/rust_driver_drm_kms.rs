// SPDX-License-Identifier: GPL-2.0

//! Sample DRM driver: a display.
//!
//! A device without hardware on the faux bus: one plane, one CRTC, one encoder and one connector.
//! The screen is a file in debugfs that shows the picture as text, one character for a block of
//! pixels. Documentation/gpu/rust/ says how to load it and how to show something on it.

use kernel::{
    device::{
        Bound,
        DeviceContext, //
    },
    drm::{
        self, debugfs,
        gem::{
            self,
            shmem,
            DumbCreate, //
        },
        kms::{
            self,
            FramebufferMap, //
        },
    },
    faux,
    fmt::Write,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
};

module! {
    type: DisplayModule,
    name: "rust_driver_drm_kms",
    authors: ["Seed acc69f7c maintainers"],
    description: "Rust DRM display driver sample",
    license: "GPL",
}

// doc: screen
/// What stands for the hardware: it shows one framebuffer, or none.
#[pin_data]
struct Screen {
    #[pin]
    frame: Mutex<Option<Arc<FramebufferMap<Display>>>>,
}

impl Screen {
    /// The size of the text.
    const COLUMNS: u32 = 64;
    const LINES: u32 = 24;

    /// The characters, from dark to bright.
    const SHADES: &'static [u8] = b" .:-=+*#%@";

    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            frame <- new_mutex!(None),
        })
    }

    /// Prints the picture.
    fn print(&self, printer: &mut drm::Printer<'_>) -> Result {
        // Reading pixels takes time; a commit that shows the next frame must not wait for it.
        let Some(frame) = self.frame.lock().clone() else {
            writeln!(printer, "off")?;
            return Ok(());
        };
        let fb = frame.framebuffer();

        for line in 0..Self::LINES {
            for column in 0..Self::COLUMNS {
                let x = fb.width() / Self::COLUMNS * column;
                let y = fb.height() / Self::LINES * line;
                let mut xrgb = [0; 4];

                frame.read_line(0, y, 4 * x as usize, &mut xrgb)?;
                let [blue, green, red, _] = xrgb.map(usize::from);
                let shade = (red + green + blue) * (Self::SHADES.len() - 1) / (3 * 255);
                write!(printer, "{}", char::from(Self::SHADES[shade]))?;
            }
            writeln!(printer)?;
        }
        Ok(())
    }
}

// doc: plane
struct Plane;

#[vtable]
impl kms::DriverPlane for Plane {
    type Driver = Display;
    type State = ();

    // Each new state has its framebuffer mapped when it is committed.
    const MAP_FRAMEBUFFERS: bool = true;

    fn atomic_check(check: &kms::PlaneCheck<'_, Self>) -> Result {
        let mut new = check.new()?;
        let Some(crtc) = new.crtc() else {
            return Ok(());
        };
        let crtc = check.add(crtc)?;

        // The plane covers the screen and does not scale.
        check.check_plane_state(&mut new, &crtc, kms::Scaling::NONE, false, false)
    }

    fn atomic_update(commit: &kms::PlaneCommit<'_, Self>) {
        // There is nobody left to look at the screen when the device is gone.
        let Some(guard) = commit.dev().registration_guard() else {
            return;
        };

        // Without a framebuffer the plane goes off. What was shown before is not the last
        // reference to its mapping: the old state has one until the commit is over.
        guard.registration_data_with(|screen| {
            *screen.frame.lock() = commit.new().map().cloned();
        });
    }
}

// doc: crtc
struct Crtc;

#[vtable]
impl kms::DriverCrtc for Crtc {
    type Driver = Display;
    type State = ();
    type Vblank = kms::vblank::Timer;
}

struct Encoder;

#[vtable]
impl kms::DriverEncoder for Encoder {
    type Driver = Display;
}

// doc: connector
struct Connector;

#[vtable]
impl kms::DriverConnector for Connector {
    type Driver = Display;
    type State = ();

    fn get_modes(probe: &kms::ConnectorProbe<'_, Self>) -> Result {
        probe.add_modes_noedid(Display::MAX_SIZE.0, Display::MAX_SIZE.1);
        probe.set_preferred_mode(1024, 768);
        Ok(())
    }
}

// doc: kms
struct Display;

impl Display {
    const MIN_SIZE: (u32, u32) = (Screen::COLUMNS, Screen::LINES);
    const MAX_SIZE: (u16, u16) = (1920, 1200);
}

impl kms::KmsDriver for Display {
    type Crtc = Crtc;
    type Plane = Plane;
    type Encoder = Encoder;
    type Connector = Connector;
    type Fbdev = kms::fbdev::Shmem;

    fn mode_config_info(_dev: &drm::Device<Self>) -> Result<kms::ModeConfigInfo> {
        Ok(kms::ModeConfigInfo {
            min_size: Self::MIN_SIZE,
            max_size: (Self::MAX_SIZE.0.into(), Self::MAX_SIZE.1.into()),
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

        setup.create_connector(kms::ConnectorType::Virtual, &[encoder], Ok(Connector))?;
        Ok(())
    }
}

// doc: driver
#[vtable]
impl drm::Driver for Display {
    type Data = ();
    type RegistrationData<'a> = Screen;
    type Object = shmem::Object<Bo>;
    type File = Client;
    type ParentDevice<Ctx: DeviceContext> = faux::Device<Ctx>;

    const INFO: drm::DriverInfo = drm::DriverInfo {
        major: 1,
        minor: 0,
        patchlevel: 0,
        name: c"rust_display",
        desc: c"Rust DRM display driver sample",
    };

    kernel::declare_drm_ioctls! {}

    fn debugfs_init(_dev: &drm::Device<Self>, dir: &debugfs::Dir<'_, Self>) {
        dir.add_file(c"screen", |_dev, screen, printer| screen.print(printer));
    }
}

struct Client;

impl drm::file::DriverFile for Client {
    type Driver = Display;

    fn open(_dev: &drm::Device<Display>) -> Result<Pin<KBox<Self>>> {
        Ok(KBox::new(Self, GFP_KERNEL)?.into())
    }
}

#[pin_data]
struct Bo {}

impl gem::DriverObject for Bo {
    type Driver = Display;
    type Args = ();

    const DUMB: Option<DumbCreate<Self>> = Some(DumbCreate::new(|_dev, _buffer| Ok(())));

    fn new(_dev: &drm::Device<Display>, _size: usize, _args: ()) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {})
    }
}

// doc: module
struct DisplayModule {
    // Dropping it unbinds the faux device, which unplugs the DRM device.
    _parent: faux::Registration,
}

impl kernel::Module for DisplayModule {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let registration = faux::Registration::new(c"rust_display", None)?;
        let parent: &faux::Device<Bound> = registration.as_ref();

        let drm = kms::new_device::<Display>(parent, Ok(()))?;
        let drm = drm::Registration::new_devres(parent, drm, Screen::new())?;

        // The console, if the kernel has one.
        if let Some(drm) = drm.registration_guard() {
            kms::fbdev::setup_clients(&drm);
        }

        Ok(Self {
            _parent: registration,
        })
    }
}
// doc: end
