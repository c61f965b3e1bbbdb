//! Progress on a terminal, silence elsewhere.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// A bar on standard error.
pub(crate) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// Work whose end is known.
    pub(crate) fn counted(what: &'static str, n: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(whole(n)), ProgressDrawTarget::stderr());
        bar.set_style(style("{msg} [{bar:30}] {pos}/{len}"));
        bar.set_message(what);
        Self { bar }
    }

    /// Work whose end is not known.
    pub(crate) fn open_ended(what: &'static str, unit: &'static str) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        bar.set_style(style("{spinner} {prefix}: {human_pos} {msg} ({per_sec})"));
        bar.set_prefix(what);
        bar.set_message(unit);
        Self { bar }
    }

    /// How far it is.
    pub(crate) fn at(&self, done: usize) {
        self.bar.set_position(whole(done));
    }

    /// Takes the bar away.
    pub(crate) fn end(self) {
        self.bar.finish_and_clear();
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).expect("the templates above are well formed")
}

fn whole(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
