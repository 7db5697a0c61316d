//! Threads that wait for a share of a large product.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::thread::JoinHandle;

/// More parts than this are not worth waking threads for, on the processors of gateways.
pub(crate) const MOST_THREADS: usize = 16;

/// A few threads that sleep until there is a product large enough to share, and never spin. They inherit
/// the priority of the thread that makes the pool.
#[derive(Debug)]
pub struct Pool {
    shared: Arc<Shared>,
    workers: Vec<JoinHandle<()>>,
    /// Held by the one call that the workers work for.
    caller: Mutex<()>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    /// A job is there, or the pool ends.
    start: Condvar,
    /// The last worker is done.
    done: Condvar,
}

#[derive(Default)]
struct State {
    job: Option<Job>,
    /// Counts jobs, so that a worker takes part in each once.
    number: u64,
    /// Workers that have not finished the job.
    busy: usize,
    /// What the first worker that panicked said.
    panic: Option<Box<dyn Any + Send>>,
    ends: bool,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State")
            .field("number", &self.number)
            .field("busy", &self.busy)
            .finish_non_exhaustive()
    }
}

type Job = &'static (dyn Fn(usize) + Sync);

impl Pool {
    /// A pool that works on products with `threads` threads, the caller being one of them; from 1 to 16.
    ///
    /// # Errors
    /// If the system gives no further thread.
    pub fn new(threads: usize) -> std::io::Result<Self> {
        let mut pool = Self { shared: Arc::default(), workers: Vec::new(), caller: Mutex::new(()) };
        for part in 1..threads.clamp(1, MOST_THREADS) {
            let shared = Arc::clone(&pool.shared);
            let worker = std::thread::Builder::new().name(format!("kernels-{part}"));
            pool.workers.push(worker.spawn(move || shared.work(part))?);
        }
        Ok(pool)
    }

    /// Threads, with the caller.
    pub fn threads(&self) -> usize {
        self.workers.len() + 1
    }

    /// Calls `job` with each of `0..threads`, each once, and returns when all calls have. While the pool
    /// works for another thread, the caller does all of them itself.
    pub(crate) fn run(&self, job: &(dyn Fn(usize) + Sync)) {
        let _caller = match self.caller.try_lock() {
            Ok(caller) => caller,
            // A job of this caller's thread panicked once, which concerns no later one.
            Err(TryLockError::Poisoned(caller)) => caller.into_inner(),
            Err(TryLockError::WouldBlock) => return (0..self.threads()).for_each(job),
        };
        // SAFETY: only the lifetime changes. Workers call the job only between here and the end of
        // `wait`, which `Waits` runs even when this function unwinds.
        let lasting = unsafe { std::mem::transmute::<&(dyn Fn(usize) + Sync), Job>(job) };
        let mut state = self.shared.lock();
        state.job = Some(lasting);
        state.number += 1;
        state.busy = self.workers.len();
        drop(state);
        self.shared.start.notify_all();
        let waits = Waits(&self.shared);
        job(0);
        drop(waits);
        if let Some(panic) = self.shared.lock().panic.take() {
            resume_unwind(panic);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.shared.lock().ends = true;
        self.shared.start.notify_all();
        for worker in self.workers.drain(..) {
            // A job's panic went to its caller; the loop around it has none.
            let _ = worker.join();
        }
    }
}

/// Waits at its end until no worker has the job any more.
struct Waits<'a>(&'a Shared);

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        while state.busy > 0 {
            state = self.0.done.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.job = None;
    }
}

impl Shared {
    /// No code that can panic runs under the lock, so it is never left half written.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, part: usize) {
        let mut last = 0;
        let mut state = self.lock();
        loop {
            if state.ends {
                return;
            }
            let Some(job) = state.job.filter(|_| state.number != last) else {
                state = self.start.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            last = state.number;
            drop(state);
            let result = catch_unwind(AssertUnwindSafe(|| job(part)));
            state = self.lock();
            if let Err(panic) = result {
                state.panic.get_or_insert(panic);
            }
            state.busy -= 1;
            if state.busy == 0 {
                self.done.notify_all();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn every_part_of_every_job_is_done_once_before_the_call_returns() {
        let pool = Pool::new(4).expect("threads");
        for _ in 0..500 {
            let done: [AtomicUsize; 4] = Default::default();
            pool.run(&|part| {
                done[part].fetch_add(1, Ordering::Relaxed);
            });
            assert!(done.iter().all(|done| done.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn callers_at_the_same_time_all_get_their_work_done() {
        let pool = Pool::new(3).expect("threads");
        let done = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        pool.run(&|_| {
                            done.fetch_add(1, Ordering::Relaxed);
                        });
                    }
                });
            }
        });
        assert_eq!(done.into_inner(), 4 * 100 * 3);
    }

    #[test]
    fn a_panic_in_a_part_reaches_the_caller_and_the_pool_goes_on() {
        let pool = Pool::new(3).expect("threads");
        for bad in 0..3 {
            let result =
                catch_unwind(AssertUnwindSafe(|| pool.run(&|part| assert_ne!(part, bad, "bad part"))));
            assert!(result.is_err());
        }
        let done = AtomicUsize::new(0);
        pool.run(&|_| {
            done.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(done.into_inner(), 3);
    }
}
