//! Stay or switch: a conversation keeps its model unless a switch is worth it. The lost prompt cache needs no rule of its
//! own here: the current model's cost is billed with its cached tokens and every other's without, so a saving is already
//! net of it. What is ruled here is how large the saving must be, and when there is no choice.

use std::fmt;

use crate::units::{ModelId, Quality, Tokens};

/// The conversation a request goes on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    /// The model that answered last.
    pub current: ModelId,
    /// Prompt tokens its provider is believed to still have in its cache.
    pub cached_prompt: Tokens,
    /// What forbids a switch.
    pub lock: Option<Lock>,
}

/// Why a conversation may not move at all: another model would answer with an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lock {
    /// Tool calls are waiting for their results.
    ToolLoop,
    /// The history holds reasoning that only its own model can verify.
    SignedReasoning,
}

impl fmt::Display for Lock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ToolLoop => "a tool loop is open",
            Self::SignedReasoning => "the conversation holds signed reasoning",
        })
    }
}

/// How much a switch must gain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SessionRule {
    cost_margin: f64,
    quality_margin: Quality,
}

/// Why a margin is none.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("expected a cost margin between 0 and 1, found {found}")]
pub struct MarginError {
    /// What was found.
    pub found: f64,
}

impl SessionRule {
    /// Checks the margins: a switch must save more than `cost_margin` of the current model's cost, or the current model must
    /// miss the policy's bar by more than `quality_margin`.
    pub fn new(cost_margin: f64, quality_margin: Quality) -> Result<Self, MarginError> {
        if (0.0..=1.0).contains(&cost_margin) {
            Ok(Self { cost_margin: cost_margin + 0.0, quality_margin })
        } else {
            Err(MarginError { found: cost_margin })
        }
    }

    /// The share of the current cost that a switch must save.
    pub fn cost_margin(&self) -> f64 {
        self.cost_margin
    }

    /// By how much the current model may miss the policy's bar.
    pub fn quality_margin(&self) -> Quality {
        self.quality_margin
    }
}

impl Default for SessionRule {
    /// A tenth of the cost, and two hundredths of quality: about the noise of a forecast from one turn to the next, by guess;
    /// an operator with outcomes of their own sets both.
    fn default() -> Self {
        Self { cost_margin: 0.1, quality_margin: Quality::new(0.02).expect("0.02 is a quality") }
    }
}
