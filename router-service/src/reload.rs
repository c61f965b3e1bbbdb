//! Reading the sources anew: when a file changes, on SIGHUP, when an admin asks. A new snapshot is proved before it takes over;
//! one that fails leaves the old in place and the reason where operators look.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::config::Sources;
use crate::snapshot::{Current, Snapshot, SnapshotError};

/// Who asked for a reload: for logs and metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trigger {
    /// A source changed on the disk.
    FileChange,
    /// SIGHUP.
    Signal,
    /// The admin call.
    Admin,
}

impl Trigger {
    /// The word for it in logs and metrics.
    pub fn word(self) -> &'static str {
        match self {
            Self::FileChange => "file_change",
            Self::Signal => "signal",
            Self::Admin => "admin",
        }
    }
}

/// Makes new snapshots from the same sources.
#[derive(Debug)]
pub(crate) struct Reloader {
    sources: Sources,
    cache_mib: usize,
    state: Mutex<State>,
    /// One reload at a time; the state can be read meanwhile.
    turn: Mutex<()>,
}

#[derive(Debug)]
struct State {
    n_made: u64,
    seen: Fingerprint,
    fault: Option<String>,
}

impl Reloader {
    /// Reads the sources for the first time.
    pub(crate) fn start(sources: &Sources, cache_mib: usize) -> Result<(Self, Current), SnapshotError> {
        // Looked at before they are read: what changes in between is then noticed as a change.
        let seen = Fingerprint::of(sources);
        let snapshot = Snapshot::make(sources, cache_mib, 0)?;
        let state = Mutex::new(State { n_made: 1, seen, fault: None });
        Ok((Self { sources: sources.clone(), cache_mib, state, turn: Mutex::new(()) }, Current::new(snapshot)))
    }

    /// Reads the sources anew and puts them in use, or says why they stay as they were. Blocks: not for the runtime's threads.
    /// `announce` is told of the new snapshot just before it is in use.
    pub(crate) fn reload(&self, current: &Current, announce: impl FnOnce(&Snapshot)) -> Result<(), String> {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let seen = Fingerprint::of(&self.sources);
        let number = self.state().n_made;
        let made = Snapshot::make(&self.sources, self.cache_mib, number).map_err(|error| error.to_string());
        let mut state = self.state();
        state.seen = seen;
        match made {
            Ok(snapshot) => {
                state.n_made += 1;
                state.fault = None;
                announce(&snapshot);
                current.swap(snapshot);
                Ok(())
            }
            Err(fault) => {
                state.fault = Some(fault.clone());
                Err(fault)
            }
        }
    }

    /// Whether a source on the disk is not the one that was read last. Blocks.
    pub(crate) fn changed(&self) -> bool {
        let now = Fingerprint::of(&self.sources);
        self.state().seen != now
    }

    /// Why the last reload failed, while what is in use is older than what is on the disk.
    pub(crate) fn fault(&self) -> Option<String> {
        self.state().fault.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What tells one state of the sources from another without reading them.
#[derive(Debug, PartialEq, Eq)]
struct Fingerprint {
    files: BTreeMap<PathBuf, Option<(u64, SystemTime)>>,
}

impl Fingerprint {
    fn of(sources: &Sources) -> Self {
        let mut files = BTreeMap::new();
        for path in [&sources.catalog, &sources.policies, &sources.artifact].into_iter().flatten() {
            look_into(path, DEPTH, &mut files);
        }
        Self { files }
    }
}

/// Folders in folders: an artifact's encoder has one, and that may have one that says how it pools.
const DEPTH: usize = 3;

fn look_into(path: &Path, depth: usize, files: &mut BTreeMap<PathBuf, Option<(u64, SystemTime)>>) {
    files.insert(path.to_owned(), look(path));
    if depth > 0 {
        for entry in fs::read_dir(path).into_iter().flatten().flatten() {
            look_into(&entry.path(), depth - 1, files);
        }
    }
}

fn look(path: &Path) -> Option<(u64, SystemTime)> {
    let metadata = fs::metadata(path).ok()?;
    Some((metadata.len(), metadata.modified().ok()?))
}

#[cfg(test)]
mod tests;
