//! The wire, `pointsman.v1`: messages and the service, made from `proto/pointsman/v1/router.proto`. The Rust in `gen/` is never
//! edited: change the `.proto`, then run `UPDATE_GENERATED=1 cargo test -p proto --test fresh`.

/// `pointsman.v1` as Rust.
#[expect(
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    clippy::large_enum_variant,
    clippy::too_many_lines,
    unused_qualifications,
    reason = "generated code has a style of its own"
)]
pub mod v1 {
    include!("gen/pointsman.v1.rs");
}

/// The description of the wire that server reflection hands out, so that clients need no `.proto` file.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!("gen/pointsman.v1.bin");

#[cfg(test)]
mod tests;
