//! What models were asked: of which sources each one's outcomes are. How far a model is ahead of others on prompts of one source tells
//! only roughly how far it is on those of another, so a forecast of what a model was never asked has a wider bound.

/// Outcomes in a source after which half of what it shows of a model is known: they tell as much as is in doubt of a model elsewhere.
const HALF: f32 = 30.0;

/// What was asked is known whole where this share of a prompt is of sources that asked it: sources that are alike share their prompts
/// among them. The same guess as that of manners.
const ENOUGH: f32 = 0.5;

/// Without topics all prompts are of one source.
const ONE_SOURCE: [f32; 1] = [1.0];

/// Which sources asked whom.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Asked {
    /// Row after row, a topic each: the shares of the sources in its prompts. Nothing without topics.
    pub sources: Vec<f32>,
    /// Row after row, a model each: how well it is known in each source, from 0 to 1.
    pub known: Vec<f32>,
    /// The names of the sources; one for all of them without topics, by which alone they can be told apart.
    pub names: Vec<String>,
}

/// How well a model is known in a source after so many outcomes there.
pub fn known_after(n_outcomes: f32) -> f32 {
    n_outcomes / (n_outcomes + HALF)
}

/// How far a model was not asked a prompt, by the sum of its shares of sources, each times how well the model is known there.
#[inline(always)]
pub fn unasked(sum: f32) -> f32 {
    1.0 - (sum / ENOUGH).min(1.0)
}

impl Asked {
    /// How many sources there are.
    pub fn n_sources(&self) -> usize {
        self.names.len()
    }

    /// The names of those from which a model is known rather than not, where they can be told apart.
    pub fn known_from(&self, model: usize) -> Vec<&str> {
        let named =
            self.names.iter().zip(self.known(model)).filter(|(_, known)| **known >= 0.5 && self.n_sources() > 1);
        named.map(|(name, _)| name.as_str()).collect()
    }

    /// The shares of the sources in a prompt that has these of topics.
    pub fn shares(&self, topics: &[f32]) -> Vec<f32> {
        if self.sources.is_empty() {
            return ONE_SOURCE.to_vec();
        }
        let mut shares = vec![0.0; self.n_sources()];
        let felt = topics.iter().zip(self.sources.chunks_exact(self.n_sources())).filter(|(share, _)| **share != 0.0);
        for (topic, row) in felt {
            shares.iter_mut().zip(row).for_each(|(share, part)| *share += topic * part);
        }
        shares
    }

    /// How well a model is known, source by source.
    pub fn known(&self, model: usize) -> &[f32] {
        &self.known[model * self.n_sources()..][..self.n_sources()]
    }

    /// Checks that there is a row for every topic and for every model, and that all of it is shares.
    pub(crate) fn check(&self, n_topics: usize, n_models: usize) -> Result<(), String> {
        let Self { sources, known, names } = self;
        let n_sources = names.len();
        if n_sources == 0 || (n_topics == 0 && n_sources != ONE_SOURCE.len()) {
            return Err(format!("{n_sources} sources"));
        }
        let (rows, found) = (n_topics * n_sources, sources.len());
        if found != rows || known.len() != n_models * n_sources {
            return Err(format!(
                "{found} and {} numbers where {rows} and {} are expected",
                known.len(),
                n_models * n_sources
            ));
        }
        // The shares of a topic add up to one but for rounding.
        let strange = sources.iter().chain(known).find(|share| !(0.0..=1.0).contains(*share));
        strange.map_or(Ok(()), |strange| Err(format!("a share of {strange}")))
    }
}

#[cfg(test)]
mod tests {
    //! Who was asked what.

    use super::{Asked, ENOUGH, HALF, known_after, unasked};

    /// Two topics are of the first source, one of the second; the first model was asked by both, the second by the second.
    fn asked() -> Asked {
        let names = ["here", "there"].map(str::to_owned).to_vec();
        Asked { sources: vec![1.0, 0.0, 0.75, 0.25, 0.0, 1.0], known: vec![0.9, 0.8, 0.0, 0.7], names }
    }

    #[test]
    fn a_prompt_is_of_the_sources_of_its_topics() {
        assert_eq!(asked().shares(&[0.5, 0.4, 0.1]), [0.5 + 0.3, 0.1 + 0.1]);
        assert_eq!(asked().known(1), [0.0, 0.7]);
        assert_eq!((asked().known_from(0), asked().known_from(1)), (vec!["here", "there"], vec!["there"]));
        let all = Asked { known: vec![0.9], names: vec!["all".to_owned()], ..Asked::default() };
        assert_eq!((all.shares(&[]), all.known_from(0)), (vec![1.0], Vec::new()));
    }

    #[test]
    fn a_model_is_known_where_it_was_asked_often_and_nowhere_else() {
        let known = [0.0, HALF, 5_000.0].map(known_after);
        assert!(known[0] == 0.0 && (0.4..0.6).contains(&known[1]) && known[2] > 0.99, "{known:?}");
        let unasked = [0.0, ENOUGH / 2.0, ENOUGH, 1.0].map(unasked);
        assert!(unasked[0] > 0.99 && (0.4..0.6).contains(&unasked[1]) && unasked[2..] == [0.0, 0.0], "{unasked:?}");
    }

    #[test]
    fn rows_that_do_not_fit_are_refused() {
        let asked = asked();
        assert_eq!(asked.check(3, 2), Ok(()));
        assert_eq!(asked.check(3, 3).unwrap_err(), "6 and 4 numbers where 6 and 6 are expected");
        assert_eq!(asked.check(0, 2).unwrap_err(), "2 sources");
        assert_eq!(Asked::default().check(0, 0).unwrap_err(), "0 sources");
        assert_eq!(Asked { known: vec![0.9, f32::NAN, 0.0, 0.7], ..asked }.check(3, 2).unwrap_err(), "a share of NaN");
    }
}
