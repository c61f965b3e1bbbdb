//! Puts an artifact into its folder: written beside its place, flushed, renamed. What stood there before is moved away only when the
//! new one is whole; a reader finds the old or the new, never a mixture.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use classifier::artifact::{ENCODER, MANIFEST, Parts, WEIGHTS};
use classifier::{Artifact, ArtifactError};

/// Why nothing was published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// A file or folder that cannot be written.
    #[error("{path}: {source}")]
    Write {
        /// Where.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// A folder that holds something else.
    #[error("{path}: expected an artifact or nothing at all, found other files, as `{found}`; name another folder")]
    Occupied {
        /// The folder.
        path: String,
        /// One of them.
        found: String,
    },
    /// What was written cannot be read again.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

/// Writes the artifact and returns its digest. `encoder` are the encoder's files, as name and contents.
pub fn publish(parts: &Parts, encoder: &[(String, Vec<u8>)], folder: &Path) -> Result<String, PublishError> {
    let failed = |path: &Path| {
        let path = path.display().to_string();
        move |source| PublishError::Write { path, source }
    };
    may_stand_at(folder)?;
    // A link stays one; what it leads to is replaced.
    let resolved = folder.canonicalize();
    let folder = resolved.as_deref().unwrap_or(folder);
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed(parent))?;
    let name = folder.file_name().map_or_else(|| "artifact".to_owned(), |name| name.to_string_lossy().into_owned());
    let staged = parent.join(format!(".{name}.{}.part", std::process::id()));
    let written = write_all(parts, encoder, &staged);
    let digest = written.and_then(|()| Ok(Artifact::read(&staged)?.digest().to_owned()));
    let digest = match digest {
        Ok(digest) => digest,
        Err(error) => {
            // Best effort: the error that matters is the first.
            let _ = fs::remove_dir_all(&staged);
            return Err(error);
        }
    };
    let old = parent.join(format!(".{name}.{}.old", std::process::id()));
    let had_old = folder.exists();
    if had_old {
        fs::rename(folder, &old).map_err(failed(folder))?;
    }
    if let Err(source) = fs::rename(&staged, folder) {
        if had_old {
            fs::rename(&old, folder).map_err(failed(folder))?;
        }
        return Err(failed(folder)(source));
    }
    if had_old {
        fs::remove_dir_all(&old).map_err(failed(&old))?;
    }
    Ok(digest)
}

/// Whether an artifact may be put there: where nothing is, into an empty folder, or in the place of another artifact. What else
/// lies in a folder is somebody's, and would be lost.
pub fn may_stand_at(folder: &Path) -> Result<(), PublishError> {
    if !folder.exists() {
        return Ok(());
    }
    let path = || folder.display().to_string();
    let entries = fs::read_dir(folder).map_err(|source| PublishError::Write { path: path(), source })?;
    let mut names: Vec<String> =
        entries.filter_map(Result::ok).map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    match names.into_iter().find(|name| ![MANIFEST, WEIGHTS, ENCODER].contains(&name.as_str())) {
        Some(found) => Err(PublishError::Occupied { path: path(), found }),
        None => Ok(()),
    }
}

fn write_all(parts: &Parts, encoder: &[(String, Vec<u8>)], staged: &Path) -> Result<(), PublishError> {
    let folder = staged.join(ENCODER);
    let write = |path: PathBuf, bytes: &[u8]| {
        // A BERT-family encoder has its pooling in a folder of its own.
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = made.and_then(|()| fs::write(&path, bytes)).and_then(|()| fs::File::open(&path)?.sync_all());
        written.map_err(|source| PublishError::Write { path: path.display().to_string(), source })
    };
    for (name, bytes) in parts.files()? {
        write(staged.join(name), &bytes)?;
    }
    for (name, bytes) in encoder {
        write(folder.join(name), bytes)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    //! What stands in the folder in the end.

    use classifier::Artifact;
    use classifier::artifact::built_in_encoder;

    use super::{PublishError, publish};

    #[test]
    fn an_encoder_comes_with_its_folders_and_strangers_are_left_alone() {
        let parent = std::env::temp_dir().join(format!("pointsman-publish-{}", std::process::id()));
        let mut encoder: Vec<(String, Vec<u8>)> =
            built_in_encoder().iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        encoder.push(("1_Pooling/config.json".to_owned(), b"{}".to_vec()));
        let parts = Artifact::built_in().expect("it is built in").into_parts();
        let folder = parent.join("artifact");
        let digest = publish(&parts, &encoder, &folder).unwrap();
        assert!(folder.join("encoder/1_Pooling/config.json").is_file());
        assert_eq!(Artifact::read(&folder).unwrap().digest(), digest);
        // Again over itself, and never over what is somebody else's.
        assert_eq!(publish(&parts, &encoder, &folder).unwrap(), digest);
        let strange = parent.join("strange");
        std::fs::create_dir_all(&strange).unwrap();
        std::fs::write(strange.join("letter.txt"), "mine").unwrap();
        assert!(matches!(publish(&parts, &encoder, &strange), Err(PublishError::Occupied { .. })));
        std::fs::write(folder.join("notes.md"), "mine").unwrap();
        let refused = publish(&parts, &encoder, &folder).unwrap_err().to_string();
        assert!(refused.contains("found other files, as `notes.md`"), "{refused}");
        std::fs::remove_file(folder.join("notes.md")).unwrap();
        let left = std::fs::read_dir(&parent).unwrap().count();
        std::fs::remove_dir_all(&parent).unwrap();
        assert_eq!(left, 2, "nothing half-written is left behind");
    }
}
