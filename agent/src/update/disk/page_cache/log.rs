//! What was done to the disk since it came up, and what a running process sees of it.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use lineside_bundle::Sha256Hex;
use rustix::io::Errno;

use crate::update::disk::path::{check, parent, steps};

/// How a disk fails, from the step that [`super::PageCacheDisk::fail_at`] names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// No space left on the device, once.
    FullOnce,
    /// No space left on the device, for good; only `remove` still works.
    FullFromThere,
    /// An input/output error, once.
    BrokenOnce,
    /// Input/output errors, for good.
    BrokenFromThere,
}

impl Fault {
    /// Every way to fail.
    pub(crate) const ALL: [Fault; 4] =
        [Fault::FullOnce, Fault::FullFromThere, Fault::BrokenOnce, Fault::BrokenFromThere];

    fn strikes(self, at: usize, now: usize, kind: Kind) -> Option<Errno> {
        match self {
            Fault::FullOnce | Fault::FullFromThere if kind == Kind::Remove => None,
            Fault::FullOnce if now == at => Some(Errno::NOSPC),
            Fault::FullFromThere if now >= at => Some(Errno::NOSPC),
            Fault::BrokenOnce if now == at => Some(Errno::IO),
            Fault::BrokenFromThere if now >= at => Some(Errno::IO),
            _ => None,
        }
    }
}

/// Whether a step needs space.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It gives space back.
    Remove,
    /// It may need space.
    Other,
}

/// Bytes of a file, with their digest, so that states are compared without reading them again.
#[derive(Debug, Clone)]
pub(super) struct Content {
    pub(super) bytes: Arc<[u8]>,
    pub(super) digest: Arc<Sha256Hex>,
}

impl Content {
    pub(super) fn new(bytes: &[u8]) -> Content {
        Content { bytes: bytes.into(), digest: Arc::new(Sha256Hex::of(bytes)) }
    }
}

/// What a name stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    /// A folder; it is known by its path, because folders keep theirs.
    Folder,
    /// The file with this number.
    File(usize),
}

/// What a step did.
#[derive(Debug, Clone)]
pub(super) enum Effect {
    /// Names now stand for something, or for nothing; all of them or none.
    Names(Arc<[(String, Option<Node>)]>),
    /// A file was emptied and written.
    Data {
        inode: usize,
        path: Arc<str>,
        torn: Arc<[(&'static str, Content)]>,
        whole: Content,
    },
    Sync(usize),
    SyncFailed(usize),
    SyncFolder(String),
    Mark(&'static str),
}

impl Effect {
    pub(super) fn names(set: Vec<(String, Option<Node>)>) -> Effect {
        Effect::Names(set.into())
    }

    pub(super) fn data(inode: usize, path: &str, bytes: &[u8]) -> Effect {
        let whole = Content::new(bytes);
        let len = bytes.len();
        let candidates = [
            ("empty", Content::new(&[])),
            ("its first half", Content::new(&bytes[..len / 2])),
            ("all but its last byte", Content::new(&bytes[..len.saturating_sub(1)])),
            ("zeros", Content::new(&vec![0; len])),
        ];
        let mut torn: Vec<(&'static str, Content)> = Vec::new();
        for (name, content) in candidates {
            let known = torn.iter().map(|(_, known)| known).chain([&whole]);
            if known.into_iter().all(|known| known.digest != content.digest) {
                torn.push((name, content));
            }
        }
        Effect::Data { inode, path: path.into(), torn: torn.into(), whole }
    }
}

/// One step: its name for messages, and what it did.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) text: Arc<str>,
    pub(super) effects: Vec<Effect>,
}

/// The disk as it came up, the steps since, and the disk as it looks now.
#[derive(Debug, Clone, Default)]
pub(super) struct Log {
    pub(super) first_names: BTreeMap<String, Node>,
    pub(super) first_contents: Vec<Content>,
    pub(super) steps: Vec<Step>,
    names: BTreeMap<String, Node>,
    contents: Vec<Content>,
    /// Steps that could fail, so not the marks.
    pub(super) calls: usize,
    /// Steps that did.
    pub(super) failures: usize,
    pub(super) fault: Option<(usize, Fault)>,
}

impl Log {
    /// A disk that has come up with these names and contents.
    pub(super) fn booted(names: BTreeMap<String, Node>, contents: Vec<Content>) -> Log {
        let (first_names, first_contents) = (names.clone(), contents.clone());
        Log { first_names, first_contents, names, contents, ..Log::default() }
    }

    pub(super) fn node(&self, path: &str) -> io::Result<Node> {
        check(path)?;
        let mut node = Node::Folder;
        for step in steps(path) {
            if node != Node::Folder {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            node = *self.names.get(step).ok_or(io::ErrorKind::NotFound)?;
        }
        Ok(node)
    }

    pub(super) fn file(&self, path: &str) -> io::Result<usize> {
        match self.node(path)? {
            Node::File(inode) => Ok(inode),
            Node::Folder => Err(io::ErrorKind::IsADirectory.into()),
        }
    }

    pub(super) fn is_folder(&self, path: &str) -> io::Result<()> {
        match self.node(path)? {
            Node::Folder => Ok(()),
            Node::File(_) => Err(io::ErrorKind::NotADirectory.into()),
        }
    }

    pub(super) fn names_in(&self, folder: &str) -> Vec<String> {
        let paths = self.names.keys().filter(|path| parent(path) == folder);
        paths.map(|path| path.rsplit('/').next().unwrap_or(path).to_owned()).collect()
    }

    pub(super) fn content(&self, inode: usize) -> &Content {
        &self.contents[inode]
    }

    /// A file that has no name yet.
    pub(super) fn new_inode(&mut self) -> usize {
        self.contents.push(Content::new(&[]));
        self.contents.len() - 1
    }

    pub(super) fn sync_folder(&mut self, path: &str) -> io::Result<()> {
        self.is_folder(path)?;
        let synced = vec![Effect::SyncFolder(path.to_owned())];
        self.step(Kind::Other, format!("sync folder {path:?}"), synced, vec![])
    }

    /// Makes a step, or lets it fail and do what `failed` says.
    pub(super) fn step(
        &mut self,
        kind: Kind,
        text: String,
        done: Vec<Effect>,
        failed: Vec<Effect>,
    ) -> io::Result<()> {
        let now = self.calls;
        self.calls += 1;
        if let Some(error) = self.fault.and_then(|(at, fault)| fault.strikes(at, now, kind)) {
            self.failures += 1;
            self.record(format!("{text}, which failed: {error}"), failed);
            return Err(error.into());
        }
        self.record(text, done);
        Ok(())
    }

    pub(super) fn record(&mut self, text: String, effects: Vec<Effect>) {
        for effect in &effects {
            match effect {
                Effect::Names(names) => set_names(&mut self.names, names),
                Effect::Data { inode, whole, .. } => self.contents[*inode] = whole.clone(),
                Effect::Sync(_) | Effect::SyncFailed(_) | Effect::SyncFolder(_) | Effect::Mark(_) => {}
            }
        }
        self.steps.push(Step { text: text.into(), effects });
    }
}

/// Lets names stand for what a step says.
pub(super) fn set_names(names: &mut BTreeMap<String, Node>, set: &[(String, Option<Node>)]) {
    for (path, node) in set {
        match node {
            Some(node) => names.insert(path.clone(), *node),
            None => names.remove(path),
        };
    }
}
