//! Puts an artifact into its folder: written beside its place, flushed, renamed. What stood there before is moved away only when the
//! new one is whole, and deleted only when that is in its place for good. A reader finds the old or the new, or for a moment none,
//! never a mixture. Whoever is killed in that moment leaves the old one beside its place, from where the next one brings it back.

use std::fs;
use std::io;
use std::path::Path;

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
    let old = parent.join(format!(".{name}.{}.old", std::process::id()));
    tidy(folder, &staged, &old).map_err(failed(folder))?;
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
    let had_old = folder.exists();
    if let Err(source) = if had_old { fs::rename(folder, &old) } else { Ok(()) } {
        let _ = fs::remove_dir_all(&staged);
        return Err(failed(folder)(source));
    }
    if let Err(source) = fs::rename(&staged, folder) {
        let _ = fs::remove_dir_all(&staged);
        if had_old {
            fs::rename(&old, folder).map_err(failed(folder))?;
        }
        return Err(failed(folder)(source));
    }
    // The renames lie in the folder around it.
    sync(parent).map_err(failed(parent))?;
    if had_old {
        fs::remove_dir_all(&old).map_err(failed(&old))?;
    }
    Ok(digest)
}

/// Clears away what a process of the same number left when it was killed; in a container that may be every one.
fn tidy(folder: &Path, staged: &Path, old: &Path) -> io::Result<()> {
    if staged.exists() {
        fs::remove_dir_all(staged)?;
    }
    match (old.exists(), folder.exists()) {
        (true, true) => fs::remove_dir_all(old),
        (true, false) => fs::rename(old, folder),
        (false, _) => Ok(()),
    }
}

/// Brings the entries of a folder to the disk. Not every system can open one.
fn sync(folder: &Path) -> io::Result<()> {
    fs::File::open(folder).map_or(Ok(()), |folder| folder.sync_all())
}

/// Whether an artifact may be put there: where nothing is, into an empty folder, or in the place of another artifact. What else
/// lies in a folder is somebody's, and would be lost: so would an encoder that lies there alone.
pub fn may_stand_at(folder: &Path) -> Result<(), PublishError> {
    // What a link leads to is replaced.
    can_be_written_beside(folder.canonicalize().as_deref().unwrap_or(folder))?;
    if !folder.exists() {
        return Ok(());
    }
    let occupied = |found: &str| PublishError::Occupied { path: folder.display().to_string(), found: found.to_owned() };
    let names = names_in(folder)?;
    let own = |name: &str| [MANIFEST, WEIGHTS, ENCODER].contains(&name);
    if let Some(found) = names.iter().find(|name| !own(name)) {
        return Err(occupied(found));
    }
    match names.first() {
        // Without a manifest it is no artifact.
        Some(found) if !names.iter().any(|name| name == MANIFEST) => Err(occupied(found)),
        Some(_) if names.iter().any(|name| name == ENCODER) => {
            let encoder = folder.join(ENCODER);
            let strange = names_in(&encoder)?.into_iter().find(|name| !is_of_encoder(&encoder.join(name)));
            strange.map_or(Ok(()), |found| Err(occupied(&format!("{ENCODER}/{found}"))))
        }
        _ => Ok(()),
    }
}

/// Tries it: a folder beside that place, or where its own folder will have to be made, which is gone again at once.
fn can_be_written_beside(folder: &Path) -> Result<(), PublishError> {
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = absolute.ancestors().skip(1).find(|above| above.exists()).unwrap_or(Path::new("."));
    let trial = there.join(format!(".pointsman.{}.part", std::process::id()));
    let tried = match fs::create_dir(&trial) {
        // Left behind by another one, which could write there.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        tried => tried.and_then(|()| fs::remove_dir(&trial)),
    };
    tried.map_err(|source| PublishError::Write { path: folder.display().to_string(), source })
}

/// Whether it is what an artifact has of an encoder: descriptions, weights, and folders that say how it pools.
fn is_of_encoder(path: &Path) -> bool {
    let of_kind = |kind: &str| path.extension().is_some_and(|extension| extension == kind);
    if path.is_dir() {
        names_in(path).is_ok_and(|names| names.iter().all(|name| name == "config.json"))
    } else {
        of_kind("json") || of_kind("safetensors")
    }
}

/// In their order.
fn names_in(folder: &Path) -> Result<Vec<String>, PublishError> {
    let path = || folder.display().to_string();
    let entries = fs::read_dir(folder).map_err(|source| PublishError::Write { path: path(), source })?;
    let name = |entry: io::Result<fs::DirEntry>| Ok(entry?.file_name().to_string_lossy().into_owned());
    let names = entries.map(name).collect::<io::Result<Vec<String>>>();
    let mut names = names.map_err(|source| PublishError::Write { path: path(), source })?;
    names.sort();
    Ok(names)
}

fn write_all(parts: &Parts, encoder: &[(String, Vec<u8>)], staged: &Path) -> Result<(), PublishError> {
    for (name, bytes) in parts.files(encoder)? {
        let path = staged.join(name);
        // An encoder has a folder, and one of the BERT family its pooling in another.
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let written = made.and_then(|()| fs::write(&path, bytes)).and_then(|()| fs::File::open(&path)?.sync_all());
        let written = written.and_then(|()| path.parent().map_or(Ok(()), sync));
        written.map_err(|source| PublishError::Write { path: path.display().to_string(), source })?;
    }
    sync(staged).map_err(|source| PublishError::Write { path: staged.display().to_string(), source })
}

#[cfg(test)]
mod tests {
    //! What stands in the folder in the end.

    use classifier::Artifact;
    use classifier::artifact::built_in_encoder;

    use super::{PublishError, publish};

    #[test]
    fn what_somebody_left_who_was_killed_is_in_nobodys_way() {
        let parent = std::env::temp_dir().join(format!("pointsman-publish-killed-{}", std::process::id()));
        let encoder: Vec<(String, Vec<u8>)> =
            built_in_encoder().iter().map(|(name, bytes)| ((*name).to_owned(), bytes.to_vec())).collect();
        let parts = Artifact::built_in().expect("it is built in").into_parts();
        let folder = parent.join("artifact");
        let left = |kind: &str| parent.join(format!(".artifact.{}.{kind}", std::process::id()));
        let digest = publish(&parts, &encoder, &folder).unwrap();
        // Killed while it wrote, and between the two renames: nothing stands in the place.
        std::fs::create_dir(left("part")).unwrap();
        std::fs::write(left("part").join("notes.txt"), "half").unwrap();
        std::fs::rename(&folder, left("old")).unwrap();
        assert_eq!(publish(&parts, &encoder, &folder).unwrap(), digest);
        // Killed before it deleted.
        std::fs::create_dir(left("old")).unwrap();
        std::fs::write(left("old").join("manifest.json"), "old").unwrap();
        assert_eq!(publish(&parts, &encoder, &folder).unwrap(), digest);
        let n_left = std::fs::read_dir(&parent).unwrap().count();
        let read = Artifact::read(&folder).map(|artifact| artifact.digest().to_owned());
        std::fs::remove_dir_all(&parent).unwrap();
        assert_eq!((n_left, read.unwrap()), (1, digest));
    }

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
        // What lies beside an artifact's encoder is somebody's, and so is an encoder that lies alone.
        std::fs::write(folder.join("encoder/vocab.txt"), "mine").unwrap();
        let refused = publish(&parts, &encoder, &folder).unwrap_err().to_string();
        assert!(refused.contains("found other files, as `encoder/vocab.txt`"), "{refused}");
        std::fs::remove_file(folder.join("encoder/vocab.txt")).unwrap();
        std::fs::remove_file(folder.join("manifest.json")).unwrap();
        std::fs::remove_file(folder.join("weights.safetensors")).unwrap();
        let refused = publish(&parts, &encoder, &folder).unwrap_err().to_string();
        assert!(refused.contains("found other files, as `encoder`"), "{refused}");
        // Below a file nothing can be written, and that is known before anything is made.
        let below = super::may_stand_at(&strange.join("letter.txt/artifact")).unwrap_err().to_string();
        assert!(below.contains("letter.txt/artifact: "), "{below}");
        let left = std::fs::read_dir(&parent).unwrap().count();
        std::fs::remove_dir_all(&parent).unwrap();
        assert_eq!(left, 2, "nothing half-written is left behind");
    }
}
