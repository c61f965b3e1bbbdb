//! The referee of one provider: it sees calls begin and end, knows the rule, and keeps its own idea of when the provider must
//! be left alone. It never looks at the breaker, so that a breaker that fools itself does not fool it.

use crate::health::BreakerRule;
use crate::units::Moment;

/// How a call ended, as far as the provider is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    Good,
    Bad,
    /// Nothing was learned: the caller hung up or was at fault.
    None,
}

#[derive(Clone, Copy, Debug)]
enum View {
    Healthy {
        n_bad_in_a_row: u32,
    },
    /// No call may begin before.
    LeftAlone {
        until: Moment,
    },
    /// One call is out alone; no other may begin before.
    Probed {
        call: u64,
        until: Moment,
    },
}

pub(super) struct Referee {
    rule: BreakerRule,
    view: View,
}

impl Referee {
    /// Only failures in a row may open the breaker under this rule: a share would be a second clock to keep.
    pub(super) fn new(rule: BreakerRule) -> Self {
        Self { rule, view: View::Healthy { n_bad_in_a_row: 0 } }
    }

    /// A call begins. Whether it is a probe, if it may begin at all.
    pub(super) fn begins(&mut self, call: u64, now: Moment) -> Result<bool, String> {
        match self.view {
            View::Healthy { .. } => return Ok(false),
            View::LeftAlone { until } if now < until => {
                return Err(format!("an open breaker was called at {now:?}, before {until:?}"));
            }
            View::Probed { until, .. } if now < until => {
                return Err(format!("a second probe went at {now:?}, before {until:?}"));
            }
            View::LeftAlone { .. } | View::Probed { .. } => {}
        }
        self.view = View::Probed { call, until: now.after_ms(self.rule.probe_ms) };
        Ok(true)
    }

    /// A call was turned away.
    pub(super) fn turned_away(&self) -> Result<(), String> {
        match self.view {
            View::Healthy { .. } => Err("a healthy provider was not called".to_owned()),
            View::LeftAlone { .. } | View::Probed { .. } => Ok(()),
        }
    }

    /// A call ends. Whether the provider must be left alone from now on.
    pub(super) fn ends(&mut self, call: u64, word: Word, now: Moment) -> bool {
        let open = View::LeftAlone { until: now.after_ms(self.rule.open_ms) };
        let (view, opens) = match (self.view, word) {
            (View::Healthy { .. }, Word::Good) => (View::Healthy { n_bad_in_a_row: 0 }, false),
            (View::Healthy { n_bad_in_a_row }, Word::Bad) if n_bad_in_a_row + 1 >= self.rule.n_failures_in_a_row => {
                (open, true)
            }
            (View::Healthy { n_bad_in_a_row }, Word::Bad) => {
                (View::Healthy { n_bad_in_a_row: n_bad_in_a_row + 1 }, false)
            }
            (View::Probed { call: probe, .. }, Word::Good) if probe == call => {
                (View::Healthy { n_bad_in_a_row: 0 }, false)
            }
            (View::Probed { call: probe, .. }, Word::Bad) if probe == call => (open, true),
            (View::Probed { call: probe, .. }, Word::None) if probe == call => (View::LeftAlone { until: now }, false),
            // A straggler from before says nothing about now.
            (view @ (View::Healthy { .. } | View::LeftAlone { .. } | View::Probed { .. }), _) => (view, false),
        };
        self.view = view;
        opens
    }
}
