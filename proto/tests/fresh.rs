//! The generated code is fresh and every field is explained. A test of its own, apart from those that use the generated code,
//! so that it can make that code anew when the `.proto` file has moved on.

use std::fs;
use std::path::{Path, PathBuf};

use prost::Message;

const PACKAGE: &str = env!("CARGO_MANIFEST_DIR");

fn descriptors() -> tonic_prost_build::FileDescriptorSet {
    protox::compile(["pointsman/v1/router.proto"], [PACKAGE]).expect("the .proto file can be read")
}

/// What the generator makes of the `.proto` file, by the name of the file in `gen/`.
fn generated() -> Vec<(&'static str, Vec<u8>)> {
    let folder = Scratch::new();
    let files = descriptors();
    tonic_prost_build::configure()
        .build_transport(false)
        .out_dir(&folder.0)
        .compile_fds(files.clone())
        .expect("the descriptors make a service");
    let code = fs::read(folder.0.join("pointsman.v1.rs")).expect("the generator wrote it");
    let mut plain = files;
    plain.file.iter_mut().for_each(|file| file.source_code_info = None);
    vec![("pointsman.v1.rs", code), ("pointsman.v1.bin", plain.encode_to_vec())]
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "whoever changes the .proto file says by the environment that gen/ is to follow"
)]
fn the_generated_code_is_fresh() {
    let folder = Path::new(PACKAGE).join("src/gen");
    for (name, fresh) in generated() {
        let path = folder.join(name);
        if std::env::var_os("UPDATE_GENERATED").is_some() {
            fs::write(&path, &fresh).expect("gen/ can be written to");
        }
        let found = fs::read(&path).unwrap_or_default();
        assert!(found == fresh, "gen/{name} is stale: run UPDATE_GENERATED=1 cargo test -p proto --test fresh");
    }
}

#[test]
fn every_message_field_value_and_call_is_explained() {
    let text = fs::read_to_string(Path::new(PACKAGE).join("pointsman/v1/router.proto")).unwrap();
    let lines: Vec<&str> = text.lines().map(str::trim).collect();
    for (index, line) in lines.iter().enumerate() {
        let names_something =
            ["message ", "enum ", "service ", "rpc ", "oneof "].iter().any(|word| line.starts_with(word))
                || (line.contains(" = ") && line.ends_with(';') && !line.starts_with("syntax"));
        if names_something {
            assert!(index > 0 && lines[index - 1].starts_with("//"), "line {}: `{line}` is not explained", index + 1);
        }
    }
}

struct Scratch(PathBuf);

impl Scratch {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("pointsman-proto-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("the folder for temporary files can be written to");
        Self(folder)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
