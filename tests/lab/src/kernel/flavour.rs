// SPDX-License-Identifier: GPL-2.0

//! Which kernels there are.

/// A kernel that can be built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, clap::ValueEnum)]
pub enum Flavour {
    /// User-Mode Linux, fast: for `lab run`.
    Uml,
    /// User-Mode Linux with every check: for `lab test`.
    UmlDebug,
    /// x86-64, compiled with clippy: for what needs a PC.
    #[value(name = "x86_64")]
    X86_64,
    /// arm64: the library and the drivers, with clippy.
    Arm64,
}

impl Flavour {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Uml, Self::UmlDebug, Self::X86_64, Self::Arm64];

    /// Returns the name, as on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Uml => "uml",
            Self::UmlDebug => "uml-debug",
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns the architecture, as make's `ARCH`.
    pub const fn arch(self) -> &'static str {
        match self {
            Self::Uml | Self::UmlDebug => "um",
            Self::X86_64 => "x86_64",
            Self::Arm64 => "arm64",
        }
    }

    /// Returns the configuration fragments, the later overriding the earlier.
    pub const fn fragments(self) -> &'static [&'static str] {
        match self {
            Self::Uml => &["rust-drm.config", "guest.config", "uml.config"],
            Self::UmlDebug => &[
                "rust-drm.config",
                "guest.config",
                "uml.config",
                "debug.config",
            ],
            Self::X86_64 => &["rust-drm.config", "guest.config", "x86_64.config"],
            Self::Arm64 => &["rust-drm.config", "arm64.config"],
        }
    }

    /// Tells whether the kernel is linked and can be booted. If not, only the
    /// library and our drivers are compiled.
    pub const fn boots(self) -> bool {
        !matches!(self, Self::Arm64)
    }

    /// Tells whether clippy is the compiler. Then what it or rustc warns of in
    /// our files is an error.
    pub const fn is_strict(self) -> bool {
        matches!(self, Self::X86_64 | Self::Arm64)
    }

    /// Returns where the kernel image is below the build output.
    pub const fn image(self) -> &'static str {
        match self {
            Self::Uml | Self::UmlDebug => "linux",
            Self::X86_64 => "arch/x86/boot/bzImage",
            Self::Arm64 => "arch/arm64/boot/Image",
        }
    }

    /// Returns about how many steps a build from nothing has.
    pub const fn steps(self) -> u64 {
        match self {
            Self::Uml => 1540,
            Self::UmlDebug => 1900,
            Self::X86_64 => 1600,
            Self::Arm64 => 170,
        }
    }
}

impl std::fmt::Display for Flavour {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    #[test]
    fn names_are_those_of_the_command_line() {
        for flavour in Flavour::ALL {
            let value = flavour.to_possible_value().expect("a name");
            assert_eq!(value.get_name(), flavour.name());
        }
    }
}
