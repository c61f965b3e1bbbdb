//! The trace a request belongs to, as the headers `traceparent` and `tracestate` of the W3C carry it (Trace Context, level 1, and
//! the random flag of level 2). What does not follow the standard to the letter starts a new trace: it must never fail a request.

use std::fmt::{self, Write};

/// Members that a `tracestate` may have, by the standard.
pub const MAX_TRACESTATE_MEMBERS: usize = 32;

/// Bytes of `tracestate` that are passed on. The standard asks for 512 at least.
pub const MAX_TRACESTATE_BYTES: usize = 4096;

const SAMPLED: u8 = 1;
const RANDOM: u8 = 2;

/// Where in which trace a piece of work stands.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
    state: String,
}

/// Why headers are no trace context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TraceError {
    /// No header, or more than one.
    #[error("expected one `traceparent`, found {found}")]
    HowMany {
        /// How many.
        found: usize,
    },
    /// A header of another form.
    #[error("expected `traceparent` as 00-<32 hexadecimal digits>-<16>-<2>, in lower case")]
    Form,
    /// The version that cannot be.
    #[error("expected a version of `traceparent` below ff")]
    Version,
    /// An id of nothing but zeros.
    #[error("expected ids in `traceparent` that are not all zeros")]
    Zeros,
}

impl TraceContext {
    /// Begins a trace. Sampled or not is decided by its id, so that all who see it decide alike.
    pub fn begin(sample_ratio: f64) -> Self {
        let trace_id = loop {
            let id = fastrand::u128(..).to_be_bytes();
            if id[..8] != [0; 8] && id[8..] != [0; 8] {
                break id;
            }
        };
        let mut context = Self { trace_id, span_id: new_span_id(), flags: RANDOM, state: String::new() };
        if context.falls_below(sample_ratio) {
            context.flags |= SAMPLED;
        }
        context
    }

    /// Reads the headers of a request: every value of `traceparent`, every value of `tracestate` in their order. A broken
    /// `tracestate` is dropped alone.
    pub fn from_headers<'a>(
        parents: impl IntoIterator<Item = &'a [u8]>,
        states: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Self, TraceError> {
        let mut parents = parents.into_iter();
        let parent = parents.next().ok_or(TraceError::HowMany { found: 0 })?;
        let more = parents.count();
        if more > 0 {
            return Err(TraceError::HowMany { found: 1 + more });
        }
        let mut context = parse_parent(parent)?;
        context.state = parse_states(states).unwrap_or_default();
        Ok(context)
    }

    /// A piece of work within this one: the same trace, a new span.
    #[must_use]
    pub fn child(&self) -> Self {
        Self { span_id: new_span_id(), ..self.clone() }
    }

    /// The value of the header `traceparent` for whoever is called from here.
    pub fn traceparent(&self) -> String {
        format!("00-{}-{}-{:02x}", Hex(&self.trace_id), Hex(&self.span_id), self.flags)
    }

    /// The value of the header `tracestate`, if there is any.
    pub fn tracestate(&self) -> Option<&str> {
        (!self.state.is_empty()).then_some(self.state.as_str())
    }

    /// Whether the trace is recorded.
    pub fn sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The trace.
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// The span within it.
    pub fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    fn falls_below(&self, ratio: f64) -> bool {
        let tail = self.trace_id[8..].try_into().map_or(0, u64::from_be_bytes);
        // Thirty-two bits are a number in 0..1 that a float holds exactly.
        let place = f64::from(u32::try_from(tail >> 32).unwrap_or(u32::MAX)) / 4_294_967_296.0;
        place < ratio
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.traceparent())
    }
}

/// An id that is not all zeros, as the standard asks.
pub(super) fn new_span_id() -> [u8; 8] {
    fastrand::u64(1..).to_be_bytes()
}

/// Bytes as hexadecimal digits.
pub(super) struct Hex<'a>(pub(super) &'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// The bytes that hexadecimal digits stand for, in lower case only.
pub(super) fn bytes<const N: usize>(digits: &[u8]) -> Option<[u8; N]> {
    let digit = |byte: u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'a'..=b'f' => Some(byte - b'a' + 10),
        _ => None,
    };
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Some(bytes)
}

fn parse_parent(header: &[u8]) -> Result<TraceContext, TraceError> {
    let header = header.trim_ascii();
    let part = |from: usize, to: usize| header.get(from..to).ok_or(TraceError::Form);
    let dash = |at: usize| if header.get(at) == Some(&b'-') { Ok(()) } else { Err(TraceError::Form) };
    let [version] = bytes::<1>(part(0, 2)?).ok_or(TraceError::Form)?;
    if version == 0xff {
        return Err(TraceError::Version);
    }
    [2, 35, 52].into_iter().try_for_each(dash)?;
    let trace_id = bytes(part(3, 35)?).ok_or(TraceError::Form)?;
    let span_id = bytes(part(36, 52)?).ok_or(TraceError::Form)?;
    let [flags] = bytes::<1>(part(53, 55)?).ok_or(TraceError::Form)?;
    // A later version may say more behind another dash; version 0 may not.
    match header.get(55) {
        None => {}
        Some(b'-') if version > 0 => {}
        Some(_) => return Err(TraceError::Form),
    }
    if trace_id == [0; 16] || span_id == [0; 8] {
        return Err(TraceError::Zeros);
    }
    Ok(TraceContext { trace_id, span_id, flags: flags & (SAMPLED | RANDOM), state: String::new() })
}

/// The members of all headers, joined again; none if any of them is not as the standard says.
fn parse_states<'a>(headers: impl IntoIterator<Item = &'a [u8]>) -> Option<String> {
    let mut state = String::new();
    let mut keys: Vec<&str> = Vec::new();
    for header in headers {
        let header = std::str::from_utf8(header).ok()?;
        for member in header.split(',').map(|member| member.trim_matches([' ', '\t'])) {
            if member.is_empty() {
                continue;
            }
            let (key, value) = member.split_once('=')?;
            if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == MAX_TRACESTATE_MEMBERS {
                return None;
            }
            keys.push(key);
            let comma = if state.is_empty() { "" } else { "," };
            // Writing to a text cannot fail.
            let _ = write!(state, "{comma}{key}={value}");
            if state.len() > MAX_TRACESTATE_BYTES {
                return None;
            }
        }
    }
    Some(state)
}

fn is_key(key: &str) -> bool {
    let within = |text: &str, first: fn(u8) -> bool, most: usize| {
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'_' | b'-' | b'*' | b'/');
        text.len() <= most && text.bytes().next().is_some_and(first) && text.bytes().all(plain)
    };
    let letter: fn(u8) -> bool = |byte| byte.is_ascii_lowercase();
    let letter_or_digit: fn(u8) -> bool = |byte| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    match key.split_once('@') {
        None => within(key, letter, 256),
        Some((tenant, system)) => within(tenant, letter_or_digit, 241) && within(system, letter, 14),
    }
}

fn is_value(value: &str) -> bool {
    let printable = |byte: u8| (0x20..=0x7e).contains(&byte) && byte != b',' && byte != b'=';
    (1..=256).contains(&value.len()) && value.bytes().all(printable) && !value.ends_with(' ')
}

#[cfg(test)]
mod tests;
