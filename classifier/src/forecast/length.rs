//! How long an answer is expected to be, in whole tokens: what is seen of it, what is thought before it, and what is seldom surpassed.

use decision::Tokens;

use super::Reckoned;

/// Where an answer of some length is asked for, one in ten is longer than so many halves of it: models keep to a length roughly.
const HALVES_AT_MOST: u64 = 3;

/// The expected length of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Length {
    pub(super) seen: u64,
    pub(super) hidden: u64,
    pub(super) p90: u64,
}

impl Length {
    /// As reckoned from what was counted, of which a share is hidden; within what the model can write. Whoever asks for a length knows
    /// better what will be seen; what is thought before it is as much as ever.
    #[inline(always)]
    pub(super) fn of(reckoned: &Reckoned, share: f32, asked: Option<Tokens>, most: u64) -> Self {
        let (all, p90) = (whole(reckoned.output), whole(reckoned.output_p90));
        let (all, hidden, p90) = match asked.map(|asked| u64::from(asked.get())) {
            None => {
                let all = all.min(most);
                (all, share_of(all, share), p90)
            }
            Some(asked) => {
                let hidden = share_of(all, share);
                (hidden + asked, hidden, share_of(p90, share) + asked * HALVES_AT_MOST / 2)
            }
        };
        let all = all.min(most);
        let hidden = hidden.min(all);
        Self { seen: all - hidden, hidden, p90: p90.clamp(all, most.max(all)) }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of a bounded count"
)]
#[inline(always)]
fn share_of(count: u64, share: f32) -> u64 {
    ((count as f32 * share) as u64).min(count)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 1 and e^13")]
#[inline(always)]
pub(super) fn whole(tokens: f32) -> u64 {
    tokens as u64
}

#[cfg(test)]
mod tests {
    //! What a length that is asked for changes.

    use decision::Tokens;

    use super::{Length, Reckoned};

    const RECKONED: Reckoned =
        Reckoned { quality: 0.5, quality_low: 0.4, output: 200.0, output_p90: 400.0, beyond: 0.0 };

    fn length(share: f32, asked: Option<u64>, most: u64) -> [u64; 3] {
        let asked = asked.map(|asked| Tokens::new(asked).unwrap());
        let Length { seen, hidden, p90 } = Length::of(&RECKONED, share, asked, most);
        [seen, hidden, p90]
    }

    #[test]
    fn what_is_asked_for_is_seen_and_what_is_thought_comes_on_top() {
        assert_eq!(length(0.0, None, 4_096), [200, 0, 400]);
        assert_eq!(length(0.0, Some(2_000), 4_096), [2_000, 0, 3_000]);
        assert_eq!(length(0.75, None, 4_096), [50, 150, 400]);
        assert_eq!(length(0.75, Some(2_000), 4_096), [2_000, 150, 3_300]);
        assert_eq!(length(0.75, Some(4), 4_096), [4, 150, 306]);
    }

    #[test]
    fn no_model_writes_more_than_it_can() {
        assert_eq!(length(0.0, Some(1_000_000), 4_096), [4_096, 0, 4_096]);
        assert_eq!(length(0.75, Some(1_000_000), 100), [0, 100, 100]);
        assert_eq!(length(0.75, None, 100), [25, 75, 100]);
    }
}
