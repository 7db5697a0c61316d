//! The incident model that is built into the agent: always at hand, whatever the disk says.

use lineside_bundle::{Bundle, BundleError};

/// What it is.
pub const MANIFEST: &str = include_str!("../../../../../models/catalog/incident/manifest.toml");
const MODEL: &[u8] = include_bytes!("../../../../../models/catalog/incident/model.onnx");
const TEXTS: [(&str, &str); 2] = [
    ("signatures.toml", include_str!("../../../../../models/catalog/incident/signatures.toml")),
    ("phrases.toml", include_str!("../../../../../models/catalog/incident/phrases.toml")),
];

/// The bundle.
///
/// # Errors
/// Never for a released agent: its tests load it.
pub fn bundle() -> Result<Bundle, BundleError> {
    Bundle::built_in(MANIFEST, MODEL, &TEXTS)
}
