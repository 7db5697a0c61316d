//! The client that the public conformance suite of The Update Framework drives. Tests only.
//!
//! It is the agent's own verification, past the same gate, over HTTP; but besides ed25519 it verifies
//! ECDSA P-256, with which the suite's repositories are signed, because its provider is another one.
//!
//! ```text
//! tuf-client --metadata-dir D init ROOT
//! tuf-client --metadata-dir D --metadata-url U refresh
//! tuf-client --metadata-dir D --metadata-url U --target-name N… --target-base-url T --target-dir O download
//! ```
//!
//! Exit code 0 on success, 1 on any failure, with the reason on stderr.

mod arguments;
mod folder;
mod http;
mod provider;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;

use lineside_bundle::Sha256Hex;
use lineside_bundle::trust::{FolderSource, MemoryStore, Verifier};

use arguments::{Arguments, Command};
use folder::FolderStore;
use http::HttpSource;

/// Anything that went wrong, to be told and to end with.
type Failure = Box<dyn std::error::Error>;

/// Longest target that the suite asks for, with room.
const TARGET_LIMIT: u64 = 1_000_000;

fn main() -> ExitCode {
    provider::install();
    match Arguments::parse(std::env::args().skip(1)).and_then(|arguments| run(&arguments)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // A closed stderr changes nothing about the verdict.
            let _ = writeln!(std::io::stderr(), "tuf-client: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Failure> {
    match &arguments.command {
        Command::Init { root } => init(arguments, root),
        Command::Refresh => refresh(arguments).map(drop),
        Command::Download => download(arguments),
    }
}

/// Takes a root on trust, if it is one.
fn init(arguments: &Arguments, root: &Path) -> Result<(), Failure> {
    let bytes = std::fs::read(root)?;
    let nowhere = Box::new(FolderSource::new("/nonexistent"));
    Verifier::open(&bytes, nowhere, Box::new(MemoryStore::default()))?;
    std::fs::write(arguments.metadata_dir.join("root.json"), bytes)?;
    Ok(())
}

fn refresh(arguments: &Arguments) -> Result<Verifier, Failure> {
    let root = std::fs::read(arguments.metadata_dir.join("root.json"))?;
    let source = HttpSource::new(arguments.metadata_url()?, arguments.target_base_url.as_deref());
    let store = FolderStore::new(&arguments.metadata_dir);
    let mut verifier = Verifier::open(&root, Box::new(source), Box::new(store))?;
    verifier.refresh(jiff::Timestamp::now())?;
    Ok(verifier)
}

fn download(arguments: &Arguments) -> Result<(), Failure> {
    let folder = arguments.target_dir()?;
    let mut verifier = refresh(arguments)?;
    for name in &arguments.target_names {
        let path = folder.join(name);
        // What is there already is not fetched again, where it can be told by its SHA-256.
        if let Ok(Some(target)) = verifier.target(name)
            && std::fs::read(&path).is_ok_and(|bytes| Sha256Hex::of(&bytes) == target.sha256)
        {
            continue;
        }
        let bytes = verifier.read(name, TARGET_LIMIT)?.ok_or_else(|| format!("{name}: no role lists it"))?;
        std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
        std::fs::write(&path, bytes)?;
    }
    Ok(())
}
