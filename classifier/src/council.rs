//! The views in council about one prompt: what they see in it, how unlike those of training it is, and what is then heard of
//! what is peculiar about it.

use crate::heads::View;
use crate::kernel::sigmoid;
use crate::lens::Reading;
use crate::ordinary::Ordinary;
use crate::unlikeness::{dissent, share_heard, together};

/// One view in council.
#[derive(Clone, Copy, Debug)]
pub struct Member<'a> {
    /// How it sees prompts.
    pub view: &'a View,
    /// Its factor in the blend of logits.
    pub weight: f32,
    /// The abilities of a usual model in it.
    pub usual: &'a [f32],
    /// What is ordinary in it.
    pub ordinary: &'a Ordinary,
}

/// What is heard of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The traits in each view. Those of a prompt unlike any that was learned from are pulled to the ordinary: who is better in
    /// general is known of it, and who is better at this is not.
    pub traits: Vec<Vec<f32>>,
    /// What each view expects of a usual model, as a logit.
    pub levels: Vec<f32>,
    /// The share that is heard of what is peculiar about it.
    pub share: f32,
    /// How unlike the prompts of training it is.
    pub unlikeness: f32,
}

impl Heard {
    /// Asks all members about a prompt that lies so far from those of training.
    pub fn of<'a>(members: impl Iterator<Item = Member<'a>> + Clone, reading: &Reading, distance: f32) -> Self {
        let mut traits: Vec<Vec<f32>> = members.clone().map(|member| member.view.traits(reading)).collect();
        let expects = |(member, traits): (Member<'_>, &Vec<f32>)| member.view.logit(traits, member.usual);
        let levels: Vec<f32> = members.clone().zip(&traits).map(expects).collect();
        let says = |(member, level): (Member<'_>, &f32)| (member.weight, sigmoid(*level));
        let said: Vec<(f32, f32)> = members.clone().zip(&levels).map(says).collect();
        let unlikeness = together(distance, dissent(&said));
        let share = share_heard(unlikeness);
        if share < 1.0 {
            members.zip(&mut traits).for_each(|(member, traits)| {
                member.ordinary.temper(traits, member.usual, share);
            });
        }
        Self { traits, levels, share, unlikeness }
    }
}

#[cfg(test)]
mod tests {
    //! When what is peculiar is heard, and when it is not.

    use super::{Heard, Member};
    use crate::feature_layer::FeatureLayer;
    use crate::features::Features;
    use crate::heads::View;
    use crate::lens::Reading;
    use crate::matrix::Matrix;
    use crate::ordinary::Ordinary;
    use crate::topics::Topics;
    use crate::unlikeness::MOST;

    const SHARES: [f32; 3] = [0.2, 0.7, 0.1];

    /// What is ordinary in each of the two views: prompts as hard have these shares.
    const ORDINARY: [[f32; 3]; 2] = [[0.4, 0.3, 0.3], [0.1, 0.1, 0.8]];

    /// What is heard of a prompt so far away from two views of its shares: a usual model does all alike, this well in either.
    fn heard(usual: [f32; 2], distance: f32) -> Heard {
        let reading = Reading { pieces: Vec::new(), row: Features::new().row("", &[], &[]) };
        let view = View::Topics(Box::new(Topics {
            pieces: Vec::new(),
            rarities: Vec::new(),
            weights: Matrix::default(),
            features: FeatureLayer::without_features(SHARES.map(f32::ln).to_vec()),
        }));
        let usual = usual.map(|bias| [bias, 0.0, 0.0, 0.0]);
        let ordinary = ORDINARY.map(|mean| Ordinary { mean: mean.to_vec(), along: vec![0.0; 3] });
        let members = usual.iter().zip(&ordinary).zip([0.7, 0.3]);
        let members = members.map(|((usual, ordinary), weight)| Member { view: &view, weight, usual, ordinary });
        Heard::of(members, &reading, distance)
    }

    #[test]
    fn views_that_agree_about_a_prompt_nearby_are_heard_to_the_letter() {
        let heard = heard([0.5, 0.5], 1.0);
        assert!((heard.unlikeness - 1.0).abs() < 1e-6);
        let near = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-6;
        assert!(heard.traits.iter().all(|traits| traits.iter().zip(&SHARES).all(near)), "{:?}", heard.traits);
    }

    #[test]
    fn of_a_prompt_far_away_or_of_views_that_differ_mostly_the_ordinary_is_heard() {
        let apart = |traits: &[f32], from: [f32; 3]| traits.iter().zip(from).map(|(a, b)| (a - b).abs()).sum::<f32>();
        for heard in [heard([0.5, 0.5], MOST), heard([0.1, 0.9], 1.0)] {
            assert!(heard.unlikeness >= MOST);
            for (traits, ordinary) in heard.traits.iter().zip(ORDINARY) {
                assert!(apart(traits, ordinary) < 0.3 * apart(&SHARES, ordinary), "{traits:?}");
            }
        }
    }
}
