//! The cross-fitted forecasts in the batch format of `route`, billed as `route` would, one prompt at a time: the text of all of them
//! is far larger than what the judge keeps of it.

use std::io::{self, Read, Write};
use std::slice::Iter;

use classifier::manner::{Manner, stated};
use decision::{Catalog, ModelId, Tokens};
use evals::pool::TokenPrices;
use trainer::train::{CrossFitted, Trained};
use training_data::publish::Staged;

/// The lines, made as they are read. What is read is copied to a file on the way, where there is one.
pub(super) struct Lines<'a> {
    prompts: Iter<'a, CrossFitted>,
    columns: Vec<Column<'a>>,
    manner: &'a Manner,
    line: Vec<u8>,
    n_read: usize,
    copy: Option<Staged>,
}

/// One model in every line.
struct Column<'a> {
    model: &'a str,
    prices: Option<TokenPrices>,
    /// The mean length that is stated of it.
    stated: Option<Tokens>,
    /// The share of its tokens that was counted as hidden reasoning.
    reasoning: f32,
    usd_of_reasoning_per_1m: f64,
}

impl<'a> Lines<'a> {
    pub(super) fn new(trained: &'a Trained, catalog: &Catalog, copy: Option<Staged>) -> Self {
        let built_in = classifier::built_in_catalog();
        let columns = trained.parts.models.iter().map(|known| {
            let id = ModelId::new(&known.name).ok();
            let entry = id.as_ref().and_then(|id| catalog.get(id));
            Column {
                model: &known.name,
                prices: entry.map(|entry| TokenPrices {
                    prompt: entry.prices.prompt.usd_per_1m(),
                    completion: entry.prices.completion.usd_per_1m(),
                }),
                stated: id.as_ref().and_then(|id| stated(catalog, &built_in, id)),
                reasoning: known.reasoning,
                usd_of_reasoning_per_1m: entry.map_or(0.0, |entry| entry.prices.reasoning.usd_per_1m()),
            }
        });
        Self {
            prompts: trained.cross_fitted.iter(),
            columns: columns.collect(),
            manner: &trained.parts.manner,
            line: Vec::new(),
            n_read: 0,
            copy,
        }
    }

    /// The file with what has been read.
    pub(super) fn into_copy(self) -> Option<Staged> {
        self.copy
    }
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.n_read == self.line.len() {
            let Some(prompt) = self.prompts.next() else { return Ok(0) };
            self.line.clear();
            self.n_read = 0;
            serde_json::to_writer(&mut self.line, &line(prompt, &self.columns, self.manner))?;
            self.line.push(b'\n');
            if let Some(copy) = &mut self.copy {
                copy.write_all(&self.line)?;
            }
        }
        let n = (&self.line[self.n_read..]).read(buffer)?;
        self.n_read += n;
        Ok(n)
    }
}

fn line(prompt: &CrossFitted, columns: &[Column<'_>], manner: &Manner) -> serde_json::Value {
    let forecasts: Vec<serde_json::Value> = columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let (output, beyond) = prompt.output(at, manner, column.stated);
            let (output, hidden) = (f64::from(output), f64::from(beyond.max(column.reasoning)));
            let bill = |prices: TokenPrices| {
                let reasoning = output * hidden;
                prices.of(prompt.tokens, output - reasoning) + reasoning * column.usd_of_reasoning_per_1m / 1e6
            };
            serde_json::json!({
                "model": column.model,
                "quality": prompt.quality[at],
                "quality_low": prompt.quality_low[at],
                "completion_tokens": output.round(),
                "cost_usd": column.prices.map(bill),
            })
        })
        .collect();
    serde_json::json!({"id": prompt.id, "forecasts": forecasts})
}
