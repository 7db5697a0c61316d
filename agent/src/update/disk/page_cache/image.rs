//! One state in which a power cut may leave the disk.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use sha2::{Digest, Sha256};

use super::PageCacheDisk;
use super::crash::Moment;
use super::log::{Content, Log, Node};

/// Names and what they hold; a folder holds nothing.
pub(super) type Tree = BTreeMap<String, Option<Content>>;

/// A state of the disk after a power cut. In text: after which step, and what was lost and kept.
#[derive(Debug, Clone)]
pub(crate) struct Image {
    moment: Arc<Moment>,
    picks: Vec<usize>,
    tree: Tree,
}

impl Image {
    pub(super) fn new(moment: Arc<Moment>, picks: Vec<usize>) -> Image {
        let tree = moment.tree(&picks);
        Image { moment, picks, tree }
    }

    /// The disk as it comes up again.
    pub(crate) fn boot(&self) -> PageCacheDisk {
        let (mut names, mut contents) = (BTreeMap::new(), Vec::new());
        for (path, content) in &self.tree {
            let node = match content {
                None => Node::Folder,
                Some(content) => {
                    contents.push(content.clone());
                    Node::File(contents.len() - 1)
                }
            };
            names.insert(path.clone(), node);
        }
        PageCacheDisk { log: Mutex::new(Log::booted(names, contents)) }
    }

    /// Whether the power went after [`PageCacheDisk::mark`] said this.
    pub(crate) fn promised(&self, promise: &str) -> bool {
        self.moment.promises.contains(&promise)
    }

    /// How many promises had been made.
    pub(crate) fn promises(&self) -> usize {
        self.moment.promises.len()
    }

    /// How many steps had been made, marks counted.
    pub(crate) fn after(&self) -> usize {
        self.moment.after
    }

    /// Equal for images that hold the same.
    pub(crate) fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        for (path, content) in &self.tree {
            hasher.update(path);
            hasher.update(content.as_ref().map_or("/", |content| content.digest.as_str()));
            // No name holds it, so that two entries cannot look like another pair.
            hasher.update([0]);
        }
        hasher.finalize().into()
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Moment { after, of, last, .. } = &*self.moment;
        write!(f, "power cut after step {after} of {of} ({last})")?;
        self.moment.describe(&self.picks).iter().try_for_each(|choice| write!(f, "; {choice}"))
    }
}
