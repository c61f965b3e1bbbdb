//! The columns of a row: one list that the Parquet schema, the JSONL keys and every check are made from. Adding one at
//! the end keeps old files readable; renaming or retyping one raises `SCHEMA_VERSION`.

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Short text that is never empty: a name or an id.
    Name,
    /// Long text: a prompt.
    Prose,
    /// Lower-case hexadecimal digits.
    Digest,
    /// A number from 0 to 1.
    Share,
    /// A point of time, in milliseconds since 1970.
    Moment,
    /// A length of time, in milliseconds.
    Duration,
    /// Tokens of one call.
    Tokens,
    /// A finite number, 0 or more.
    Amount,
    /// US dollars for one answer.
    Bill,
    /// True or false.
    Flag,
}

impl Kind {
    /// What an error says was expected.
    #[must_use]
    pub fn expected(self) -> &'static str {
        match self {
            Self::Name => "a text of 1 to 1024 bytes",
            Self::Prose => "a text of at most 4 MiB",
            Self::Digest => "2 to 128 lower-case hexadecimal digits",
            Self::Share => "a number from 0 to 1",
            Self::Moment | Self::Duration => "a whole number of 0 or more",
            Self::Tokens => "a whole number from 0 to 100000000",
            Self::Amount => "a finite number of 0 or more",
            Self::Bill => "a number of US dollars from 0 to 1000000",
            Self::Flag => "true or false",
        }
    }
}

/// A column of an outcome row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(usize)]
#[expect(missing_docs, reason = "each is described on the field of the row that it fills")]
pub enum Column {
    Source,
    Dataset,
    PromptId,
    Prompt,
    PromptDigest,
    Model,
    Quality,
    Judge,
    PromptTokens,
    CachedTokens,
    CompletionTokens,
    ReasoningTokens,
    CostUsd,
    LatencyMs,
    Group,
    JudgingOnly,
    DecisionId,
    AtMs,
    Policy,
    PolicyVersion,
    Artifact,
    ForecastQuality,
    ForecastQualityLow,
    ForecastCompletionTokens,
    ForecastCostUsd,
    Propensity,
    Forecasts,
}

/// How many columns a row has.
pub const N_COLUMNS: usize = 27;

impl Column {
    /// Every column, in the order in which files hold them.
    pub const ALL: [Self; N_COLUMNS] = [
        Self::Source,
        Self::Dataset,
        Self::PromptId,
        Self::Prompt,
        Self::PromptDigest,
        Self::Model,
        Self::Quality,
        Self::Judge,
        Self::PromptTokens,
        Self::CachedTokens,
        Self::CompletionTokens,
        Self::ReasoningTokens,
        Self::CostUsd,
        Self::LatencyMs,
        Self::Group,
        Self::JudgingOnly,
        Self::DecisionId,
        Self::AtMs,
        Self::Policy,
        Self::PolicyVersion,
        Self::Artifact,
        Self::ForecastQuality,
        Self::ForecastQualityLow,
        Self::ForecastCompletionTokens,
        Self::ForecastCostUsd,
        Self::Propensity,
        Self::Forecasts,
    ];

    /// The name in every file.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.facts().0
    }

    /// What it may hold.
    #[must_use]
    pub fn kind(self) -> Kind {
        self.facts().1
    }

    /// Whether a row without it is no row.
    #[must_use]
    pub fn required(self) -> bool {
        matches!(self, Self::Source | Self::Dataset | Self::PromptId | Self::Model | Self::Quality)
    }

    /// The column of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|column| column.name() == name)
    }

    fn facts(self) -> (&'static str, Kind) {
        match self {
            Self::Source => ("source", Kind::Name),
            Self::Dataset => ("dataset", Kind::Name),
            Self::PromptId => ("prompt_id", Kind::Name),
            Self::Prompt => ("prompt", Kind::Prose),
            Self::PromptDigest => ("prompt_digest", Kind::Digest),
            Self::Model => ("model", Kind::Name),
            Self::Quality => ("quality", Kind::Share),
            Self::Judge => ("judge", Kind::Name),
            Self::PromptTokens => ("prompt_tokens", Kind::Tokens),
            Self::CachedTokens => ("cached_tokens", Kind::Tokens),
            Self::CompletionTokens => ("completion_tokens", Kind::Tokens),
            Self::ReasoningTokens => ("reasoning_tokens", Kind::Tokens),
            Self::CostUsd => ("cost_usd", Kind::Bill),
            Self::LatencyMs => ("latency_ms", Kind::Duration),
            Self::Group => ("group", Kind::Name),
            Self::JudgingOnly => ("judging_only", Kind::Flag),
            Self::DecisionId => ("decision_id", Kind::Name),
            Self::AtMs => ("at_ms", Kind::Moment),
            Self::Policy => ("policy", Kind::Name),
            Self::PolicyVersion => ("policy_version", Kind::Name),
            Self::Artifact => ("artifact", Kind::Name),
            Self::ForecastQuality => ("forecast_quality", Kind::Share),
            Self::ForecastQualityLow => ("forecast_quality_low", Kind::Share),
            Self::ForecastCompletionTokens => ("forecast_completion_tokens", Kind::Amount),
            Self::ForecastCostUsd => ("forecast_cost_usd", Kind::Bill),
            Self::Propensity => ("propensity", Kind::Share),
            Self::Forecasts => ("forecasts", Kind::Prose),
        }
    }
}
