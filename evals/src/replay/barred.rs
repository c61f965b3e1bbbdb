//! Who may not answer which prompt, whoever would choose: what a catalog and the limits of a policy forbid, told where forecasts are
//! made, since it takes the length of the answer.

use decision::Exclusion;

/// The models that may not answer, prompt by prompt.
#[derive(Clone, Debug, Default)]
pub struct Barred {
    n_models: usize,
    /// Prompt by prompt, a model each. None at all: anybody may answer anything.
    cells: Vec<Option<Exclusion>>,
}

impl Barred {
    /// Nobody is barred from anything.
    pub fn nobody() -> Self {
        Self::default()
    }

    /// From what bars each of so many models, prompt by prompt.
    pub fn of(n_models: usize, cells: Vec<Option<Exclusion>>) -> Self {
        let anybody = cells.iter().any(Option::is_some);
        Self { n_models, cells: if anybody { cells } else { Vec::new() } }
    }

    /// What bars a model from a prompt.
    pub fn why(&self, row: usize, model: usize) -> Option<&Exclusion> {
        self.cells.get(row * self.n_models + model)?.as_ref()
    }
}
