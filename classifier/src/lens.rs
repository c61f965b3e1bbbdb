//! What every view sees of a prompt: its word pieces and its feature row. Training, judging and serving look through the same lens.

use crate::encoder::Encoder;
use crate::features::{FeatureRow, Features};
use crate::prompt::Prompt;
use crate::tokens::Tokenizer;

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

/// An encoder with the one feature function.
#[derive(Debug)]
pub struct Lens {
    encoder: Encoder,
    features: Features,
}

impl Lens {
    /// A lens with this encoder.
    pub fn new(encoder: Encoder) -> Self {
        Self { encoder, features: Features::new() }
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
