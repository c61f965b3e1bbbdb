//! The views together: what they see in a prompt, how unlike those of training it is, and how much is then heard of what is peculiar about it.

use crate::heads::View;
use crate::kernel::sigmoid;
use crate::lens::Reading;
use crate::ordinary::Ordinary;
use crate::unlikeness::{dissent, heard, together};

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

/// What views together say of a prompt.
#[derive(Clone, Debug, PartialEq)]
pub struct Counsel {
    /// The traits in each view. Those of a prompt unlike any that was learned from are pulled to what is ordinary: who is better in general is known of it,
    /// and who is better at this is not.
    pub traits: Vec<Vec<f32>>,
    /// How unlike the prompts of training it is.
    pub unlikeness: f32,
}

impl Counsel {
    /// Asks all of them about a prompt that lies so far from those of training.
    pub fn of<'a>(members: impl Iterator<Item = Member<'a>> + Clone, reading: &Reading, distance: f32) -> Self {
        let mut traits: Vec<Vec<f32>> = members.clone().map(|member| member.view.traits(reading)).collect();
        let says = |(member, traits): (Member<'_>, &Vec<f32>)| {
            (member.weight, sigmoid(member.view.logit(traits, member.usual)))
        };
        let said: Vec<(f32, f32)> = members.clone().zip(&traits).map(says).collect();
        let unlikeness = together(distance, dissent(&said));
        let heard = heard(unlikeness);
        if heard < 1.0 {
            members.zip(&mut traits).for_each(|(member, traits)| {
                member.ordinary.temper(traits, member.usual, heard);
            });
        }
        Self { traits, unlikeness }
    }
}

#[cfg(test)]
mod tests {
    //! When what is peculiar is heard, and when it is not.

    use super::{Counsel, Member};
    use crate::features::Features;
    use crate::heads::View;
    use crate::lens::Reading;
    use crate::ordinary::Ordinary;
    use crate::unlikeness::MOST;

    const SHARES: [f32; 3] = [0.2, 0.7, 0.1];

    /// What two views that see the shares say of a prompt so far away, where a usual model has these abilities in one and those in the other.
    fn counsel(one: &[f32], other: &[f32], distance: f32) -> Counsel {
        let row = Features::new().row("", &[], &[]).told(&SHARES);
        let reading = Reading { pieces: Vec::new(), row };
        let ordinary = Ordinary { mean: vec![0.4, 0.3, 0.3], along: vec![0.0; 3] };
        let view = View::Topics(3);
        let member = |usual, weight| Member { view: &view, weight, usual, ordinary: &ordinary };
        Counsel::of([member(one, 0.7), member(other, 0.3)].into_iter(), &reading, distance)
    }

    #[test]
    fn views_that_agree_about_a_prompt_nearby_are_heard_to_the_letter() {
        let counsel = counsel(&[0.5, 0.0, 0.1, 0.0], &[0.5, 0.0, 0.1, 0.0], 1.0);
        assert!((counsel.unlikeness - 1.0).abs() < 1e-6);
        assert_eq!(counsel.traits, [SHARES, SHARES]);
    }

    #[test]
    fn of_a_prompt_far_away_or_of_views_that_differ_the_ordinary_is_heard() {
        let apart = |traits: &[f32], from: [f32; 3]| traits.iter().zip(from).map(|(a, b)| (a - b).abs()).sum::<f32>();
        let ordinary = [0.4, 0.3, 0.3];
        let far = counsel(&[0.5, 0.0, 0.1, 0.0], &[0.5, 0.0, 0.1, 0.0], MOST);
        let disputed = counsel(&[0.1, 0.0, 0.0, 0.0], &[0.9, 0.0, 0.0, 0.0], 1.0);
        assert!(far.unlikeness >= MOST && disputed.unlikeness >= MOST);
        for traits in far.traits.iter().chain(&disputed.traits) {
            assert!(apart(traits, ordinary) < 0.3 * apart(&SHARES, ordinary), "{traits:?}");
        }
    }
}
