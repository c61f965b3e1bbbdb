//! Whether a hop may be called right now: everything that may have changed since the decision is asked anew, the provider's health and
//! limits and the caller's purse. Who is passed over here costs no attempt, no place and nothing of what a minute allows, so whatever
//! can be known without a call is asked before a place is taken.

use std::time::Instant;

use decision::{Gate, Hop};

use super::Forwarder;
use super::filing::{Filing, Unaffordable};
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
    /// The cheapest place that the caller's cap did not bear.
    unaffordable: Option<Unaffordable>,
    /// Whether a provider had no place for it just then.
    refused_entry: bool,
    /// Whether one of those was well, and so at a limit.
    at_a_limit: bool,
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
        if !self.can_say(destination.provider.rule.kind, chat) {
            return Gate::Shut;
        }
        if let Err(unaffordable) = filing.affords(&hop.model, &destination) {
            self.unaffordable = Some(match self.unaffordable.take() {
                Some(other) => other.or(unaffordable),
                None => unaffordable,
            });
            return Gate::Shut;
        }
        match destination.provider.enter(now) {
            Some(place) => {
                *entered = Some((destination, place));
                Gate::Open
            }
            None => {
                self.refused_entry = true;
                self.at_a_limit |= destination.provider.is_well(now);
                Gate::Shut
            }
        }
    }

    /// Why nobody was tried, where that lies in what was asked: to come again would not help, as it does where somebody is at a limit.
    pub(super) fn asked_too_much(&mut self) -> Option<Failed> {
        if self.refused_entry {
            return None;
        }
        if let Some(unaffordable) = self.unaffordable.take() {
            return Some(Failed::unaffordable(unaffordable.to_string()));
        }
        self.anthropic.take().and_then(Result::err)
    }

    /// Whether a provider that could have answered was at its limit; else they are left alone.
    pub(super) fn met_a_limit(&self) -> bool {
        self.at_a_limit
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
