//! A file appears whole or not at all.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::Staged;
use crate::scratch::Scratch;

#[test]
fn a_file_appears_when_published() {
    let scratch = Scratch::new();
    let target = scratch.write("rows", "old");
    let mut staged = Staged::create(&target).unwrap();
    staged.write_all(b"new").unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"old");
    staged.publish().unwrap();
    assert_eq!(fs::read(&target).unwrap(), b"new");
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1);
}

#[test]
fn what_was_there_stays_when_the_writer_gives_up() {
    let scratch = Scratch::new();
    let target = scratch.write("rows", "old");
    let mut staged = Staged::create(&target).unwrap();
    staged.write_all(&[0; 1 << 20]).unwrap();
    drop(staged);
    assert_eq!(fs::read(&target).unwrap(), b"old");
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1);
}

#[test]
fn a_place_that_cannot_be_written_is_an_error() {
    let scratch = Scratch::new();
    assert!(Staged::create(&scratch.folder().join("no/such/folder/rows")).is_err());
    assert!(Staged::create(Path::new("/")).is_err());
    // A folder stands where the file should: nothing is lost, and nothing is left behind.
    fs::create_dir(scratch.folder().join("taken")).unwrap();
    Staged::create(&scratch.folder().join("taken")).unwrap_err();
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn a_link_is_followed_and_what_is_no_file_stays() {
    let scratch = Scratch::new();
    let folder = scratch.folder();
    fs::create_dir_all(folder.join("there")).unwrap();
    let (link, real) = (folder.join("link"), folder.join("there/real"));
    fs::write(&real, "old").unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let mut staged = Staged::create(&link).unwrap();
    staged.write_all(b"new").unwrap();
    staged.publish().unwrap();
    let (found, still_a_link) = (fs::read_to_string(&real).unwrap(), link.is_symlink());
    let refused = Staged::create(&folder.join("there")).unwrap_err().to_string();
    let device = Staged::create(Path::new("/dev/null")).unwrap_err().to_string();
    assert_eq!((found.as_str(), still_a_link), ("new", true));
    for complaint in [refused, device] {
        assert!(complaint.starts_with("expected a file or nothing at all"), "{complaint}");
    }
}
