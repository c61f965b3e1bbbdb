//! What every view sees of a prompt: its word pieces and its feature row. Training, judging and serving look through the same lens.

use crate::encoder::Encoder;
use crate::features::{FeatureRow, Features};
use crate::prompt::Prompt;
use crate::tokens::Tokenizer;
use crate::topics::Topics;

/// Word pieces that are read from the beginning of a prompt.
pub const HEAD_PIECES: usize = 192;

/// Word pieces that are read from its end.
pub const TAIL_PIECES: usize = 64;

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
    topics: Option<Topics>,
}

impl Lens {
    /// A lens with this encoder, through which no topics are seen.
    pub fn new(encoder: Encoder) -> Self {
        Self { encoder, features: Features::new(), topics: None }
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
                    let pieces = pieces(table.tokenizer(), prompt);
                    let row = self.features.row(prompt.text(), &pieces, &table.pooled(&pieces));
                    let row = match &self.topics {
                        Some(topics) => row.told(&topics.shares(&pieces)),
                        None => row,
                    };
                    Reading { pieces, row }
                })
                .collect(),
            Encoder::Bert(bert) => {
                let texts: Vec<&str> = prompts.iter().map(Prompt::text).collect();
                let embeddings = bert.embed(&texts);
                let rows = prompts.iter().zip(embeddings).map(|(prompt, embedding)| {
                    // Its ids are not ours: nothing is known of how rare they are, and no net reads them.
                    let row = self.features.row(prompt.text(), &[], &embedding);
                    Reading { pieces: Vec::new(), row }
                });
                rows.collect()
            }
        }
    }
}

fn pieces(tokenizer: &Tokenizer, prompt: &Prompt) -> Vec<u32> {
    tokenizer.ids(prompt.text(), HEAD_PIECES, TAIL_PIECES)
}
