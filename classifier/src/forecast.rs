//! From prompts to the forecasts of every model of a catalog: read, turn into traits, meet the models' abilities, calibrate.

use std::collections::BTreeSet;
use std::sync::Arc;

use decision::{Catalog, Forecast, ModelForecast, ModelId, Quality, Tokens};

use crate::artifact::{Artifact, Parts, Standing, built_in_catalog};
use crate::asked::unasked;
use crate::council::Heard;
use crate::encoder::Encoder;
use crate::kernel::{add_rows, exp, widely};
use crate::lens::Reading;
use crate::manner::{UsualManner, beyond, kinds, known, longer_by, n_kinds, stated, told};
use crate::prompt::Prompt;

mod bind;
mod length;

use bind::{Abreast, Bound, bind};
use length::Length;

/// Added to the unlikeness of a prompt with images or tool calls, of which training has seen none: its bound is wider.
const UNLIKE_MEDIA: f32 = 1.0;

/// Answers are never expected to be longer than this: e^13 tokens, beyond any model's window for answers.
const MAX_LOG_TOKENS: f32 = 13.0;

/// What company may change of a forecast quality where prompts are padded for it.
const COMPANY_MOVES: f64 = 0.05;

/// What is reckoned of one model.
#[derive(Clone, Copy)]
struct Reckoned {
    quality: f32,
    quality_low: f32,
    output: f32,
    output_p90: f32,
    /// The share of the output that is said to be hidden reasoning, by how much longer than others the model is said to answer.
    beyond: f32,
}

/// An artifact bound to a catalog: it forecasts every model of the catalog, and no other. Shared between threads.
#[derive(Clone, Debug)]
pub struct Classifier {
    artifact: Arc<Artifact>,
    models: Vec<Bound>,
    abreast: Abreast,
    /// For each view, then for tokens: the abilities of the catalog's models, column after column, so that what a prompt has none of
    /// is passed over for all models at once.
    abilities: Vec<Vec<f32>>,
    /// For each view, the abilities of a usual model: of what it would do the views are asked, whoever is in the catalog.
    usual: Vec<Vec<f32>>,
    /// How well the manners of the catalog's models are known, kind after kind.
    manners: Vec<f32>,
    /// Likewise their habits.
    habits: Vec<f32>,
    /// How well the catalog's models are known, source after source.
    asked: Vec<f32>,
    usual_manner: UsualManner,
}

/// What is expected of the length of the answers to a prompt, as logarithms.
struct Lengths {
    /// Each model's own.
    own: Vec<f32>,
    /// How far each model's own is known.
    known: Vec<f32>,
    /// What is usual.
    usual: f32,
}

impl Classifier {
    /// Binds the artifact to the models of this catalog. One it was not trained on is forecast from the catalog's
    /// `like` or `benchmarks`, or else as the mean of all, taken at its lower bound.
    pub fn new(artifact: Arc<Artifact>, catalog: &Catalog) -> Self {
        let parts = artifact.parts();
        let n = catalog.models().len();
        let sights = parts.sights.iter().chain([&parts.tokens]);
        let mut abilities: Vec<Vec<f32>> = sights.map(|sight| vec![0.0; sight.n_columns() * n]).collect();
        let (mut models, mut abreast) = (Vec::with_capacity(n), Abreast::default());
        let mut manners = vec![0.0; n_kinds(parts.lens.n_topics()) * n];
        let (mut habits, mut asked) = (manners.clone(), vec![0.0; parts.asked.n_sources() * n]);
        let built_in = built_in_catalog();
        for (at, model) in catalog.models().iter().enumerate() {
            let (bound, rows) = bind(parts, catalog, model, &mut abreast);
            let stated = stated(catalog, &built_in, &model.id);
            abreast.longer.push(stated.map_or(0.0, |mean| parts.manner.longer(mean)));
            models.push(bound);
            for (columns, row) in abilities.iter_mut().chain([&mut manners, &mut habits, &mut asked]).zip(rows) {
                columns.chunks_exact_mut(n).zip(row).for_each(|(column, value)| column[at] = value);
            }
        }
        let usual = parts.usual_rows();
        let usual_manner = parts.usual_manner();
        Self { artifact, models, abreast, abilities, usual, manners, habits, asked, usual_manner }
    }

    /// The artifact.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// Whether several prompts together are forecast in less time than one after the other.
    pub fn likes_company(&self) -> bool {
        match self.artifact.parts().lens.encoder() {
            Encoder::Bert(_) => true,
            Encoder::Table(_) => false,
        }
    }

    /// What stands behind the forecasts of each model, in order of the names.
    pub fn standings(&self) -> Vec<(&ModelId, Standing)> {
        self.models.iter().map(|model| (&model.id, model.standing.clone())).collect()
    }

    /// The models of the catalog that nothing is known of, in order of the names.
    pub fn unknown(&self) -> impl Iterator<Item = &ModelId> {
        self.models.iter().filter(|model| !model.is_known()).map(|model| &model.id)
    }

    /// Forecasts each prompt for every model of the catalog. The answer to a prompt does not depend on its company.
    pub fn forecast(&self, prompts: &[Prompt]) -> Vec<Forecast> {
        let readings = self.artifact.parts().lens.read(prompts);
        prompts.iter().zip(&readings).map(|(prompt, reading)| self.forecast_one(prompt, reading)).collect()
    }

    /// Proves on fixed prompts that every forecast is finite and ordered, and that forecasts are not all the same. Run before an
    /// artifact goes into service.
    pub fn self_test(&self) -> Result<(), String> {
        let prompts: Vec<Prompt> = SELF_TEST.iter().map(|text| Prompt::from_text(text)).collect();
        let forecasts = self.forecast(&prompts);
        for (prompt, forecast) in prompts.iter().zip(&forecasts) {
            if forecast.models().len() != self.models.len() {
                return Err(format!("{} of {} models were forecast", forecast.models().len(), self.models.len()));
            }
            // Calibration gives no quality of 0: where there is one, something was no number.
            if let Some(model) = forecast.models().iter().find(|model| model.quality == Quality::ZERO) {
                return Err(format!("model `{}` was forecast without a number", model.model));
            }
            let alone = self.forecast(std::slice::from_ref(prompt));
            let tolerance = if self.likes_company() { COMPANY_MOVES } else { 0.0 };
            if !alone.first().is_some_and(|alone| agree(alone, forecast, tolerance)) {
                return Err("a prompt was forecast differently alone and in company".to_owned());
            }
        }
        let distinct: BTreeSet<String> =
            forecasts.iter().map(|forecast| format!("{:?}", forecast.models().first())).collect();
        if distinct.len() == 1 { Err("every prompt has the same forecast".to_owned()) } else { Ok(()) }
    }

    fn forecast_one(&self, prompt: &Prompt, reading: &Reading) -> Forecast {
        let parts = self.artifact.parts();
        let media = if prompt.images() + prompt.tool_calls() > 0 { UNLIKE_MEDIA } else { 0.0 };
        let heard = parts.hear(&self.usual, reading);
        let (length, kinds) = (parts.tokens.view.traits(reading), kinds(reading.row.topics()));
        let models = widely(
            #[inline(always)]
            || {
                let alike = parts.trust_adds(&heard, reading);
                let (logits, lengths) = (self.logits(&heard, alike), self.lengths(&length, kinds));
                let doubts = self.doubts(&logits, parts.usual_logit(&heard, alike), reading.row.topics());
                let reckoned = self.reckoned(&logits, &lengths, &doubts, heard.unlikeness + media);
                let mut models = Vec::with_capacity(self.models.len());
                for (model, reckoned) in self.models.iter().zip(reckoned) {
                    models.push(model.forecast(reckoned, prompt.asked_size()));
                }
                models
            },
        );
        Forecast::new(models).expect("a catalog names each model once, and bounds are built below what they bound")
    }

    /// What is heard of a prompt makes of each model: the blended logit, on top of what all have alike.
    #[inline(always)]
    fn logits(&self, heard: &Heard, alike: f32) -> Vec<f32> {
        let parts = self.artifact.parts();
        let mut logits = vec![alike; self.models.len()];
        for ((sight, traits), abilities) in parts.sights.iter().zip(&heard.traits).zip(&self.abilities) {
            for (logit, sum) in logits.iter_mut().zip(self.products(traits, abilities)) {
                *logit += sight.weight * sight.view.logit_of(sum);
            }
        }
        logits
    }

    /// What each model adds to the variance, by its outcomes and by how far it was asked such prompts.
    #[inline(always)]
    fn doubts(&self, logits: &[f32], usual: f32, topics: &[f32]) -> Vec<f32> {
        let Parts { calibration, asked, .. } = self.artifact.parts();
        let mut known = vec![0.0; self.models.len()];
        let sources = asked.shares(topics);
        add_rows(&mut known, felt(&sources, self.asked.chunks_exact(self.models.len().max(1))).iter().copied());
        let each = known.into_iter().zip(&self.abreast.doubt).zip(logits);
        each.map(|((known, own), logit)| own + calibration.doubt_elsewhere(unasked(known), logit - usual)).collect()
    }

    /// What its traits in the view of tokens, and its kinds, make of each model.
    #[inline(always)]
    fn lengths(&self, traits: &[f32], kinds: &[f32]) -> Lengths {
        let n = self.models.len().max(1);
        let mut own = self.products(traits, &self.abilities[self.artifact.parts().sights.len()]);
        add_rows(&mut own, felt(kinds, self.habits.chunks_exact(n)).iter().copied());
        let mut shares = vec![0.0; self.models.len()];
        add_rows(&mut shares, felt(kinds, self.manners.chunks_exact(n)).iter().copied());
        shares.iter_mut().for_each(|share| *share = known(*share));
        Lengths { own, known: shares, usual: self.usual_manner.log_length(traits, kinds) }
    }

    /// For each model its bias and the sum of products of the traits with its abilities.
    #[inline(always)]
    fn products(&self, traits: &[f32], abilities: &[f32]) -> Vec<f32> {
        let mut columns = abilities.chunks_exact(self.models.len().max(1));
        let mut sums = columns.next().map(<[f32]>::to_vec).unwrap_or_default();
        add_rows(&mut sums, felt(traits, columns).iter().copied());
        sums
    }

    /// Calibrated qualities and expected tokens, model by model: one loop for each, as wide as the processor is.
    #[inline(always)]
    fn reckoned<'a>(
        &'a self,
        logits: &[f32],
        lengths: &'a Lengths,
        doubts: &[f32],
        unlikeness: f32,
    ) -> impl Iterator<Item = Reckoned> + 'a {
        let Parts { calibration, manner, .. } = self.artifact.parts();
        let Abreast { offset, log_mean, log_p90, longer, .. } = &self.abreast;
        let share = manner.share_stated(lengths.usual + manner.log_mean);
        let tokens = |log_each: &[f32], log_usual: f32| -> Vec<f32> {
            let usual = lengths.usual + log_usual;
            // In steps of their own, so that each is a plain loop over what lies side by side.
            let mut logs = lengths.own.clone();
            logs.iter_mut().zip(log_each).for_each(|(log, own)| *log += own);
            let stated: Vec<f32> = longer.iter().map(|longer| usual + longer_by(*longer, share)).collect();
            for ((log, known), usual) in logs.iter_mut().zip(&lengths.known).zip(&stated) {
                *log = told(*known, *log, *usual);
            }
            logs.iter().map(|log| tokens_of(*log)).collect()
        };
        let (outputs, highs) = (tokens(log_mean, manner.log_mean), tokens(log_p90, manner.log_p90));
        let placed = || logits.iter().zip(offset);
        let qualities: Vec<f32> = placed().map(|(logit, offset)| calibration.quality(*logit, *offset)).collect();
        let low = |((logit, offset), doubt): ((&f32, &f32), &f32)| {
            calibration.quality_low(*logit, *offset, *doubt, unlikeness)
        };
        let lows: Vec<f32> = placed().zip(doubts).map(low).collect();
        let beyond =
            longer.iter().zip(&lengths.known).map(move |(longer, known)| beyond(*known, longer_by(*longer, share)));
        let both = qualities.into_iter().zip(lows).zip(outputs.into_iter().zip(highs)).zip(beyond);
        both.map(|(((quality, quality_low), (output, output_p90)), beyond)| Reckoned {
            quality,
            quality_low,
            output,
            output_p90,
            beyond,
        })
    }
}

impl Bound {
    /// Whether something is known of the model.
    fn is_known(&self) -> bool {
        self.standing != Standing::Unknown
    }

    #[inline(always)]
    fn forecast(&self, reckoned: Reckoned, asked: Option<Tokens>) -> ModelForecast {
        let quality = quality_of(reckoned.quality);
        let low = quality_of(reckoned.quality_low);
        // What nobody knows is not to be chosen on luck: the mean of all would promise more than half of those that are known.
        let quality = if self.is_known() { quality } else { low.min(quality) };
        let length = Length::of(&reckoned, self.reasoning.max(reckoned.beyond), asked, self.max_tokens);
        let tokens = |count: u64| Tokens::new(count).unwrap_or(Tokens::ZERO);
        ModelForecast {
            model: self.id.clone(),
            quality,
            quality_low: low.min(quality),
            completion: tokens(length.seen),
            reasoning: tokens(length.hidden),
            output_p90: tokens(length.p90),
        }
    }
}

/// Prompts of a few kinds, written for the purpose.
const SELF_TEST: [&str; 5] = [
    "",
    "What is 2 + 2?",
    "Write a function that returns the longest palindrom of a string of at most 10^5 letters.",
    "Which court hears appeals of a contract dispute?\nA. The first\nB. The second",
    "\u{1f980} \u{65e5}\u{672c}\u{8a9e} \u{0}",
];

/// Whether two forecasts of one prompt, alone and in company, are the same: to the bit with a table, and with an encoder that
/// pads its company as closely as rounding and a tree on its threshold let them be.
fn agree(alone: &Forecast, in_company: &Forecast, tolerance: f64) -> bool {
    let mut pairs = alone.models().iter().zip(in_company.models());
    let near = |a: &ModelForecast, b: &ModelForecast| {
        a.model == b.model && (a.quality.get() - b.quality.get()).abs() <= tolerance
    };
    alone == in_company
        || (tolerance > 0.0 && alone.models().len() == in_company.models().len() && pairs.all(|(a, b)| near(a, b)))
}

/// The columns of what a prompt has something of, each with how much.
#[inline(always)]
fn felt<'a>(has: &[f32], columns: std::slice::ChunksExact<'a, f32>) -> Vec<(f32, &'a [f32])> {
    let mut felt = Vec::with_capacity(has.len());
    for (value, column) in has.iter().zip(columns) {
        if *value != 0.0 {
            felt.push((*value, column));
        }
    }
    felt
}

#[inline(always)]
fn quality_of(value: f32) -> Quality {
    Quality::new(f64::from(value)).unwrap_or(Quality::ZERO)
}

#[inline(always)]
fn tokens_of(log: f32) -> f32 {
    (exp(log.clamp(0.0, MAX_LOG_TOKENS)) - 0.5).max(1.0)
}

#[cfg(test)]
mod tests {
    //! What the self-test takes for the same forecast.

    use decision::{Forecast, ModelForecast, ModelId, Quality, Tokens};

    use super::length::whole;
    use super::{COMPANY_MOVES, agree, tokens_of};
    use crate::artifact::Artifact;

    fn forecast(quality: f64) -> Forecast {
        let one = ModelForecast {
            model: ModelId::new("m").unwrap(),
            quality: Quality::new(quality).unwrap(),
            quality_low: Quality::ZERO,
            completion: Tokens::ZERO,
            reasoning: Tokens::ZERO,
            output_p90: Tokens::ZERO,
        };
        Forecast::new(vec![one]).unwrap()
    }

    #[test]
    fn a_stated_mean_is_what_is_expected_of_the_prompt_in_the_middle() {
        let parts = Artifact::built_in().expect("it is inside the binary").into_parts();
        for mean in [2, 5, 10, 700] {
            let log = parts.manner.log_usual + parts.manner.longer(Tokens::new(mean).unwrap());
            assert_eq!(whole(tokens_of(log)), mean);
        }
    }

    #[test]
    fn company_may_move_a_padded_forecast_a_little_and_no_other() {
        let (here, near, far) = (forecast(0.5), forecast(0.5 + 1e-6), forecast(0.6));
        assert!(agree(&here, &here, 0.0) && !agree(&here, &near, 0.0));
        assert!(agree(&here, &near, COMPANY_MOVES) && !agree(&here, &far, COMPANY_MOVES));
        assert!(!agree(&here, &Forecast::new(Vec::new()).unwrap(), COMPANY_MOVES));
    }
}
