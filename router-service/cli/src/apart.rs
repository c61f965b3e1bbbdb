//! Outputs that would replace what they are made from.

use std::path::{Path, PathBuf};

use anyhow::bail;
use training_data::publish::is_among;

use crate::CalledWrongly;

/// Refuses an output that would replace an input.
pub(crate) fn apart<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a PathBuf>) -> anyhow::Result<()> {
    if is_among(output, inputs) {
        bail!(CalledWrongly(format!("{}: expected an output that is not among the inputs", output.display())));
    }
    Ok(())
}
