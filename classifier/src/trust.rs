//! How far each view is trusted about how hard a prompt is, by what the prompt is about. A view that tells hard law from easy law may
//! know little of contests, and weights that are the same for all prompts cannot say so. Who is better at a prompt it leaves alone.

use crate::council::Heard;

/// What is trusted of each topic. Without topics, nothing is added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trust {
    /// Row after row, a topic each: what is added outright, then for each view what is added for each unit of the logit that it
    /// expects of a usual model.
    pub rows: Vec<f32>,
}

impl Trust {
    /// Numbers in the row of a topic where there are so many views.
    pub fn n_columns(n_views: usize) -> usize {
        1 + n_views
    }

    /// What is added to the logits of all models alike, of a prompt with these shares of topics. The less is heard of what is peculiar
    /// about a prompt, the less is added: views are trusted about the kinds of prompts on which they were tried.
    #[inline(always)]
    pub fn adds(&self, topics: &[f32], heard: &Heard) -> f32 {
        let rows = self.rows.chunks_exact(Self::n_columns(heard.levels.len()));
        let felt = topics.iter().zip(rows).filter(|(share, _)| **share != 0.0);
        let said =
            |row: &[f32]| row[0] + row[1..].iter().zip(&heard.levels).map(|(more, level)| more * level).sum::<f32>();
        heard.share * felt.map(|(share, row)| share * said(row)).sum::<f32>()
    }

    /// Checks that there is a row of so many views for each topic, and that every number is one.
    pub(crate) fn check(&self, n_topics: usize, n_views: usize) -> Result<(), String> {
        let (expected, found) = (n_topics * Self::n_columns(n_views), self.rows.len());
        if found != expected {
            return Err(format!("{found} numbers where {expected} are expected"));
        }
        let strange = self.rows.iter().find(|value| !value.is_finite());
        strange.map_or(Ok(()), |strange| Err(strange.to_string()))
    }
}

#[cfg(test)]
mod tests {
    //! What trust makes of what two views say.

    use super::Trust;
    use crate::council::Heard;

    /// Of the first topic the second view is trusted more and the first less; the second topic is harder than either says.
    const ROWS: [f32; 6] = [0.0, -0.5, 0.5, -1.0, 0.0, 0.0];

    fn heard(levels: [f32; 2], share: f32) -> Heard {
        Heard { traits: Vec::new(), levels: levels.to_vec(), share, unlikeness: 1.0 }
    }

    #[test]
    fn views_are_trusted_by_topic_and_less_where_less_is_heard() {
        let trust = Trust { rows: ROWS.to_vec() };
        let near = |found: f32, expected: f32| assert!((found - expected).abs() < 1e-6, "{found}, not {expected}");
        near(trust.adds(&[1.0, 0.0], &heard([2.0, 1.0], 1.0)), -0.5);
        near(trust.adds(&[1.0, 0.0], &heard([1.0, 1.0], 1.0)), 0.0);
        near(trust.adds(&[0.0, 1.0], &heard([2.0, 1.0], 1.0)), -1.0);
        near(trust.adds(&[0.5, 0.5], &heard([2.0, 1.0], 0.4)), 0.4 * -0.75);
        near(Trust::default().adds(&[], &heard([2.0, 1.0], 1.0)), 0.0);
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let trust = Trust { rows: ROWS.to_vec() };
        assert_eq!(trust.check(2, 2), Ok(()));
        assert_eq!(Trust::default().check(0, 2), Ok(()));
        assert_eq!(trust.check(3, 2).unwrap_err(), "6 numbers where 9 are expected");
        assert_eq!(Trust { rows: vec![f32::NAN; 6] }.check(2, 2).unwrap_err(), "NaN");
    }
}
