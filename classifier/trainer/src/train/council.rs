//! The views of a fold in council, as cross-fitting asks them.

use classifier::council::Member;

use super::setting::{Job, Kind, Setting};
use crate::fit::Fitted;

/// The views that were fitted outside one fold, as they are asked about the prompts in it.
#[derive(Default)]
pub(super) struct Council<'a> {
    /// Each with its weight and the abilities of a usual model.
    pub(super) views: Vec<(&'a Fitted, f32, Vec<f32>)>,
    /// The view of the length of answers, which stands apart.
    pub(super) tokens: Option<&'a Fitted>,
}

impl<'a> Council<'a> {
    pub(super) fn of(setting: &Setting<'_>, jobs: &[Job], fitted: &'a [Fitted], fold: u32) -> Self {
        let mut council = Self::default();
        for (job, fitted) in jobs.iter().zip(fitted).filter(|(job, _)| job.fold == Some(fold)) {
            match job.kind {
                Kind::Tokens => council.tokens = Some(fitted),
                Kind::ReadingNet | Kind::FeatureNet | Kind::Forest | Kind::Topics => {
                    let usual = fitted.usual.row(fitted.view.link());
                    council.views.push((fitted, setting.weight(job.kind, job.fold), usual));
                }
            }
        }
        council
    }

    pub(super) fn members(&self) -> impl Iterator<Item = Member<'_>> + Clone {
        self.views.iter().map(|(fitted, weight, usual)| Member {
            view: &fitted.view,
            weight: *weight,
            usual,
            ordinary: &fitted.ordinary,
        })
    }
}
