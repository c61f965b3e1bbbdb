//! Finds the files of the house. Where git is at hand its list is taken, so that build outputs and local notes stay
//! out; a source archive without git is walked instead.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tests::tidiness::HouseFile;

/// The root of the workspace.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests package lies in a folder of the root").to_owned()
}

/// Every file of the house, ordered by path.
pub(crate) fn files() -> Vec<HouseFile> {
    let root = root();
    let mut paths = tracked(&root).unwrap_or_else(|| walked(&root));
    paths.sort();
    assert!(paths.len() > 20, "found only {} files below {}", paths.len(), root.display());
    paths
        .into_iter()
        .filter_map(|path| {
            let bytes = fs::read(root.join(&path)).ok()?; // Deleted but still tracked: nothing to judge.
            Some(HouseFile { path, bytes: bytes.len() as u64, text: String::from_utf8(bytes).ok() })
        })
        .collect()
}

fn tracked(root: &Path) -> Option<Vec<String>> {
    let listing = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
        .current_dir(root)
        .output()
        .ok()
        .filter(|output| output.status.success() && !output.stdout.is_empty())?;
    let listing = String::from_utf8(listing.stdout).ok()?;
    Some(listing.split_terminator('\0').map(str::to_owned).collect())
}

fn walked(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("a folder of the house is readable").flatten() {
            let path = entry.path();
            let name = entry.file_name();
            if name == "target" || name == ".git" {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(inside) = path.strip_prefix(root) {
                found.push(inside.to_string_lossy().replace('\\', "/"));
            }
        }
    }
    found
}
