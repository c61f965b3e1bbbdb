//! Which mode each parameter belongs to: files and requests spell them alike.

/// The parameters that are one number of a mode, each with the word of that mode.
const NUMBERS: [(&str, &str); 3] =
    [("quality_tolerance", "tolerance"), ("quality_floor", "target"), ("usd_per_success", "value")];

/// The parameters of a budget.
const OF_BUDGET: [(&str, &str); 2] = [("usd_per_request", "budget"), ("when_spent", "budget")];

/// The first parameter that is given and belongs to another mode, and a complaint: it is a mistake, not decoration. What is given
/// stands in the order quality tolerance, quality floor, dollars per success; dollars per request, when spent; model.
pub fn stray_parameter(
    mode: &str,
    numbers: [Option<f64>; NUMBERS.len()],
    of_budget: [bool; OF_BUDGET.len()],
    model: bool,
) -> Option<(&'static str, String)> {
    let numbers = NUMBERS.into_iter().zip(numbers.map(|number| number.is_some()));
    let mut all = numbers.chain(OF_BUDGET.into_iter().zip(of_budget)).chain([(("model", "pin"), model)]);
    let ((key, owner), _) = all.find(|((_, owner), given)| *given && *owner != mode)?;
    Some((key, format!("belongs to mode `{owner}`; this policy's mode is `{mode}`")))
}

#[cfg(test)]
mod tests {
    //! Each parameter is at home in one mode and a stray in every other.

    use super::stray_parameter;

    #[test]
    fn each_parameter_is_a_stray_in_every_mode_but_its_own() {
        let given = |at: usize| {
            let number = |own: usize| (at == own).then_some(0.5);
            ([number(0), number(1), number(2)], [at == 3, at == 4], at == 5)
        };
        let homes = ["tolerance", "target", "value", "budget", "budget", "pin"];
        let keys = ["quality_tolerance", "quality_floor", "usd_per_success", "usd_per_request", "when_spent", "model"];
        for (at, (key, home)) in keys.into_iter().zip(homes).enumerate() {
            let (numbers, of_budget, model) = given(at);
            for mode in ["tolerance", "target", "value", "budget", "pin"] {
                let stray = stray_parameter(mode, numbers, of_budget, model);
                assert_eq!(stray.as_ref().map(|(key, _)| *key), (mode != home).then_some(key), "{key} in {mode}");
            }
        }
    }
}
