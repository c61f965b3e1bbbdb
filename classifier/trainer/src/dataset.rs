//! Rows become prompts with their answers, read through the lens that will serve. Everything is ordered by name, and of several rows
//! for one answer the means count, so that the order of rows and files does not matter.

use std::collections::{BTreeMap, BTreeSet};

use classifier::Prompt;
use classifier::lens::{Lens, Reading};
use classifier::topics::MAX_TOPICS;
use training_data::OutcomeRow;
use training_data::row::Text;

/// Prompts a training run may hold: readings take some three kilobytes each.
pub const MAX_PROMPTS: usize = 2_000_000;

/// Models a training run may hold.
pub const MAX_MODELS: usize = 4_096;

/// Data sets a training run may hold: nets and calibration keep numbers for each.
pub const MAX_DATASETS: usize = 16_384;

/// Sources a training run may hold: each has a topic, and how far views are trusted is learned for each.
pub const MAX_SOURCES: usize = MAX_TOPICS;

/// Pairs of a prompt and a model that a training run may hold, asked or not: of each it keeps some forty bytes.
pub const MAX_PAIRS: usize = 150_000_000;

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
    /// Prompts to which rows give more than one text: only one of them was read.
    pub n_ambiguous: u64,
    /// Models that stand here under a second name: the place of each, and that of the first name.
    pub second_names: BTreeMap<u32, u32>,
}

/// Why rows are no data set.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DatasetError {
    /// More than [`MAX_PROMPTS`].
    #[error("expected at most {MAX_PROMPTS} prompts to learn from, found one more, `{one}`")]
    TooManyPrompts {
        /// The first that there is no room for.
        one: String,
    },
    /// More than [`MAX_MODELS`].
    #[error("expected at most {MAX_MODELS} models to learn from, found one more, `{one}`")]
    TooManyModels {
        /// The first that there is no room for.
        one: String,
    },
    /// More than [`MAX_DATASETS`].
    #[error(
        "expected at most {MAX_DATASETS} data sets to learn from, found one more, `{one}`; a `dataset` is a family of prompts, not a name for each"
    )]
    TooManyDatasets {
        /// The first that there is no room for.
        one: String,
    },
    /// More than [`MAX_SOURCES`].
    #[error(
        "expected at most {MAX_SOURCES} sources to learn from, found one more, `{one}`; a `source` is where rows come from, not what they are about"
    )]
    TooManySources {
        /// The first that there is no room for.
        one: String,
    },
    /// More than [`MAX_PAIRS`].
    #[error(
        "expected at most {MAX_PAIRS} pairs of a prompt and a model to learn from, asked or not, found {n_prompts} prompts and {n_models} models, and more"
    )]
    TooManyPairs {
        /// The prompts so far.
        n_prompts: usize,
        /// The models so far.
        n_models: usize,
    },
}

/// A sum, and of how many.
#[derive(Clone, Copy, Default)]
struct Mean {
    sum: f64,
    n: f64,
}

impl Mean {
    fn add(&mut self, value: f64) {
        self.sum += value;
        self.n += 1.0;
    }

    fn value(self) -> Option<f64> {
        (self.n > 0.0).then(|| self.sum / self.n)
    }
}

/// The answers of one model to one prompt.
#[derive(Default)]
struct Answered {
    quality: Mean,
    output: Mean,
    /// Hidden tokens, and all those of the rows that say how many of them were hidden.
    reasoning: Mean,
    reasoned: Mean,
}

impl Answered {
    /// Hidden tokens: as large a part of all as they are where rows say so.
    fn hidden(&self) -> Option<f64> {
        let hidden = self.reasoning.value()?;
        let (all, reasoned) = (self.output.value()?, self.reasoned.value()?);
        Some(if self.reasoned.n < self.output.n && reasoned > 0.0 { hidden * (all / reasoned) } else { hidden })
    }
}

/// By model.
type Answers = BTreeMap<Text, Answered>;

#[derive(Default)]
struct Gathered {
    text: Option<Text>,
    /// Whether some row has another text.
    ambiguous: bool,
    group: u64,
    tokens: Mean,
    answers: Answers,
}

/// Takes rows in, one at a time.
#[derive(Default)]
pub struct Gathering {
    prompts: BTreeMap<(Text, Text, Text), Gathered>,
    models: BTreeSet<Text>,
    sources: BTreeSet<Text>,
    datasets: BTreeSet<(Text, Text)>,
    n_textless: u64,
}

impl Gathering {
    /// Takes a row in. Of several rows for one prompt and model the mean quality counts.
    pub fn add(&mut self, row: &OutcomeRow) -> Result<(), DatasetError> {
        let Some(text) = row.prompt.as_ref().filter(|text| !text.trim().is_empty()) else {
            self.n_textless += 1;
            return Ok(());
        };
        let part = (row.source.clone(), row.dataset.clone());
        let key = (row.source.clone(), row.dataset.clone(), row.prompt_id.clone());
        self.may_hold(row, &part, &key)?;
        self.models.insert(row.model.clone());
        self.sources.insert(row.source.clone());
        self.datasets.insert(part);
        let prompt = self.prompts.entry(key).or_default();
        // Rows of one prompt have one text and one group; where they do not, the first in their order is as good as any, and the same in
        // any order of the rows.
        let group = training_data::split::group_key(row);
        prompt.ambiguous |= prompt.text.as_ref().is_some_and(|known| known != text);
        if prompt.text.as_ref().is_none_or(|known| (text, group) < (known, prompt.group)) {
            prompt.text = Some(text.clone());
            prompt.group = group;
        }
        if let Some(tokens) = row.prompt_tokens {
            prompt.tokens.add(tokens as f64);
        }
        let answer = prompt.answers.entry(row.model.clone()).or_default();
        answer.quality.add(row.quality);
        if let Some(output) = row.completion_tokens {
            answer.output.add(output as f64);
            // Hidden tokens are a part of the others: those of a row that does not say of how many are of no use.
            if let Some(reasoning) = row.reasoning_tokens {
                answer.reasoning.add(reasoning as f64);
                answer.reasoned.add(output as f64);
            }
        }
        Ok(())
    }

    /// Whether there is room for what is new of this row.
    fn may_hold(&self, row: &OutcomeRow, part: &(Text, Text), key: &(Text, Text, Text)) -> Result<(), DatasetError> {
        let is_new_model = || !self.models.contains(&row.model);
        let is_new_prompt = || !self.prompts.contains_key(key);
        let (n_prompts, n_models) = (self.prompts.len(), self.models.len());
        if n_models >= MAX_MODELS && is_new_model() {
            return Err(DatasetError::TooManyModels { one: row.model.to_string() });
        }
        if self.sources.len() >= MAX_SOURCES && !self.sources.contains(&row.source) {
            return Err(DatasetError::TooManySources { one: row.source.to_string() });
        }
        if self.datasets.len() >= MAX_DATASETS && !self.datasets.contains(part) {
            return Err(DatasetError::TooManyDatasets { one: format!("{}/{}", row.source, row.dataset) });
        }
        if n_prompts >= MAX_PROMPTS && is_new_prompt() {
            let one = format!("{}/{}/{}", row.source, row.dataset, row.prompt_id);
            return Err(DatasetError::TooManyPrompts { one });
        }
        // Only near the limit is it looked up what is new.
        let n_pairs = || (n_prompts + usize::from(is_new_prompt())) * (n_models + usize::from(is_new_model()));
        if (n_prompts + 1) * (n_models + 1) > MAX_PAIRS && n_pairs() > MAX_PAIRS {
            return Err(DatasetError::TooManyPairs { n_prompts, n_models });
        }
        Ok(())
    }

    /// Prompts taken in so far.
    pub fn n_prompts(&self) -> usize {
        self.prompts.len()
    }

    /// Rows without a text so far: they were not taken in.
    pub fn n_textless(&self) -> u64 {
        self.n_textless
    }

    /// Prompts so far to which rows give more than one text.
    pub fn n_ambiguous(&self) -> u64 {
        self.prompts.values().map(|gathered| u64::from(gathered.ambiguous)).sum()
    }

    /// The texts of the prompts and their groups, in the order of their ids.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = (&str, u64)> {
        self.prompts.values().map(|gathered| (gathered.text.as_deref().unwrap_or_default(), gathered.group))
    }

    /// Reads all prompts through the lens.
    pub fn read(self, lens: &Lens, mut done: impl FnMut(usize)) -> Dataset {
        let n_ambiguous = self.n_ambiguous();
        let mut dataset = Dataset { n_textless: self.n_textless, n_ambiguous, ..Dataset::default() };
        dataset.models = self.models.iter().map(ToString::to_string).collect();
        let places: BTreeMap<_, u16> = self.models.into_iter().zip(0..).collect();
        for ((source, part, id), gathered) in self.prompts {
            let text = gathered.text.as_deref().unwrap_or_default();
            let prompt = Prompt::from_text(text);
            let reading = lens.read(std::slice::from_ref(&prompt)).remove(0);
            let tokens = gathered.tokens.value().unwrap_or_else(|| f64::from(prompt.tokens().get()));
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
    /// Takes each list of names for one model. Names without rows are passed over: rows may be a part of all that there are.
    pub(crate) fn take_for_one(&mut self, same_models: &[Vec<String>]) {
        let mut second_names = BTreeMap::new();
        for names in same_models {
            let mut places = names.iter().filter_map(|name| self.place(name));
            if let Some(first) = places.next() {
                second_names.extend(places.map(|place| (place, first)));
            }
        }
        self.second_names = second_names;
    }

    /// The place of a model.
    pub fn place(&self, name: &str) -> Option<u32> {
        (0..).zip(&self.models).find(|(_, known)| *known == name).map(|(place, _)| place)
    }

    /// The place of the first name of a model.
    pub(crate) fn first_name(&self, place: u32) -> u32 {
        self.second_names.get(&place).copied().unwrap_or(place)
    }

    /// Tells the prompts their shares of topics, row after row; none of them anything where there are no shares.
    pub(crate) fn tell_topics(&mut self, shares: &[f32]) {
        let n_topics = shares.len() / self.prompts.len().max(1);
        for (at, prompt) in self.prompts.iter_mut().enumerate() {
            let row = prompt.reading.row.clone();
            prompt.reading.row = row.told(&shares[at * n_topics..][..n_topics]);
        }
    }
}

fn answers(gathered: &Answers, places: &BTreeMap<Text, u16>) -> Vec<Answer> {
    let answer = |(model, answered): (&Text, &Answered)| {
        let small = |value: Option<f64>| value.map(|value| value as f32);
        Answer {
            model: places[model],
            quality: small(answered.quality.value()).unwrap_or(0.0),
            output: small(answered.output.value()),
            reasoning: small(answered.hidden()),
        }
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

#[cfg(test)]
mod tests {
    //! What several rows for one answer come to, and what there may be of everything.

    use classifier::Artifact;
    use training_data::OutcomeRow;

    use super::{Answer, Dataset, DatasetError, Gathering, MAX_DATASETS, MAX_MODELS, MAX_PAIRS, MAX_SOURCES};

    fn row(dataset: &str, model: &str) -> OutcomeRow {
        OutcomeRow {
            prompt: Some("Why?".into()),
            prompt_tokens: Some(10),
            completion_tokens: Some(100),
            ..OutcomeRow::bare("made", dataset, "1", model, 1.0)
        }
    }

    fn read(rows: &[OutcomeRow]) -> Dataset {
        let lens = Artifact::built_in().expect("it is built in").into_parts().lens;
        let mut gathering = Gathering::default();
        rows.iter().for_each(|row| gathering.add(row).expect("few rows"));
        gathering.read(&lens, |_| ())
    }

    #[test]
    fn of_several_rows_for_one_answer_the_means_count_in_any_order() {
        let short = row("up", "ant");
        let long = OutcomeRow {
            quality: 0.5,
            completion_tokens: Some(500),
            reasoning_tokens: Some(400),
            prompt_tokens: Some(30),
            prompt: Some("Why is that?".into()),
            ..row("up", "ant")
        };
        // Hidden ones of nobody knows how many.
        let odd = OutcomeRow { completion_tokens: None, reasoning_tokens: Some(9_000), ..row("up", "ant") };
        // The text of another, in a group of its own.
        let grouped = OutcomeRow {
            group: Some("g".into()),
            quality: 5.0 / 6.0,
            completion_tokens: None,
            prompt_tokens: None,
            ..row("up", "ant")
        };
        let rows = [short, long, odd, grouped];
        let turned: Vec<OutcomeRow> = rows.iter().rev().cloned().collect();
        let [one, other] = [read(&rows), read(&turned)].map(|dataset| dataset.prompts[0].clone());
        let answer = Answer { model: 0, quality: 5.0 / 6.0, output: Some(300.0), reasoning: Some(240.0) };
        assert_eq!((&one.answers, one.tokens), (&vec![answer], 50.0 / 3.0));
        assert_eq!(
            (one.answers, one.tokens, one.group, one.reading),
            (other.answers, other.tokens, other.group, other.reading)
        );
    }

    #[test]
    fn names_of_one_model_lead_to_the_first_that_has_rows() {
        let mut dataset = read(&[row("up", "ant"), row("up", "bee"), row("down", "made/ant"), row("down", "made/bee")]);
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        dataset.take_for_one(&[list(&["Ant", "made/ant", "ant"]), list(&["made/bee", "Bee"])]);
        let first: Vec<u32> = (0..4).map(|place| dataset.first_name(place)).collect();
        assert_eq!((dataset.place("made/ant"), first), (Some(2), vec![2, 1, 2, 3]));
        dataset.take_for_one(&[]);
        assert_eq!(dataset.first_name(0), 0);
    }

    #[test]
    fn more_models_or_data_sets_than_there_may_be_are_refused() {
        let mut gathering = Gathering::default();
        let mut add = |dataset: usize, model: usize| gathering.add(&row(&dataset.to_string(), &model.to_string()));
        (0..MAX_MODELS).for_each(|model| add(0, model).unwrap());
        (1..MAX_DATASETS).for_each(|dataset| add(dataset, 0).unwrap());
        let models = add(0, MAX_MODELS).unwrap_err();
        assert_eq!(models, DatasetError::TooManyModels { one: "4096".to_owned() });
        let datasets = add(MAX_DATASETS, 0).unwrap_err().to_string();
        assert!(datasets.contains("at most 16384 data sets to learn from, found one more, `made/16384`"), "{datasets}");
        assert_eq!((add(0, 0), add(MAX_DATASETS - 1, MAX_MODELS - 1)), (Ok(()), Ok(())));
    }

    #[test]
    fn more_sources_than_there_may_be_are_refused() {
        let mut gathering = Gathering::default();
        let mut add =
            |source: usize| gathering.add(&OutcomeRow { source: source.to_string().into(), ..row("up", "ant") });
        (0..MAX_SOURCES).for_each(|source| add(source).unwrap());
        let one = MAX_SOURCES.to_string();
        assert_eq!((add(MAX_SOURCES), add(0)), (Err(DatasetError::TooManySources { one }), Ok(())));
    }

    #[test]
    fn more_pairs_of_prompts_and_models_than_there_may_be_are_refused() {
        let mut gathering = Gathering::default();
        let mut add = |prompt: usize, model: usize| {
            gathering.add(&OutcomeRow { prompt_id: prompt.to_string().into(), ..row("up", &model.to_string()) })
        };
        (0..MAX_MODELS).for_each(|model| add(0, model).unwrap());
        let n_prompts = MAX_PAIRS / MAX_MODELS;
        (1..n_prompts).for_each(|prompt| add(prompt, 0).unwrap());
        let error = add(n_prompts, 0).unwrap_err();
        assert_eq!(error, DatasetError::TooManyPairs { n_prompts, n_models: MAX_MODELS });
        assert!(error.to_string().contains("found 36621 prompts and 4096 models, and more"), "{error}");
        assert_eq!(add(n_prompts - 1, MAX_MODELS - 1), Ok(()));
    }
}
