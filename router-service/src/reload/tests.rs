//! A good snapshot is never lost to a bad one.

use super::{Fingerprint, Reloader};
use crate::config::Sources;
use crate::scratch::Scratch;

fn catalog(models: &[&str]) -> String {
    let model = |id: &&str| {
        format!("[[model]]\nid = \"{id}\"\ncontext_window = 1000\nusd_per_1m = {{ prompt = 1, completion = 1 }}\n")
    };
    models.iter().map(model).collect()
}

#[test]
fn a_changed_file_is_seen_and_a_bad_one_changes_nothing() {
    let scratch = Scratch::new("reload");
    let path = scratch.write("catalog.toml", &catalog(&["a"]));
    let sources = Sources { catalog: Some(path), ..Sources::default() };
    let (reloader, current) = Reloader::start(&sources, 1).unwrap();
    assert!(!reloader.changed());
    let taken = current.take();

    scratch.write("catalog.toml", &catalog(&["a", "b"]));
    assert!(reloader.changed());
    let mut announced = 0;
    reloader.reload(&current, |snapshot| announced = snapshot.catalog.models().len()).unwrap();
    assert_eq!((current.take().number, current.take().catalog.models().len(), announced), (1, 2, 2));
    assert_eq!(taken.catalog.models().len(), 1, "who took the old one keeps it");
    assert!(!reloader.changed() && reloader.fault().is_none());

    for (text, why) in [
        (catalog(&["a", "b", "c"])[..150].to_owned(), "catalog.toml: "),
        (catalog(&["a", "a"]), "listed twice"),
        ("[[modle]]".to_owned(), "the nearest known one is `model`"),
        (String::new(), "expected at least one model"),
    ] {
        scratch.write("catalog.toml", &text);
        let fault = reloader.reload(&current, |_| panic!("nothing new is announced")).unwrap_err();
        assert!(fault.contains(why), "expected {why:?} in {fault:?}");
        assert_eq!(reloader.fault(), Some(fault));
        assert_eq!(current.take().number, 1);
        assert!(!reloader.changed(), "the same bad file is not tried again and again");
    }

    scratch.write("catalog.toml", &catalog(&["a", "b", "c"]));
    reloader.reload(&current, |_| ()).unwrap();
    assert_eq!((current.take().number, reloader.fault()), (2, None));
}

#[test]
fn an_artifact_that_goes_bad_changes_nothing() {
    let scratch = Scratch::new("reload-artifact");
    let path = scratch.write("catalog.toml", &catalog(&["a"]));
    let mut sources = Sources { catalog: Some(path), ..Sources::default() };
    let (mut reloader, current) = Reloader::start(&sources, 1).unwrap();
    sources.artifact = Some(scratch.0.join("no-such-artifact"));
    reloader.sources = sources;
    assert!(reloader.reload(&current, |_| ()).unwrap_err().contains("no-such-artifact"));
    assert_eq!(current.take().number, 0);
}

#[test]
fn a_change_within_the_encoder_of_an_artifact_is_seen() {
    let scratch = Scratch::new("reload-encoder");
    std::fs::create_dir_all(scratch.0.join("artifact/encoder/1_Pooling")).unwrap();
    let sources = Sources { artifact: Some(scratch.0.join("artifact")), ..Sources::default() };
    let mut seen = Fingerprint::of(&sources);
    for file in ["artifact/encoder/encoder.json", "artifact/encoder/1_Pooling/config.json"] {
        for text in ["a", "longer"] {
            scratch.write(file, text);
            let now = Fingerprint::of(&sources);
            assert_ne!(now, seen, "{file}: {text}");
            seen = now;
        }
    }
}
