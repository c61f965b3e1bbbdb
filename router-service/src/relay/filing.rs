//! What a call cost and how it ended, filed exactly once: by the end it comes to, or, where its caller has hung up, when it is
//! dropped. Every attempt is counted, the failed and the cancelled ones too; tokens that nobody told are counted here and marked.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use classifier::{Tally, Vocabulary};
use decision::{Evidence, MAX_TOKENS, Model, ModelId, PicoUsd, Prices, Tokens};

use crate::chat::Chat;
use crate::pipeline::{Answer, Pipeline};
use crate::question::SessionWish;
use crate::settled::{Settled, Spent};
use crate::status::UpstreamEnd;
use crate::upstream::Failed;
use crate::upstream::fleet::Destination;
use crate::upstream::openai::Piece;
use crate::upstream::usage::{Most, Usage};

/// What a count of tokens may exceed the caller's limit by before it is doubted. A guess: servers differ in whether they count
/// the token that ends an answer.
const COMPLETION_SLACK: u64 = 64;

/// How many context windows a prompt may be told to have filled. A guess: an operator may allow a model less than it holds.
const PROMPT_SLACK: u64 = 4;

/// Whose call it is.
#[derive(Clone, Debug)]
pub(super) struct Whose {
    pub(super) tenant: String,
    pub(super) session: Option<SessionWish>,
}

/// What came of a call.
#[derive(Clone, Debug)]
pub(crate) struct Receipt {
    /// Who answered.
    pub(crate) model: String,
    /// Where.
    pub(crate) provider: String,
    /// The tokens of the answer.
    pub(crate) usage: Usage,
    /// What all attempts cost together.
    pub(crate) cost: PicoUsd,
    /// Attempts made.
    pub(crate) n_attempts: u32,
}

/// A place that the caller's cap does not bear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unaffordable {
    model: ModelId,
    /// None where its price is not known.
    could_cost: Option<PicoUsd>,
    cap: PicoUsd,
}

impl Unaffordable {
    /// The cheaper of two: what the cap would have to be at least.
    pub(super) fn or(self, other: Self) -> Self {
        match (self.could_cost, other.could_cost) {
            (Some(ours), Some(theirs)) if theirs < ours => other,
            (None, Some(_)) => other,
            (Some(_), _) | (None, None) => self,
        }
    }
}

impl fmt::Display for Unaffordable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { model, could_cost, cap } = self;
        match could_cost {
            Some(could_cost) => write!(
                f,
                "expected at least {could_cost:#}, which a long answer of `{model}` could cost, found a cap of {cap:#}"
            ),
            None => write!(f, "expected a model whose price is known beside a cap of {cap:#}, found `{model}`"),
        }
    }
}

/// The guard over one call.
pub(super) struct Filing {
    pipeline: Arc<Pipeline>,
    chat: Arc<Chat>,
    answer: Arc<Answer>,
    whose: Whose,
    at: Instant,
    spent: PicoUsd,
    n_attempts: u32,
    /// The attempts under way by their hops: one, or two where one was slow.
    running: Vec<Running>,
    /// Those that were dropped since another one spoke first. They are booked at the end: what they cost must not hold up who spoke.
    outrun: Vec<Running>,
    last: Option<(ModelId, Usage)>,
    filed: bool,
}

/// An attempt under way.
struct Running {
    hop: usize,
    model: ModelId,
    provider: Arc<str>,
    prices: Prices,
    /// An echo bills nobody.
    free: bool,
    /// What a long answer by it was taken to cost when it began.
    likely: PicoUsd,
    told: Option<Usage>,
    n_tokens: u64,
    /// The model's own vocabulary, where the operator names it, and what it may have to count.
    vocabulary: Option<Arc<Vocabulary>>,
    said: Tally,
}

impl Running {
    /// What the provider told, doubted where it cannot be true.
    fn told(&self, prompt: Tokens, most: Most) -> Option<Usage> {
        let heard = self.counted(prompt);
        self.told.map(|told| told.doubted_beyond(most).doubted_if_nothing(&heard))
    }

    /// By the rule that holds for all vocabularies, more or less.
    fn counted(&self, prompt: Tokens) -> Usage {
        let completion = self.n_tokens.min(u64::from(MAX_TOKENS));
        Usage { prompt: u64::from(prompt.get()), completion, ..Usage::default() }
    }
}

impl Filing {
    pub(super) fn open(
        pipeline: &Arc<Pipeline>,
        chat: &Arc<Chat>,
        answer: &Arc<Answer>,
        whose: Whose,
        at: Instant,
    ) -> Self {
        Self {
            pipeline: Arc::clone(pipeline),
            chat: Arc::clone(chat),
            answer: Arc::clone(answer),
            whose,
            at,
            spent: PicoUsd::ZERO,
            n_attempts: 0,
            running: Vec::new(),
            outrun: Vec::new(),
            last: None,
            filed: false,
        }
    }

    /// Whether a long answer by this hop stays within the caller's cap, with what was spent before and what is being spent beside it;
    /// else why not.
    pub(super) fn affords(&self, model: &ModelId, destination: &Destination) -> Result<(), Unaffordable> {
        let Some(cap) = self.chat.max_cost else { return Ok(()) };
        let beside = self.running.iter().chain(&self.outrun).fold(self.spent, |sum, running| sum.plus(running.likely));
        let could_cost = self.likely(model, destination).map(|likely| beside.plus(likely));
        match could_cost {
            Some(could_cost) if could_cost <= cap => Ok(()),
            Some(_) | None => Err(Unaffordable { model: model.clone(), could_cost, cap }),
        }
    }

    /// What a long answer by this hop costs; none where nobody knows its price.
    fn likely(&self, model: &ModelId, destination: &Destination) -> Option<PicoUsd> {
        if destination.is_free() {
            return Some(PicoUsd::ZERO);
        }
        let prices = self.prices(model, destination.prices)?;
        let usage = decision::Usage {
            prompt: self.chat.prompt_tokens,
            completion: self.output_high(model),
            ..decision::Usage::default()
        };
        Some(PicoUsd(prices.bill(&usage).0.saturating_mul(self.chat.n_choices)))
    }

    fn prices(&self, model: &ModelId, prices: Option<Prices>) -> Option<Prices> {
        prices.or_else(|| self.answer.snapshot.catalog.get(model).map(|model| model.prices))
    }

    fn output_high(&self, model: &ModelId) -> Tokens {
        let forecast = match &*self.answer.evidence {
            Evidence::Forecast(forecast) => forecast.models().iter().find(|forecast| forecast.model == *model),
            Evidence::Absent(_) => None,
        };
        let assumed = || self.answer.snapshot.catalog.get(model).map_or(Tokens::ZERO, Model::assumed_output);
        let high = forecast.map_or_else(assumed, |forecast| forecast.output_p90);
        self.chat.max_completion.map_or(high, |most| high.min(most))
    }

    /// An attempt begins.
    pub(super) fn begin(&mut self, hop: usize, model: &ModelId, destination: &Destination) {
        self.n_attempts += 1;
        let free = destination.is_free();
        let likely = self.likely(model, destination).unwrap_or_default();
        let prices = self.prices(model, destination.prices);
        self.running.extend(prices.map(|prices| Running {
            hop,
            model: model.clone(),
            provider: Arc::from(destination.provider.rule.name.as_str()),
            prices,
            free,
            likely,
            told: None,
            n_tokens: 0,
            vocabulary: destination.vocabulary.clone(),
            said: Tally::default(),
        }));
    }

    /// The first token of the attempt under way is there.
    pub(super) fn first_token(&self, span: Duration) {
        if let Some(running) = self.running.first() {
            self.pipeline.tell_first_token(running.model.as_str(), span);
        }
    }

    /// The model of the attempt under way, or of the last one.
    pub(super) fn model(&self) -> &str {
        let running = self.running.first().map(|running| &running.model);
        running.or(self.last.as_ref().map(|(model, _)| model)).unwrap_or(self.answer.decision.model()).as_str()
    }

    /// The provider of the attempt under way.
    pub(super) fn provider(&self) -> &str {
        self.running.first().map_or("", |running| &running.provider)
    }

    /// A piece of the answer came.
    pub(super) fn heard(&mut self, piece: &Piece) {
        if let Some(running) = self.running.first_mut() {
            running.n_tokens = running.n_tokens.saturating_add(piece.n_tokens);
            running.told = piece.usage.or(running.told);
            if running.vocabulary.is_some() {
                piece.each_text(|voice, text| running.said.add(voice, text));
            }
        }
    }

    /// What the provider says of tokens at the end.
    pub(super) fn told(&mut self, usage: Option<Usage>) {
        if let Some(running) = self.running.first_mut() {
            running.told = usage.or(running.told);
        }
    }

    /// The attempt under way failed before anything of it was relayed.
    pub(super) fn failed(&mut self, hop: usize, failed: &Failed) {
        self.close(hop, failed.end.codes().0, failed.may_cost);
    }

    /// An attempt was dropped since another one spoke first. It may be billed all the same.
    pub(super) fn cancelled(&mut self, hop: usize) {
        let outrun = self.taken(hop);
        self.outrun.extend(outrun);
    }

    /// The answer is whole.
    pub(super) fn answered(&mut self) -> Receipt {
        self.sealed("answered")
    }

    /// The answer broke off.
    pub(super) fn cut(&mut self) -> Receipt {
        self.sealed(UpstreamEnd::Cut.codes().0)
    }

    /// Nobody answered. Tells what the attempts cost, and how many they were.
    pub(super) fn ended(mut self, end: UpstreamEnd) -> (PicoUsd, u32) {
        self.file(end.codes().0);
        (self.spent, self.n_attempts)
    }

    fn sealed(&mut self, end: &'static str) -> Receipt {
        self.book_outrun();
        let provider = self.running.first().map(|running| running.provider.to_string()).unwrap_or_default();
        let usage = self.running.first().map(|running| running.hop).map(|hop| self.close(hop, end, true));
        let usage = usage.unwrap_or_default();
        let model = self.model().to_owned();
        self.file(end);
        Receipt { model, provider, usage, cost: self.spent, n_attempts: self.n_attempts }
    }

    fn taken(&mut self, hop: usize) -> Option<Running> {
        let place = self.running.iter().position(|running| running.hop == hop);
        place.map(|place| self.running.remove(place))
    }

    fn book_outrun(&mut self) {
        for running in std::mem::take(&mut self.outrun) {
            self.book(running, "cancelled", true);
        }
    }

    /// Ends an attempt under way.
    fn close(&mut self, hop: usize, end: &'static str, may_cost: bool) -> Usage {
        self.taken(hop).map_or_else(Usage::default, |running| self.book(running, end, may_cost))
    }

    fn book(&mut self, running: Running, end: &'static str, may_cost: bool) -> Usage {
        let usage = match may_cost {
            true => self.settled(&running),
            false => Usage::default(),
        };
        let cost = if running.free { PicoUsd::ZERO } else { usage.bill(&running.prices) };
        self.spent = self.spent.plus(cost);
        self.pipeline.tell_attempt(&running.provider, running.model.as_str(), end, cost);
        self.last = Some((running.model, usage));
        usage
    }

    /// What was told, or what is counted here in its place: by the model's own vocabulary where it is known.
    fn settled(&self, running: &Running) -> Usage {
        let told = running.told(self.chat.prompt_tokens, self.most(&running.model));
        Usage::settled(told, || match &running.vocabulary {
            None => running.counted(self.chat.prompt_tokens),
            Some(vocabulary) => Usage {
                prompt: u64::from(self.chat.prompt_tokens_by(vocabulary).get()),
                completion: running.said.tokens(vocabulary).min(u64::from(MAX_TOKENS)),
                ..Usage::default()
            },
        })
    }

    /// What an image or a provider's own instructions take of a prompt is not known here, so its bound is wide.
    fn most(&self, model: &ModelId) -> Most {
        let shown =
            self.chat.max_completion.map_or(u64::from(MAX_TOKENS), |most| u64::from(most.get()) + COMPLETION_SLACK);
        // Nobody thinks for longer than a context is wide, and nobody reads more at once.
        let known = self.answer.snapshot.catalog.get(model);
        let window = known.map_or(u64::from(MAX_TOKENS), |model| u64::from(model.context_window.get()));
        let all = |most: u64| most.saturating_mul(self.chat.n_choices);
        Most { prompt: window.saturating_mul(PROMPT_SLACK), shown: all(shown), reasoning: all(window) }
    }

    fn file(&mut self, end: &'static str) {
        if std::mem::replace(&mut self.filed, true) {
            return;
        }
        self.book_outrun();
        let (model, usage) =
            self.last.take().unwrap_or_else(|| (self.answer.decision.model().clone(), Usage::default()));
        self.pipeline.settle(&Settled {
            answer: &self.answer,
            tenant: &self.whose.tenant,
            session: self.whose.session.as_ref(),
            model: &model,
            end,
            spent: Spent { usage, cost: self.spent, took: self.at.elapsed() },
        });
        self.last = Some((model, usage));
    }
}

impl Drop for Filing {
    /// Whoever drops a call that has not ended is a caller that hung up.
    fn drop(&mut self) {
        if !self.filed {
            self.book_outrun();
            while let Some(hop) = self.running.first().map(|running| running.hop) {
                self.close(hop, "cancelled", true);
            }
            self.file("cancelled");
        }
    }
}

/// Seconds since 1970, as OpenAI's replies tell when they were made.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
