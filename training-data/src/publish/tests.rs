//! A file appears whole or not at all.

use std::fs;
use std::io::Write;

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
    assert!(Staged::create(std::path::Path::new("/")).is_err());
    // A folder stands where the file should: nothing is lost, and nothing is left behind.
    fs::create_dir(scratch.folder().join("taken")).unwrap();
    Staged::create(&scratch.folder().join("taken")).unwrap().publish().unwrap_err();
    assert_eq!(fs::read_dir(scratch.folder()).unwrap().count(), 1);
}
