//! The vocabularies that operators name for models, each file read once however many models share it.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use classifier::Vocabulary;

use super::provider::ProviderError;
use crate::config::Served;

/// Bytes of a file that holds a vocabulary. The largest of open models take half as much.
const MAX_FILE_BYTES: u64 = 64 * 1024 * 1024;

/// Files that may be named. Each takes some ten times its size in memory.
const MAX_FILES: usize = 32;

/// Those that were read so far.
#[derive(Default)]
pub(crate) struct Vocabularies {
    read: BTreeMap<PathBuf, Arc<Vocabulary>>,
}

impl Vocabularies {
    /// The vocabulary of a model that a provider serves, if the operator names it.
    pub(crate) fn of(&mut self, provider: &str, served: &Served) -> Result<Option<Arc<Vocabulary>>, ProviderError> {
        let Some(path) = &served.tokenizer_file else { return Ok(None) };
        // One file may be written in many ways. One that is not there is complained about below.
        let place = path.canonicalize().unwrap_or_else(|_| path.clone());
        if let Some(known) = self.read.get(&place) {
            return Ok(Some(Arc::clone(known)));
        }
        let vocabulary = match self.read.len() < MAX_FILES {
            true => read(path),
            false => Err(format!("expected at most {MAX_FILES} different files in all")),
        };
        let vocabulary = vocabulary.map(Arc::new).map_err(|complaint| ProviderError::Vocabulary {
            name: provider.to_owned(),
            model: served.model.to_string(),
            path: path.clone(),
            complaint,
        })?;
        self.read.insert(place, Arc::clone(&vocabulary));
        Ok(Some(vocabulary))
    }
}

fn read(path: &Path) -> Result<Vocabulary, String> {
    let file = File::open(path).map_err(|error| error.to_string())?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    match u64::try_from(bytes.len()) {
        Ok(0..=MAX_FILE_BYTES) => Vocabulary::from_json(&bytes).map_err(|error| error.to_string()),
        Ok(_) | Err(_) => Err(format!("expected at most {MAX_FILE_BYTES} bytes, found more")),
    }
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::path::Path;
    use std::sync::Arc;

    use decision::ModelId;

    use super::{MAX_FILE_BYTES, MAX_FILES, Vocabularies};
    use crate::config::Served;
    use crate::scratch::Scratch;

    const WORDS: &str = r#"{"version":"1.0","added_tokens":[],"normalizer":null,"pre_tokenizer":{"type":"Whitespace"},
        "post_processor":null,"decoder":null,"model":{"type":"WordLevel","vocab":{"?":0},"unk_token":"?"}}"#;

    fn served(model: &str, file: Option<&Path>) -> Served {
        Served {
            model: ModelId::new(model).unwrap(),
            upstream: model.to_owned(),
            weight: 1.0,
            prices: None,
            tokenizer_file: file.map(Path::to_owned),
        }
    }

    #[test]
    fn models_that_name_the_same_file_share_it() {
        let scratch = Scratch::new("vocabularies-shared");
        let file = scratch.write("words.json", WORDS);
        let mut vocabularies = Vocabularies::default();
        assert!(vocabularies.of("p", &served("plain", None)).unwrap().is_none());
        let one = vocabularies.of("p", &served("one", Some(&file))).unwrap().unwrap();
        let again = scratch.0.join(".").join("words.json");
        let other = vocabularies.of("q", &served("other", Some(&again))).unwrap().unwrap();
        assert!(Arc::ptr_eq(&one, &other));
    }

    #[test]
    fn a_file_that_holds_none_is_named_with_its_model() {
        let scratch = Scratch::new("vocabularies-bad");
        let long = scratch.0.join("long.json");
        File::create(&long).unwrap().set_len(MAX_FILE_BYTES + 1).unwrap();
        for (file, complaint) in [
            (scratch.0.join("none.json"), "No such file"),
            (scratch.0.clone(), "directory"),
            (scratch.write("list.json", "[1, 2]"), "expected a tokenizer in JSON"),
            (scratch.write("half.json", &WORDS[..90]), "expected a tokenizer in JSON"),
            (scratch.write("empty.json", &WORDS.replace("\"?\":0", "")), "expected ids for a letter"),
            (long, "expected at most 67108864 bytes, found more"),
        ] {
            let error =
                Vocabularies::default().of("p", &served("m", Some(&file))).expect_err("it holds none").to_string();
            let place = format!("provider `p`, model `m`, tokenizer_file {}: ", file.display());
            assert!(error.starts_with(&place) && error.contains(complaint), "{error}");
        }
    }

    #[test]
    fn there_are_so_many_files_and_no_more() {
        let scratch = Scratch::new("vocabularies-many");
        let mut vocabularies = Vocabularies::default();
        let mut of = |place: usize| {
            let file = scratch.write(&format!("{place}.json"), WORDS);
            vocabularies.of("p", &served("m", Some(&file))).map_err(|error| error.to_string())
        };
        assert!((0..MAX_FILES).all(|place| of(place).is_ok()));
        assert!(of(MAX_FILES).unwrap_err().ends_with("expected at most 32 different files in all"));
        assert!(of(0).is_ok(), "one that was read already");
    }
}
