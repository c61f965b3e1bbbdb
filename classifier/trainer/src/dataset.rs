//! Rows become prompts with their answers, read through the lens that will serve. Everything is ordered by name, so that the
//! order of rows and files does not matter.

use std::collections::BTreeMap;

use classifier::Prompt;
use classifier::lens::{Lens, Reading};
use training_data::OutcomeRow;

/// Prompts a training run may hold: readings take some three kilobytes each.
pub const MAX_PROMPTS: usize = 2_000_000;

/// Models a training run may hold.
pub const MAX_MODELS: usize = 4_096;

/// How one model did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Answer {
    /// Its place in [`Dataset::models`].
    pub model: u16,
    /// From 0 to 1.
    pub quality: f32,
    /// Tokens of answer and hidden reasoning, where the row says.
    pub output: Option<f32>,
    /// Of those, hidden ones, where the row says.
    pub reasoning: Option<f32>,
}

/// One prompt, as training sees it.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// `source/dataset/prompt_id`.
    pub id: String,
    /// Its place in [`Dataset::sources`].
    pub source: u16,
    /// Its place in [`Dataset::datasets`].
    pub dataset: u16,
    /// Near-duplicates have the same.
    pub group: u64,
    /// By model, each once.
    pub answers: Vec<Answer>,
    /// Pieces and features.
    pub reading: Reading,
    /// Its tokens as it is billed.
    pub tokens: f64,
}

/// All prompts to learn from.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// The models, by name.
    pub models: Vec<String>,
    /// The sources, by name.
    pub sources: Vec<String>,
    /// `source/dataset`, by name.
    pub datasets: Vec<String>,
    /// The prompts, by id.
    pub prompts: Vec<Lesson>,
    /// Rows without a text: nothing can be learned from them.
    pub n_textless: u64,
}

/// Why rows are no data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatasetError {
    /// More than [`MAX_PROMPTS`].
    #[error("expected at most {MAX_PROMPTS} prompts to learn from")]
    TooManyPrompts,
    /// More than [`MAX_MODELS`].
    #[error("expected at most {MAX_MODELS} models to learn from")]
    TooManyModels,
}

/// The answers of one model to one prompt: the sum of their qualities, how many, tokens of the answer, hidden ones among them.
type Answered = (f64, u32, Option<u64>, Option<u64>);

/// By model.
type Answers = BTreeMap<training_data::row::Text, Answered>;

#[derive(Default)]
struct Gathered {
    text: Option<training_data::row::Text>,
    group: u64,
    tokens: Option<u64>,
    answers: Answers,
}

/// Takes rows in, one at a time.
#[derive(Default)]
pub struct Gathering {
    prompts: BTreeMap<(training_data::row::Text, training_data::row::Text, training_data::row::Text), Gathered>,
    models: BTreeMap<training_data::row::Text, u16>,
    n_textless: u64,
}

impl Gathering {
    /// Takes a row in. Of several rows for one prompt and model the mean quality counts.
    pub fn add(&mut self, row: &OutcomeRow) -> Result<(), DatasetError> {
        let Some(text) = row.prompt.as_ref().filter(|text| !text.trim().is_empty()) else {
            self.n_textless += 1;
            return Ok(());
        };
        let n_models = self.models.len();
        if !self.models.contains_key(&row.model) {
            let place = u16::try_from(n_models).ok().filter(|_| n_models < MAX_MODELS);
            self.models.insert(row.model.clone(), place.ok_or(DatasetError::TooManyModels)?);
        }
        let key = (row.source.clone(), row.dataset.clone(), row.prompt_id.clone());
        if self.prompts.len() >= MAX_PROMPTS && !self.prompts.contains_key(&key) {
            return Err(DatasetError::TooManyPrompts);
        }
        let prompt = self.prompts.entry(key).or_default();
        if prompt.text.is_none() {
            prompt.text = Some(text.clone());
            prompt.group = training_data::split::group_key(row);
        }
        prompt.tokens = prompt.tokens.or(row.prompt_tokens);
        let answer = prompt.answers.entry(row.model.clone()).or_default();
        answer.0 += row.quality;
        answer.1 += 1;
        answer.2 = row.completion_tokens.or(answer.2);
        answer.3 = row.reasoning_tokens.or(answer.3);
        Ok(())
    }

    /// Prompts taken in so far.
    pub fn n_prompts(&self) -> usize {
        self.prompts.len()
    }

    /// The texts of the prompts, in the order of their ids.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.prompts.values().map(|gathered| gathered.text.as_deref().unwrap_or_default())
    }

    /// Reads all prompts through the lens.
    pub fn read(self, lens: &Lens, mut done: impl FnMut(usize)) -> Dataset {
        let mut dataset = Dataset { n_textless: self.n_textless, ..Dataset::default() };
        dataset.models = self.models.keys().map(ToString::to_string).collect();
        let places: BTreeMap<_, u16> = self.models.keys().cloned().zip(0..).collect();
        for ((source, part, id), gathered) in self.prompts {
            let text = gathered.text.as_deref().unwrap_or_default();
            let prompt = Prompt::from_text(text);
            let reading = lens.read(std::slice::from_ref(&prompt)).remove(0);
            let tokens = gathered.tokens.map_or_else(|| f64::from(prompt.tokens().get()), |tokens| tokens as f64);
            dataset.prompts.push(Lesson {
                id: format!("{source}/{part}/{id}"),
                source: place_of(&mut dataset.sources, &source),
                dataset: place_of(&mut dataset.datasets, &format!("{source}/{part}")),
                group: gathered.group,
                answers: answers(&gathered.answers, &places),
                reading,
                tokens,
            });
            done(dataset.prompts.len());
        }
        dataset
    }
}

impl Dataset {
    /// Tells the prompts their shares of topics, row after row; none of them anything where there are no shares.
    pub(crate) fn tell_topics(&mut self, shares: &[f32]) {
        let n_topics = shares.len() / self.prompts.len().max(1);
        for (at, prompt) in self.prompts.iter_mut().enumerate() {
            let row = prompt.reading.row.clone();
            prompt.reading.row = row.told(&shares[at * n_topics..][..n_topics]);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "a quality and counts of tokens")]
fn answers(gathered: &Answers, places: &BTreeMap<training_data::row::Text, u16>) -> Vec<Answer> {
    let answer = |(model, answered): (&training_data::row::Text, &Answered)| {
        let (sum, n, output, reasoning) = answered;
        let tokens = |count: &Option<u64>| count.map(|count| count as f32);
        let quality = (sum / f64::from(*n)) as f32;
        Answer { model: places[model], quality, output: tokens(output), reasoning: tokens(reasoning) }
    };
    gathered.iter().map(answer).collect()
}

/// The place of a name; prompts come ordered, so a new name is the next.
fn place_of(names: &mut Vec<String>, name: &str) -> u16 {
    if names.last().is_none_or(|last| last != name) {
        match names.iter().position(|known| known == name) {
            Some(place) => return u16::try_from(place).unwrap_or(u16::MAX),
            None => names.push(name.to_owned()),
        }
    }
    u16::try_from(names.len() - 1).unwrap_or(u16::MAX)
}
