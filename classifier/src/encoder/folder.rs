//! The files of an encoder: on the disk, or read before. An artifact proves its files by their digests, and what is used must be what
//! was proved, and not what has come into the folder since.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use super::EncoderError;

/// Bytes that a file of an encoder may have.
const MAX_FILE_BYTES: u64 = 2 << 30;

/// A folder with the files of an encoder.
#[derive(Clone, Copy)]
pub(super) struct Folder<'a> {
    directory: &'a Path,
    /// What was read of it, by its place in the folder.
    files: Option<&'a BTreeMap<&'a Path, &'a [u8]>>,
}

impl<'a> Folder<'a> {
    /// As it is on the disk when a file is asked for.
    pub(super) fn on_disk(directory: &'a Path) -> Self {
        Self { directory, files: None }
    }

    /// As it was read. The directory is for complaints.
    pub(super) fn of_files(directory: &'a Path, files: &'a BTreeMap<&'a Path, &'a [u8]>) -> Self {
        Self { directory, files: Some(files) }
    }

    pub(super) fn directory(self) -> &'a Path {
        self.directory
    }

    /// Where a file of it is.
    pub(super) fn path(self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.join(name)
    }

    pub(super) fn has(self, name: impl AsRef<Path>) -> bool {
        match self.files {
            Some(files) => files.contains_key(name.as_ref()),
            None => self.path(name).is_file(),
        }
    }

    /// The contents of a file.
    pub(super) fn read(self, name: impl AsRef<Path>) -> Result<Cow<'a, [u8]>, EncoderError> {
        let path = self.path(&name);
        let contents = match self.files {
            Some(files) => files.get(name.as_ref()).copied().map(Cow::Borrowed),
            None => Some(Cow::Owned(read_bounded(&path)?)),
        };
        contents.ok_or_else(|| EncoderError::Read { path, source: io::ErrorKind::NotFound.into() })
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, EncoderError> {
    let failed = |source| EncoderError::Read { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(failed)?.len();
    if found > MAX_FILE_BYTES {
        let complaint = format!("expected at most {MAX_FILE_BYTES} bytes, found {found}");
        return Err(EncoderError::Format { path: path.to_owned(), complaint });
    }
    std::fs::read(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    //! What was read counts, whatever is on the disk.

    use std::collections::BTreeMap;
    use std::fs::{self, File};
    use std::path::Path;

    use super::{Folder, MAX_FILE_BYTES};

    #[test]
    fn what_was_read_is_what_is_used() {
        let directory = std::env::temp_dir().join(format!("pointsman-encoder-folder-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("config.json"), "new").unwrap();
        fs::write(directory.join("modules.json"), "new").unwrap();
        // As long as the limit and a byte more, but without any on the disk.
        File::create(directory.join("huge.safetensors")).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        let files = BTreeMap::from([(Path::new("config.json"), &b"old"[..])]);
        let (disk, read) = (Folder::on_disk(&directory), Folder::of_files(&directory, &files));
        let found = (disk.read("config.json").unwrap(), read.read("config.json").unwrap());
        let (knows, refused) = ((disk.has("modules.json"), read.has("modules.json")), read.read("modules.json"));
        let huge = disk.read("huge.safetensors").unwrap_err().to_string();
        fs::remove_dir_all(&directory).unwrap();
        assert_eq!((&*found.0, &*found.1), (&b"new"[..], &b"old"[..]));
        assert_eq!(knows, (true, false));
        assert!(refused.unwrap_err().to_string().contains("modules.json: "));
        assert!(huge.contains("huge.safetensors: expected at most"), "{huge}");
    }
}
