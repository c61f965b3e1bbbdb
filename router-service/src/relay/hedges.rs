//! How many calls may be asked twice: each call earns a share of one, and asking twice spends a whole one. What is saved up has a
//! limit, so that a quiet hour does not pay for a wave.

use std::sync::atomic::{AtomicI64, Ordering};

/// Whole hedges that may be saved up. A guess at a few seconds of a busy service.
pub(crate) const MAX_SAVED: i64 = 10;

/// What one hedge is counted in, so that small shares are whole numbers.
const WHOLE: i64 = 1_000_000;

/// What is saved up.
#[derive(Debug, Default)]
pub(super) struct Hedges {
    saved: AtomicI64,
}

impl Hedges {
    /// A call was begun.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a share is between 0 and 1, as the configuration was checked for"
    )]
    pub(super) fn earn(&self, share: f64) {
        self.add((share * 1e6) as i64);
    }

    /// Takes a whole one, if it is there.
    pub(super) fn spend(&self) -> bool {
        let take = |saved: i64| (saved >= WHOLE).then_some(saved - WHOLE);
        self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, take).is_ok()
    }

    /// It was not used.
    pub(super) fn give_back(&self) {
        self.add(WHOLE);
    }

    fn add(&self, amount: i64) {
        let add = |saved: i64| Some((saved + amount).min(MAX_SAVED * WHOLE));
        // The closure never declines, so this cannot fail.
        let _ = self.saved.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }
}

#[cfg(test)]
mod tests {
    //! No more are spent than were earned, and no more are saved than the limit.

    use super::{Hedges, MAX_SAVED};

    #[test]
    fn one_in_so_many_may_be_asked_twice() {
        let hedges = Hedges::default();
        let mut spent = 0;
        for _ in 0..1000 {
            hedges.earn(0.05);
            spent += u32::from(hedges.spend());
        }
        assert_eq!(spent, 50);
    }

    #[test]
    fn a_quiet_time_saves_up_to_the_limit() {
        let hedges = Hedges::default();
        (0..1000).for_each(|_| hedges.earn(1.0));
        let spent = (0..1000).filter(|_| hedges.spend()).count();
        assert_eq!(i64::try_from(spent), Ok(MAX_SAVED));
        hedges.give_back();
        assert!(hedges.spend() && !hedges.spend());
    }
}
