//! Where a caller wrote what the router calls by a name of its own. Past the door a call is asked about in the router's words, so
//! complaints come back in them; here they are put into the caller's.

use crate::status::Rejection;

/// Fields by the router's name and the caller's. What is not listed is called the same on both sides.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spelling {
    pairs: Vec<(&'static str, String)>,
}

impl Spelling {
    /// Nothing but what `outer` holds: each of these fields stands inside it.
    pub(super) fn inside(outer: &str, fields: &[&'static str]) -> Self {
        Self { pairs: fields.iter().map(|field| (*field, format!("{outer}.{field}"))).collect() }
    }

    /// The caller wrote this field there. The last word counts.
    pub(super) fn say(&mut self, field: &'static str, place: impl Into<String>) {
        self.pairs.retain(|(known, _)| *known != field);
        self.pairs.push((field, place.into()));
    }

    /// A complaint in the caller's words.
    pub(crate) fn put(&self, rejection: Rejection) -> Rejection {
        rejection.respelled(|field| {
            let (known, place) =
                self.pairs.iter().filter(|(known, _)| begins(field, known)).max_by_key(|(known, _)| known.len())?;
            Some(format!("{place}{}", &field[known.len()..]))
        })
    }
}

/// Whether a field is the known one or stands inside it.
fn begins(field: &str, known: &str) -> bool {
    field.strip_prefix(known).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

#[cfg(test)]
mod tests {
    //! The nearest place is told, and nothing is renamed for its first letters.

    use super::Spelling;
    use crate::status::Rejection;

    #[test]
    fn complaints_name_what_the_caller_wrote() {
        let mut spelling = Spelling::inside("pointsman", &["limits", "needs", "policy"]);
        spelling.say("limits.max_cost_usd", "x-pointsman-max-cost-usd");
        spelling.say("policy", "model");
        for (field, expected) in [
            ("limits.deny[0]", "pointsman.limits.deny[0]"),
            ("limits.max_cost_usd", "x-pointsman-max-cost-usd"),
            ("limitsless", "limitsless"),
            ("needs[2]", "pointsman.needs[2]"),
            ("policy", "model"),
            ("messages[0].role", "messages[0].role"),
        ] {
            let put = spelling.put(Rejection::field(field, "expected another one"));
            assert_eq!(put.named_field(), expected);
        }
        let late = Rejection::Late { complaint: "late" };
        assert_eq!(spelling.put(late.clone()), late);
    }
}
