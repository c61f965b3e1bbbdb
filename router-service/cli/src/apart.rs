//! Outputs that would replace what they are made from.

use std::path::{Path, PathBuf};

use anyhow::bail;

use crate::CalledWrongly;

/// Refuses an output that is one of the inputs or lies in a folder that is one, by whatever name it is called.
pub(crate) fn apart<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a PathBuf>) -> anyhow::Result<()> {
    // What is not there yet replaces nothing.
    let Ok(place) = output.canonicalize() else { return Ok(()) };
    let mut inputs = inputs.into_iter().filter_map(|input| input.canonicalize().ok());
    if inputs.any(|input| place == input || place.is_file() && place.starts_with(&input)) {
        bail!(CalledWrongly(format!("{}: expected an output that is not among the inputs", output.display())));
    }
    Ok(())
}
