//! Files that appear whole or not at all: written beside their place under a hidden name, flushed to the disk, then
//! renamed. Dropped unpublished, the hidden file goes away; what stood in the place before stays untouched. A process
//! that is killed leaves its hidden file (`.NAME.PID.part`), which nothing reads and anybody may delete.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// A file that is being written.
#[derive(Debug)]
pub struct Staged {
    target: PathBuf,
    hidden: PathBuf,
    writer: Option<BufWriter<File>>,
}

impl Staged {
    /// Begins a file that will stand at `target`.
    ///
    /// # Errors
    /// The folder does not exist or cannot be written to, or something else than a file stands in the place.
    pub fn create(target: &Path) -> io::Result<Self> {
        let target = place_of(target)?;
        let name = target.file_name().ok_or_else(|| io::Error::other("expected a file name, found none"))?;
        // The process id keeps two writers of the same file apart; the later rename wins whole.
        let hidden = target.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        let file = File::create(&hidden)?;
        let writer = Some(BufWriter::with_capacity(1 << 18, file));
        Ok(Self { target, hidden, writer })
    }

    /// The hidden file, for reading what has been written and flushed so far.
    pub(crate) fn reread(&self) -> io::Result<PathBuf> {
        self.hidden.canonicalize()
    }

    /// Takes the place of another file that was to be published.
    pub(crate) fn instead_of(mut self, other: &Self) -> Self {
        self.target.clone_from(&other.target);
        self
    }

    /// Puts the file into its place.
    ///
    /// # Errors
    /// The disk is full or the place cannot be written to; the place is then as it was.
    pub fn publish(mut self) -> io::Result<()> {
        let writer = self.writer.take().ok_or_else(|| io::Error::other("published twice"))?;
        let file = writer.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.sync_all()?;
        fs::rename(&self.hidden, &self.target)?;
        // The rename itself lies in the folder, which has to reach the disk as well. Not every system can open one.
        let folder = self.target.parent().filter(|folder| !folder.as_os_str().is_empty());
        if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
            folder.sync_all()?;
        }
        Ok(())
    }
}

/// Where a file will really stand: behind a link, what it leads to. A device or a pipe cannot be put into place whole, and must not
/// be replaced by a file.
fn place_of(target: &Path) -> io::Result<PathBuf> {
    match fs::metadata(target) {
        Ok(found) if found.is_file() => target.canonicalize(),
        Ok(_) => Err(io::Error::other("expected a file or nothing at all, found a folder, a device or a pipe")),
        Err(_) => Ok(target.to_owned()),
    }
}

/// Whether an output is one of the inputs, by whatever name, or a file in a folder that is one. What is not there yet replaces
/// nothing.
pub fn is_among<'a>(output: &Path, inputs: impl IntoIterator<Item = &'a PathBuf>) -> bool {
    let Ok(place) = output.canonicalize() else { return false };
    let mut inputs = inputs.into_iter().filter_map(|input| input.canonicalize().ok());
    inputs.any(|input| place == input || place.is_file() && place.starts_with(&input))
}

impl Write for Staged {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.writer {
            Some(writer) => writer.write(bytes),
            None => Err(io::Error::other("written to after publishing")),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.as_mut().map_or(Ok(()), BufWriter::flush)
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        // Gone already if it was published. There is nobody to tell if it cannot be removed.
        let _ = fs::remove_file(&self.hidden);
    }
}

#[cfg(test)]
mod tests;
