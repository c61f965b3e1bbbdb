//! Which events are logged: a level for us, other levels for single targets, and a lid on everybody else. The HTTP crates log
//! headers and frames at `debug` and below, with the keys and prompts in them, so nobody can turn that on.

use decision::nearest;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

/// Our own packages, as they name themselves in events.
const OURS: [&str; 6] = ["router_service", "pointsman", "decision", "classifier", "training_data", "proto"];

/// The most that other people's crates may log.
const LID: LevelFilter = LevelFilter::INFO;

/// Directives of one filter. A guess at far more than anybody writes; nothing rests on it.
pub const MAX_DIRECTIVES: usize = 64;

const LEVELS: [(&str, LevelFilter); 6] = [
    ("off", LevelFilter::OFF),
    ("error", LevelFilter::ERROR),
    ("warn", LevelFilter::WARN),
    ("info", LevelFilter::INFO),
    ("debug", LevelFilter::DEBUG),
    ("trace", LevelFilter::TRACE),
];

/// What is logged: `info`, or `info,router_service::reload=debug`.
#[derive(Clone, Debug, PartialEq)]
pub struct LogFilter {
    text: String,
    targets: Targets,
}

/// Why a text is no filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A level there is not.
    #[error("expected a level of off, error, warn, info, debug or trace, found `{found}`{}", hint(.found))]
    Level {
        /// What was found.
        found: String,
    },
    /// A target without a name.
    #[error("expected `target=level`, found `{found}`")]
    Target {
        /// What was found.
        found: String,
    },
    /// More than [`MAX_DIRECTIVES`].
    #[error("expected at most {MAX_DIRECTIVES} parts, found {found}")]
    TooMany {
        /// How many.
        found: usize,
    },
}

fn hint(found: &str) -> String {
    let near = nearest(found, LEVELS.map(|(word, _)| word));
    near.map(|near| format!("; the nearest is `{near}`")).unwrap_or_default()
}

impl LogFilter {
    /// Reads levels parted by commas.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let n_parts = text.split(',').count();
        if n_parts > MAX_DIRECTIVES {
            return Err(FilterError::TooMany { found: n_parts });
        }
        let (mut ours, mut named) = (LevelFilter::INFO, Vec::new());
        for part in text.split(',').map(str::trim) {
            match part.split_once('=') {
                None => ours = level(part)?,
                Some((target, word)) if !target.trim().is_empty() => named.push((target.trim(), level(word.trim())?)),
                Some(_) => return Err(FilterError::Target { found: part.to_owned() }),
            }
        }
        let mut targets = Targets::new().with_default(ours.min(LID)).with_targets(OURS.map(|target| (target, ours)));
        for (target, level) in named {
            let is_ours = OURS.iter().any(|own| target == *own || target.starts_with(&format!("{own}::")));
            targets = targets.with_target(target, if is_ours { level } else { level.min(LID) });
        }
        Ok(Self { text: text.to_owned(), targets })
    }

    /// The filter as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(super) fn targets(&self) -> Targets {
        self.targets.clone()
    }
}

impl Default for LogFilter {
    fn default() -> Self {
        Self::parse("info").expect("`info` is a level")
    }
}

/// What becomes a span: our own work. Other people's spans say nothing of a request that ours do not.
pub(super) fn our_spans() -> Targets {
    Targets::new().with_targets(OURS.map(|target| (target, LevelFilter::INFO)))
}

fn level(word: &str) -> Result<LevelFilter, FilterError> {
    let known = LEVELS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map(|(_, level)| *level).ok_or_else(|| FilterError::Level { found: word.chars().take(40).collect() })
}

#[cfg(test)]
mod tests {
    //! What is let through, and what is a mistake.

    use tracing::Level;

    use super::{LogFilter, MAX_DIRECTIVES};

    #[test]
    fn levels_hold_for_us_and_under_a_lid_for_others() {
        for (filter, target, most) in [
            ("info", "router_service::reload", Some(Level::INFO)),
            ("info", "h2::codec", Some(Level::INFO)),
            ("warn", "h2::codec", Some(Level::WARN)),
            ("trace", "router_service::reload", Some(Level::TRACE)),
            ("trace", "pointsman", Some(Level::TRACE)),
            ("TRACE", "hyper::proto", Some(Level::INFO)),
            ("info,h2=trace", "h2::codec", Some(Level::INFO)),
            ("info,h2=off", "h2::codec", None),
            ("warn, router_service::reload = debug", "router_service::reload", Some(Level::DEBUG)),
            ("warn,router_service::reload=debug", "router_service::server", Some(Level::WARN)),
            ("off", "router_service", None),
            ("router_service_of_others=trace", "router_service_of_others", Some(Level::INFO)),
        ] {
            let targets = LogFilter::parse(filter).unwrap().targets();
            let levels = [Level::ERROR, Level::WARN, Level::INFO, Level::DEBUG, Level::TRACE];
            let found = levels.into_iter().filter(|level| targets.would_enable(target, level)).max();
            assert_eq!(found, most, "{filter} for {target}");
        }
    }

    #[test]
    fn a_mistake_is_named() {
        for (filter, error) in [
            ("inof", "expected a level of off, error, warn, info, debug or trace, found `inof`; the nearest is `info`"),
            ("", "expected a level of off, error, warn, info, debug or trace, found ``"),
            ("info,h2=loud", "expected a level of off, error, warn, info, debug or trace, found `loud`"),
            ("info,=debug", "expected `target=level`, found `=debug`"),
        ] {
            assert_eq!(LogFilter::parse(filter).unwrap_err().to_string(), error);
        }
        let parts = |n: usize| vec!["info"; n].join(",");
        assert!(LogFilter::parse(&parts(MAX_DIRECTIVES)).is_ok());
        let error = LogFilter::parse(&parts(MAX_DIRECTIVES + 1)).unwrap_err();
        assert_eq!(error.to_string(), "expected at most 64 parts, found 65");
    }
}
