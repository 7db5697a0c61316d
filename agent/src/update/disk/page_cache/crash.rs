//! Which states a power cut may leave: the choices that are open at a moment, and their combinations.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::sync::Arc;

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;

use super::image::{Image, Tree};
use super::log::{Content, Effect, Log, Node, set_names};
use crate::update::disk::path::parent;

/// Names that a step set, and the folders whose sync is still missing before they are certain.
#[derive(Debug)]
struct Naming {
    text: Arc<str>,
    set: Arc<[(String, Option<Node>)]>,
    unsynced: BTreeSet<String>,
}

/// What a file may hold: first what is certain, last what was written last.
#[derive(Debug)]
struct Holding {
    inode: usize,
    path: Arc<str>,
    options: Vec<(&'static str, Content)>,
}

/// A file with writes that are not certain.
#[derive(Debug, Default)]
struct Pending {
    path: Arc<str>,
    options: Vec<(&'static str, Content)>,
    /// A sync has failed since the last write, so that no later one makes it certain.
    doomed: bool,
}

/// A moment between two steps at which the power may go.
#[derive(Debug)]
pub(super) struct Moment {
    pub(super) after: usize,
    pub(super) of: usize,
    pub(super) last: Arc<str>,
    pub(super) promises: Vec<&'static str>,
    first_names: BTreeMap<String, Node>,
    certain: BTreeMap<usize, Content>,
    namings: Vec<Naming>,
    holdings: Vec<Holding>,
}

impl Moment {
    /// The moment after the first `after` steps.
    fn new(log: &Log, after: usize) -> Moment {
        let mut certain: BTreeMap<usize, Content> = log.first_contents.iter().cloned().enumerate().collect();
        let (mut namings, mut promises) = (Vec::<Naming>::new(), Vec::new());
        let mut pending = BTreeMap::<usize, Pending>::new();
        for step in &log.steps[..after] {
            for effect in &step.effects {
                match effect {
                    Effect::Names(set) => {
                        let unsynced = set.iter().map(|(path, _)| parent(path).to_owned()).collect();
                        namings.push(Naming { text: step.text.clone(), set: set.clone(), unsynced });
                    }
                    Effect::SyncFolder(folder) => {
                        for naming in &mut namings {
                            naming.unsynced.remove(folder);
                        }
                    }
                    Effect::Data { inode, path, torn, whole } => {
                        let file = pending.entry(*inode).or_default();
                        file.path = Arc::clone(path);
                        file.doomed = false;
                        file.options.extend(torn.iter().cloned());
                        file.options.push(("whole", whole.clone()));
                    }
                    Effect::Sync(inode) => {
                        if pending.get(inode).is_some_and(|file| !file.doomed)
                            && let Some((_, whole)) = pending.remove(inode).and_then(|mut p| p.options.pop())
                        {
                            certain.insert(*inode, whole);
                        }
                    }
                    Effect::SyncFailed(inode) => {
                        pending.entry(*inode).and_modify(|file| file.doomed = true);
                    }
                    Effect::Mark(promise) => promises.push(*promise),
                }
            }
        }
        let holdings = pending.into_iter().map(|(inode, file)| {
            let before = certain.get(&inode).cloned().unwrap_or_else(|| Content::new(&[]));
            let options = [("as before", before)].into_iter().chain(file.options).collect();
            Holding { inode, path: file.path, options: distinct(options) }
        });
        let last = after.checked_sub(1).map_or_else(|| Arc::from(""), |last| log.steps[last].text.clone());
        Moment {
            after,
            of: log.steps.len(),
            last,
            promises,
            first_names: log.first_names.clone(),
            holdings: holdings.collect(),
            certain,
            namings,
        }
    }

    fn open_namings(&self) -> impl Iterator<Item = &Naming> {
        self.namings.iter().filter(|naming| !naming.unsynced.is_empty())
    }

    /// For each choice, how many options it has; option 0 is lost, the last is kept.
    pub(super) fn choices(&self) -> Vec<usize> {
        let names = self.open_namings().map(|_| 2);
        names.chain(self.holdings.iter().map(|holding| holding.options.len())).collect()
    }

    /// The disk as it comes up when the choices fall like this.
    pub(super) fn tree(&self, picks: &[usize]) -> Tree {
        let mut picks = picks.iter().copied();
        let mut names = self.first_names.clone();
        for naming in &self.namings {
            if naming.unsynced.is_empty() || picks.next() == Some(1) {
                set_names(&mut names, &naming.set);
            }
        }
        let mut contents = self.certain.clone();
        for (holding, pick) in self.holdings.iter().zip(picks) {
            contents.insert(holding.inode, holding.options[pick].1.clone());
        }
        let mut tree = Tree::new();
        for (path, node) in names {
            // What is in a folder whose own name was lost is gone with it; parents sort first.
            if parent(&path).is_empty() || matches!(tree.get(parent(&path)), Some(None)) {
                let content = match node {
                    Node::Folder => None,
                    // Never synced and never written: a file that is empty.
                    Node::File(inode) => {
                        Some(contents.get(&inode).cloned().unwrap_or_else(|| Content::new(&[])))
                    }
                };
                tree.insert(path, content);
            }
        }
        tree
    }

    /// The choices in words.
    pub(super) fn describe(&self, picks: &[usize]) -> Vec<String> {
        let names = self.open_namings().zip(picks);
        let names = names.map(|(naming, pick)| format!("{}: {}", naming.text, ["lost", "kept"][*pick]));
        let held = self.holdings.iter().zip(&picks[self.open_namings().count()..]);
        names.chain(held.map(|(held, pick)| format!("{} is {}", held.path, held.options[*pick].0))).collect()
    }
}

/// The options without what is the first or the last once more; these two keep their places.
fn distinct(options: Vec<(&'static str, Content)>) -> Vec<(&'static str, Content)> {
    let last = options.len() - 1;
    let mut seen = HashSet::from([options[0].1.digest.clone(), options[last].1.digest.clone()]);
    let keep = options.into_iter().enumerate().filter(|(at, (_, content))| {
        let new = seen.insert(content.digest.clone());
        new || *at == 0 || *at == last
    });
    keep.map(|(_, option)| option).collect()
}

/// All moments after `first` steps or more, and for each its combinations.
pub(super) fn states(
    log: &Log,
    first: usize,
    limit: usize,
    seed: u64,
) -> impl Iterator<Item = Image> + use<> {
    let log = log.clone();
    let mut seen = HashSet::new();
    (first..=log.steps.len())
        .flat_map(move |after| {
            let moment = Arc::new(Moment::new(&log, after));
            let picks = combinations(&moment.choices(), limit, seed ^ after as u64);
            picks.into_iter().map(move |picks| Image::new(Arc::clone(&moment), picks))
        })
        .filter(move |image| seen.insert((image.promises(), image.digest())))
}

/// The last moment with everything kept.
pub(super) fn settled(log: &Log) -> Image {
    let moment = Arc::new(Moment::new(log, log.steps.len()));
    let kept = moment.choices().iter().map(|options| options - 1).collect();
    Image::new(moment, kept)
}

/// All combinations where there are at most `limit`, and else a sample.
pub(super) fn combinations(choices: &[usize], limit: usize, seed: u64) -> Vec<Vec<usize>> {
    let count = choices.iter().try_fold(1_usize, |product, options| product.checked_mul(*options));
    if count.is_some_and(|count| count <= limit) {
        let mut all = vec![Vec::new()];
        for options in choices {
            let longer = |picks: &Vec<usize>, pick| picks.iter().copied().chain([pick]).collect();
            all = all.iter().flat_map(|picks| (0..*options).map(move |pick| longer(picks, pick))).collect();
        }
        return all;
    }
    let lost = vec![0; choices.len()];
    let kept: Vec<usize> = choices.iter().map(|options| options - 1).collect();
    let mut sample: BTreeSet<Vec<usize>> = BTreeSet::from([lost.clone(), kept.clone()]);
    for (at, options) in choices.iter().enumerate() {
        for pick in 0..*options {
            for others in [&lost, &kept] {
                let mut picks = others.clone();
                picks[at] = pick;
                sample.insert(picks);
            }
        }
    }
    // More combinations than `limit` exist, so that the loop ends; the bound is against bad luck.
    let mut random = Pcg64::seed_from_u64(seed);
    for _ in 0..limit.saturating_mul(8) {
        if sample.len() >= limit {
            break;
        }
        sample.insert(choices.iter().map(|options| random.random_range(0..*options)).collect());
    }
    sample.into_iter().collect()
}
