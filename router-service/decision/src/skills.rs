//! What a request needs and a model offers beyond plain text. Not *abilities*: those are what the heads learn of a model.

use std::fmt;

use serde::{Deserialize, Serialize};

/// One thing a model can do or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Skill {
    /// Calls tools the caller declares.
    Tools,
    /// Sees images.
    Vision,
    /// Answers in a JSON schema the caller gives.
    JsonSchema,
    /// Hears recordings.
    Audio,
    /// Reads files, such as a PDF.
    Documents,
}

impl Skill {
    /// All there are, in the order they are reported.
    pub const ALL: [Self; 5] = [Self::Tools, Self::Vision, Self::JsonSchema, Self::Audio, Self::Documents];

    /// The word for it in text forms.
    pub fn word(self) -> &'static str {
        match self {
            Self::Tools => "tools",
            Self::Vision => "vision",
            Self::JsonSchema => "json_schema",
            Self::Audio => "audio",
            Self::Documents => "documents",
        }
    }
}

impl fmt::Display for Skill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A set of skills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skills {
    bits: u8,
}

impl Skills {
    /// None.
    pub const NONE: Self = Self { bits: 0 };

    /// The set with one more.
    #[must_use]
    pub fn with(self, skill: Skill) -> Self {
        Self { bits: self.bits | Self::bit(skill) }
    }

    /// Whether the skill is in the set.
    pub fn has(self, skill: Skill) -> bool {
        self.bits & Self::bit(skill) != 0
    }

    /// The first skill of `self` that `offered` lacks.
    pub fn first_missing_in(self, offered: Self) -> Option<Skill> {
        Skill::ALL.into_iter().find(|skill| self.has(*skill) && !offered.has(*skill))
    }

    /// The skills of the set, in order.
    pub fn iter(self) -> impl Iterator<Item = Skill> {
        Skill::ALL.into_iter().filter(move |skill| self.has(*skill))
    }

    fn bit(skill: Skill) -> u8 {
        match skill {
            Skill::Tools => 1,
            Skill::Vision => 2,
            Skill::JsonSchema => 4,
            Skill::Audio => 8,
            Skill::Documents => 16,
        }
    }
}

impl FromIterator<Skill> for Skills {
    fn from_iter<I: IntoIterator<Item = Skill>>(skills: I) -> Self {
        skills.into_iter().fold(Self::NONE, Self::with)
    }
}

#[cfg(test)]
mod tests {
    //! A set this small still has to be a set.

    use super::{Skill, Skills};

    #[test]
    fn the_first_missing_skill_is_named_in_order() {
        let needed: Skills = [Skill::JsonSchema, Skill::Tools].into_iter().collect();
        assert_eq!(needed.first_missing_in(Skills::NONE), Some(Skill::Tools));
        assert_eq!(needed.first_missing_in(Skills::NONE.with(Skill::Tools)), Some(Skill::JsonSchema));
        assert_eq!(needed.first_missing_in(needed.with(Skill::Vision)), None);
        assert_eq!(Skills::NONE.first_missing_in(Skills::NONE), None);
    }

    #[test]
    fn a_set_forgets_repetition_and_order() {
        let once: Skills = [Skill::Vision, Skill::Tools].into_iter().collect();
        let twice: Skills = [Skill::Tools, Skill::Vision, Skill::Tools].into_iter().collect();
        assert_eq!(once, twice);
        assert_eq!(twice.iter().collect::<Vec<_>>(), [Skill::Tools, Skill::Vision]);
    }
}
