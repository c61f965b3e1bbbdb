//! Whether a hop may be called right now: everything that may have changed since the decision is asked anew, the provider's health and
//! limits and the caller's purse. Who is passed over here costs no attempt, no place and nothing of what a minute allows, so whatever
//! can be known without a call is asked before a place is taken.

use std::time::Instant;

use decision::{Gate, Hop};

use super::Forwarder;
use super::filing::Filing;
use crate::chat::Chat;
use crate::config::ProviderKind;
use crate::upstream::Failed;
use crate::upstream::call::unsayable;
use crate::upstream::fleet::Destination;
use crate::upstream::provider::Place;

/// The gates of one call, and why it was turned away.
#[derive(Debug, Default)]
pub(super) struct Gates {
    /// Whether it can be said in Anthropic's language, once that was asked: a long conversation is not read anew for every hop.
    anthropic: Option<Result<(), Failed>>,
    /// Whether it found a provider that was at its limit, or left alone.
    refused_entry: bool,
}

impl Gates {
    /// Asks for one hop. A place is left in `entered` where the gate is open.
    pub(super) fn ask(
        &mut self,
        forwarder: &Forwarder,
        (filing, chat): (&Filing, &Chat),
        hop: &Hop,
        now: Instant,
        entered: &mut Option<(Destination, Place)>,
    ) -> Gate {
        let destination = forwarder.fleet.destination(hop);
        if !self.can_say(destination.provider.rule.kind, chat) || !filing.affords(&hop.model, &destination) {
            return Gate::Shut;
        }
        match destination.provider.enter(now) {
            Some(place) => {
                *entered = Some((destination, place));
                Gate::Open
            }
            None => {
                self.refused_entry = true;
                Gate::Shut
            }
        }
    }

    /// Why nobody was tried, where that lies in what was asked: nobody who is at a limit would take it later.
    pub(super) fn unsaid(&mut self) -> Option<Failed> {
        match self.anthropic.take() {
            Some(Err(failed)) if !self.refused_entry => Some(failed),
            Some(_) | None => None,
        }
    }

    fn can_say(&mut self, kind: ProviderKind, chat: &Chat) -> bool {
        match kind {
            ProviderKind::Openai | ProviderKind::Echo => true,
            ProviderKind::Anthropic => {
                let said = self.anthropic.get_or_insert_with(|| unsayable(chat).map_or(Ok(()), Err));
                said.is_ok()
            }
        }
    }
}
