//! Work that many hands can do: jobs that do not know each other, on all cores.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does all jobs. Which worker takes which is luck; what a job makes is not, and comes back in the order of the jobs.
pub(crate) fn side_by_side<J: Sync, R: Send>(jobs: &[J], work: impl Fn(&J) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let made: Vec<Mutex<Option<R>>> = jobs.iter().map(|_| Mutex::new(None)).collect();
    let n_workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get).min(jobs.len());
    std::thread::scope(|scope| {
        for _ in 0..n_workers {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(job) = jobs.get(at) else { return };
                    let result = work(job);
                    *made[at].lock().unwrap_or_else(PoisonError::into_inner) = Some(result);
                }
            });
        }
    });
    let taken = |slot: Mutex<Option<R>>| slot.into_inner().unwrap_or_else(PoisonError::into_inner);
    made.into_iter().map(|slot| taken(slot).expect("every job was taken")).collect()
}

#[cfg(test)]
mod tests {
    //! Order among many hands.

    use super::side_by_side;

    #[test]
    fn what_is_made_comes_back_in_order() {
        let jobs: Vec<u64> = (0..50).rev().collect();
        assert_eq!(side_by_side(&jobs, |job| job * 2), jobs.iter().map(|job| job * 2).collect::<Vec<_>>());
        assert!(side_by_side(&Vec::<u64>::new(), |job| *job).is_empty());
    }
}
