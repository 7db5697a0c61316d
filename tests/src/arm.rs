//! Builds of the agent for other processors, run under qemu.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use crate::skipped;

/// A processor that gateways have and this machine has not.
#[derive(Clone, Copy, Debug)]
pub struct Processor {
    /// As people call it.
    pub name: &'static str,
    /// The variable with the path of its `lineside`.
    variable: &'static str,
    /// The emulator and where Debian keeps the libraries of that architecture. A binary for another
    /// processor has to be started through it: started directly it fails without a word.
    emulator: [&'static str; 3],
}

/// Raspberry Pi with a 64-bit system, Jetson; Raspberry Pi with a 32-bit one.
pub const PROCESSORS: [Processor; 2] = [
    Processor {
        name: "aarch64",
        variable: "LINESIDE_AARCH64_BIN",
        emulator: ["qemu-aarch64-static", "-L", "/usr/aarch64-linux-gnu"],
    },
    Processor {
        name: "armv7",
        variable: "LINESIDE_ARMV7_BIN",
        emulator: ["qemu-arm-static", "-L", "/usr/arm-linux-gnueabihf"],
    },
];

/// How a build of the agent is started.
#[derive(Clone, Debug)]
pub struct Build {
    /// The processor that it is for.
    pub processor: &'static str,
    launch: Vec<OsString>,
}

impl Build {
    /// The agent of this machine.
    #[must_use]
    pub fn here() -> Self {
        Build { processor: "x86-64", launch: vec![crate::agent::path().into()] }
    }

    /// Those for other processors; says aloud which are missing.
    ///
    /// # Panics
    /// When a variable names no file.
    #[must_use]
    pub fn elsewhere() -> Vec<Self> {
        PROCESSORS.iter().filter_map(Build::of).collect()
    }

    fn of(processor: &Processor) -> Option<Self> {
        let Some(path) = std::env::var_os(processor.variable).map(PathBuf::from) else {
            skipped(&format!(
                "{}, the path of a build of lineside for {}",
                processor.variable, processor.name
            ));
            return None;
        };
        assert!(path.is_file(), "{} names no file: {}", processor.variable, path.display());
        let launch = processor.emulator.map(OsString::from).into_iter().chain([path.into()]).collect();
        Some(Build { processor: processor.name, launch })
    }

    /// A command of it, without arguments.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.launch[0]);
        // tract reads which instructions there are from /proc/cpuinfo, which is the host's here, and would leave
        // out those that every board has.
        command.args(&self.launch[1..]).env("TRACT_CPU_ARM32_NEON", "true");
        command
    }
}
