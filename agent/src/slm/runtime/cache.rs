//! The loaded models, within a budget of memory.
//!
//! A model is loaded when it is first asked for, and leaves when another needs its place and it was
//! not asked for longest. A model that somebody holds is never unloaded.

use std::sync::Arc;

/// The loaded models.
#[derive(Debug)]
pub struct Cache<M: ?Sized> {
    budget: u64,
    /// The one that was asked for longest ago comes first.
    loaded: Vec<Loaded<M>>,
}

#[derive(Debug)]
struct Loaded<M: ?Sized> {
    name: String,
    bytes: u64,
    model: Arc<M>,
}

/// There is no room for a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NoRoom {
    /// Bytes that it needs.
    pub needs: u64,
    /// Bytes held by models that are in use.
    pub in_use: u64,
    /// Bytes for all of them.
    pub budget: u64,
}

impl<M: ?Sized> Cache<M> {
    /// An empty cache for `budget` bytes of models.
    #[must_use]
    pub fn new(budget: u64) -> Self {
        Cache { budget, loaded: Vec::new() }
    }

    /// The model of this name, which now was asked for last.
    pub fn get(&mut self, name: &str) -> Option<Arc<M>> {
        let at = self.loaded.iter().position(|loaded| loaded.name == name)?;
        let loaded = self.loaded.remove(at);
        let model = Arc::clone(&loaded.model);
        self.loaded.push(loaded);
        Some(model)
    }

    /// Unloads models until `needs` bytes are free. Unloads none when that cannot be reached.
    ///
    /// # Errors
    /// When what is in use leaves too little.
    pub fn make_room(&mut self, needs: u64) -> Result<Vec<String>, NoRoom> {
        let in_use = self.loaded.iter().filter(|loaded| is_in_use(loaded)).map(|loaded| loaded.bytes).sum();
        if needs.saturating_add(in_use) > self.budget {
            return Err(NoRoom { needs, in_use, budget: self.budget });
        }
        let mut unloaded = Vec::new();
        while needs.saturating_add(self.bytes()) > self.budget {
            let Some(at) = self.loaded.iter().position(|loaded| !is_in_use(loaded)) else { break };
            unloaded.push(self.loaded.remove(at).name);
        }
        Ok(unloaded)
    }

    /// Takes a model in, unloading others where it needs their place.
    ///
    /// # Errors
    /// When there is no room for it; it is then not kept.
    pub fn insert(&mut self, name: &str, bytes: u64, model: Arc<M>) -> Result<Vec<String>, NoRoom> {
        self.remove(name);
        let unloaded = self.make_room(bytes)?;
        self.loaded.push(Loaded { name: name.to_owned(), bytes, model });
        Ok(unloaded)
    }

    /// Lets go of a model, whatever holds it.
    pub fn remove(&mut self, name: &str) {
        self.loaded.retain(|loaded| loaded.name != name);
    }

    /// The loaded models with their bytes, the one asked for longest ago first.
    pub fn loaded(&self) -> impl Iterator<Item = (&str, u64)> {
        self.loaded.iter().map(|loaded| (loaded.name.as_str(), loaded.bytes))
    }

    /// Bytes of all of them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.loaded.iter().map(|loaded| loaded.bytes).sum()
    }
}

fn is_in_use<M: ?Sized>(loaded: &Loaded<M>) -> bool {
    Arc::strong_count(&loaded.model) > 1
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_budget_is_kept_and_what_is_in_use_stays(
            budget in 0..200u64,
            steps in proptest::collection::vec((0..6usize, 0..80u64, any::<bool>()), 0..60),
        ) {
            let mut cache: Cache<usize> = Cache::new(budget);
            let mut held: Vec<Option<Arc<usize>>> = vec![None; 6];
            for (which, bytes, hold) in steps {
                let name = which.to_string();
                let model = match cache.get(&name) {
                    Some(model) => Some(model),
                    None => {
                        let model = Arc::new(which);
                        match cache.insert(&name, bytes, Arc::clone(&model)) {
                            Ok(_) => Some(model),
                            Err(no_room) => {
                                prop_assert!(no_room.needs + no_room.in_use > no_room.budget);
                                None
                            }
                        }
                    }
                };
                held[which] = model.filter(|_| hold);
                prop_assert!(cache.bytes() <= budget);
                for model in held.iter().flatten() {
                    let name = model.to_string();
                    prop_assert!(cache.loaded().any(|(loaded, _)| loaded == name), "{} was dropped", name);
                }
            }
        }
    }

    fn cache() -> Cache<u8> {
        let mut cache = Cache::new(100);
        for (name, bytes) in [("a", 40), ("b", 40)] {
            cache.insert(name, bytes, Arc::new(0)).unwrap();
        }
        cache
    }

    #[test]
    fn the_model_that_was_not_asked_for_longest_leaves_first() {
        let mut cache = cache();
        cache.get("a").unwrap();
        assert_eq!(cache.insert("c", 30, Arc::new(0)), Ok(vec!["b".to_owned()]));
        assert_eq!(cache.loaded().collect::<Vec<_>>(), [("a", 40), ("c", 30)]);
    }

    #[test]
    fn a_model_that_does_not_fit_is_refused_with_the_figures_and_nothing_is_unloaded() {
        let mut cache = cache();
        let held = cache.get("a").unwrap();
        let refused = cache.insert("c", 61, Arc::new(0)).unwrap_err();
        assert_eq!(refused, NoRoom { needs: 61, in_use: 40, budget: 100 });
        assert_eq!(cache.bytes(), 80);
        drop(held);
        assert_eq!(cache.insert("c", 61, Arc::new(0)).unwrap(), ["b", "a"]);
        assert_eq!(cache.make_room(101), Err(NoRoom { needs: 101, in_use: 0, budget: 100 }));
    }
}
