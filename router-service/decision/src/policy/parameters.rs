//! Which mode each parameter belongs to: files and requests spell them alike.

/// The parameters of all modes, each with the word of its mode.
const PARAMETERS: [(&str, &str); 6] = [
    ("quality_tolerance", "tolerance"),
    ("quality_floor", "target"),
    ("usd_per_success", "value"),
    ("usd_per_request", "budget"),
    ("when_spent", "budget"),
    ("model", "pin"),
];

/// The first parameter that is given and belongs to another mode, and a complaint: it is a mistake, not decoration. `given` stands
/// in the order quality tolerance, quality floor, dollars per success, dollars per request, when spent, model.
pub fn stray_parameter(mode: &str, given: [bool; PARAMETERS.len()]) -> Option<(&'static str, String)> {
    let mut all = PARAMETERS.into_iter().zip(given);
    let ((key, owner), _) = all.find(|((_, owner), given)| *given && *owner != mode)?;
    Some((key, format!("belongs to mode `{owner}`; this policy's mode is `{mode}`")))
}
