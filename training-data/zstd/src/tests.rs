//! What goes in comes out, and a broken frame is an error rather than a panic.

use std::io::Cursor;

use crate::bulk::{Compressor, Decompressor};
use crate::zstd_safe::{compress_bound, get_frame_content_size};

fn frame(bytes: &[u8]) -> Vec<u8> {
    let mut buffer = Vec::new();
    Compressor::new(1).unwrap().compress_to_buffer(bytes, &mut Cursor::new(&mut buffer)).unwrap();
    buffer
}

fn thawed(frame: &[u8], room: usize) -> std::io::Result<Vec<u8>> {
    let mut buffer = b"kept".to_vec();
    buffer.reserve_exact(room);
    let mut cursor = Cursor::new(&mut buffer);
    cursor.set_position(4);
    Decompressor::new().unwrap().decompress_to_buffer(frame, &mut cursor)?;
    assert_eq!(&buffer[..4], b"kept");
    Ok(buffer.split_off(4))
}

#[test]
fn what_goes_in_comes_out() {
    for bytes in [Vec::new(), b"points".to_vec(), b"abc".repeat(100_000), (0..=255).cycle().take(70_000).collect()] {
        let frame = frame(&bytes);
        assert!(frame.len() <= compress_bound(bytes.len()) + 32);
        assert_eq!(thawed(&frame, bytes.len()).unwrap(), bytes);
    }
}

#[test]
fn a_broken_frame_is_an_error() {
    let whole = frame(&b"the points are set ".repeat(50));
    for cut in 0..whole.len() {
        let _ = thawed(&whole[..cut], 2_000);
    }
    assert!(thawed(&whole[..whole.len() / 2], 2_000).is_err());
    assert!(thawed(b"not a frame at all", 2_000).is_err());
    assert!(get_frame_content_size(b"not a frame").is_err());
}

#[test]
fn a_frame_larger_than_the_room_is_refused() {
    assert!(thawed(&frame(&b"long ".repeat(10_000)), 100).is_err());
}
