//! What every view sees of a prompt: its word pieces and its feature row. Training, judging and serving look through the same lens.

use crate::asides::Asides;
use crate::canon::without_case;
use crate::encoder::{Encoder, Table};
use crate::features::{FeatureRow, Features};
use crate::prompt::Prompt;
use crate::topics::Topics;

/// Word pieces that are read from the beginning of a prompt.
const HEAD_PIECES: usize = 192;

/// Word pieces that are read from its end.
const TAIL_PIECES: usize = 64;

/// The word pieces of a text that are read: long ones by their head and tail.
pub fn pieces_of(table: &Table, text: &str) -> Vec<u32> {
    table.tokenizer().ids(text, HEAD_PIECES, TAIL_PIECES)
}

/// A prompt as the views see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its word pieces, the middle of a long prompt left out.
    pub pieces: Vec<u32>,
    /// Its feature row.
    pub row: FeatureRow,
}

/// An encoder and topics with the one feature function.
#[derive(Debug)]
pub struct Lens {
    encoder: Encoder,
    features: Features,
    asides: Option<Asides>,
    topics: Option<Topics>,
}

impl Lens {
    /// A lens with this encoder, which passes over no asides, and through which no topics are seen.
    pub fn new(encoder: Encoder) -> Self {
        Self { encoder, features: Features::new(), asides: None, topics: None }
    }

    /// The same lens, which passes over what these call asides. One whose encoder is no table knows nothing of sounds and passes over none.
    #[must_use]
    pub fn with_asides(self, asides: Option<Asides>) -> Self {
        Self { asides, ..self }
    }

    /// The asides that are passed over.
    pub fn asides(&self) -> Option<&Asides> {
        self.asides.as_ref()
    }

    /// The same lens, through which these topics are seen, or none.
    #[must_use]
    pub fn with_topics(self, topics: Option<Topics>) -> Self {
        Self { topics, ..self }
    }

    /// The topics that are seen.
    pub fn topics(&self) -> Option<&Topics> {
        self.topics.as_ref()
    }

    /// How many shares of topics a row has.
    pub fn n_topics(&self) -> usize {
        self.topics.as_ref().map_or(0, Topics::n_topics)
    }

    /// The encoder.
    pub fn encoder(&self) -> &Encoder {
        &self.encoder
    }

    /// Reads prompts. The reading of one does not depend on its company.
    pub fn read(&self, prompts: &[Prompt]) -> Vec<Reading> {
        match &self.encoder {
            Encoder::Table(table) => prompts
                .iter()
                .map(|prompt| {
                    let (text, pieces) = self.asked(table, prompt);
                    let row = self.features.row(&without_case(text), &pieces, &table.pooled(&pieces));
                    let row = match &self.topics {
                        Some(topics) => row.told(&topics.shares(&pieces, &[])),
                        None => row,
                    };
                    Reading { pieces, row }
                })
                .collect(),
            Encoder::Bert(bert) => {
                let texts: Vec<_> = prompts.iter().map(|prompt| without_case(prompt.text())).collect();
                let embeddings = bert.embed(&texts.iter().map(|text| &**text).collect::<Vec<_>>());
                let rows = texts.iter().zip(embeddings).map(|(text, embedding)| {
                    // Its ids are not ours: nothing is known of how rare they are, and no net reads them.
                    let row = self.features.row(text, &[], &embedding);
                    Reading { pieces: Vec::new(), row }
                });
                rows.collect()
            }
        }
    }

    /// What is asked, without what is said around it, and its pieces.
    fn asked<'a>(&self, table: &Table, prompt: &'a Prompt) -> (&'a str, Vec<u32>) {
        let text = prompt.text();
        let as_it_stands = || (text, pieces_of(table, text));
        self.asides.as_ref().map_or_else(as_it_stands, |asides| asides.stripped(table, text))
    }
}
