//! Stands in for the crate `zstd`: the few names that `parquet` uses of it, on top of the pure Rust `ruzstd`.
//! The crate `zstd` wraps a C library, which would need a C compiler on every machine that builds us, for the sake of
//! *reading* other people's Parquet files. It is put in place by `[patch.crates-io]` in the root manifest. Our own
//! files are written with snappy; compressing here works, but is not tuned.

/// One buffer in, one buffer out.
pub mod bulk {
    use std::io::{self, Cursor};
    use std::marker::PhantomData;

    use ruzstd::decoding::FrameDecoder;
    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    /// Turns bytes into one frame.
    #[derive(Debug)]
    pub struct Compressor<'dictionary> {
        dictionary: PhantomData<&'dictionary ()>,
    }

    impl Compressor<'static> {
        /// Every level is the fastest one: nothing of ours writes Zstandard.
        ///
        /// # Errors
        /// None; the signature is that of the crate it stands for.
        pub fn new(_level: i32) -> io::Result<Self> {
            Ok(Self { dictionary: PhantomData })
        }

        /// Writes the frame of `source` at the cursor's position.
        ///
        /// # Errors
        /// None; the buffer grows as needed.
        pub fn compress_to_buffer(&mut self, source: &[u8], target: &mut Cursor<&mut Vec<u8>>) -> io::Result<usize> {
            io::Write::write_all(target, &compress_to_vec(source, CompressionLevel::Fastest))?;
            Ok(source.len())
        }
    }

    /// Turns frames back into bytes. It keeps its tables from one page to the next.
    pub struct Decompressor<'dictionary> {
        decoder: FrameDecoder,
        dictionary: PhantomData<&'dictionary ()>,
    }

    impl Decompressor<'static> {
        /// A decompressor without a dictionary.
        ///
        /// # Errors
        /// None; the signature is that of the crate it stands for.
        pub fn new() -> io::Result<Self> {
            Ok(Self { decoder: FrameDecoder::new(), dictionary: PhantomData })
        }

        /// Appends what `source` holds, within the room that the caller has reserved in the target, so that a forged
        /// page cannot blow up memory.
        ///
        /// # Errors
        /// A frame that is broken, or larger than the room.
        pub fn decompress_to_buffer(&mut self, source: &[u8], target: &mut Cursor<&mut Vec<u8>>) -> io::Result<usize> {
            let start = usize::try_from(target.position()).map_err(io::Error::other)?;
            let buffer = target.get_mut();
            buffer.truncate(start);
            self.decoder.decode_all_to_vec(source, buffer).map_err(io::Error::other)?;
            let end = buffer.len();
            target.set_position(end as u64);
            Ok(end - start)
        }
    }
}

/// Facts about frames.
pub mod zstd_safe {
    use std::fmt;

    use ruzstd::decoding::FrameDecoder;

    /// The bytes do not open with a frame.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct ContentSizeError;

    impl fmt::Display for ContentSizeError {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("no frame header")
        }
    }

    impl std::error::Error for ContentSizeError {}

    /// The size that the header of a frame announces, if it announces one.
    ///
    /// # Errors
    /// The bytes do not open with a frame.
    pub fn get_frame_content_size(source: &[u8]) -> Result<Option<u64>, ContentSizeError> {
        let mut decoder = FrameDecoder::new();
        decoder.init(source).map_err(|_| ContentSizeError)?;
        Ok(Some(decoder.content_size()).filter(|size| *size > 0))
    }

    /// How large a frame of this many bytes can become: the bound of the format's reference implementation.
    #[must_use]
    pub fn compress_bound(size: usize) -> usize {
        const SMALL: usize = 128 << 10;
        let margin = if size < SMALL { (SMALL - size) >> 11 } else { 0 };
        size + (size >> 8) + margin
    }
}

#[cfg(test)]
mod tests;
