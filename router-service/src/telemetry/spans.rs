//! From `tracing` spans to spans of OpenTelemetry: a layer that notes what a span says, and hands it to the exporter's queue when
//! it closes. A span that bears `trace_id` and `span_id` belongs to the caller's trace; one inside it follows.

use std::fmt;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use super::trace_context::{TraceContext, bytes, new_span_id};
use crate::metrics::series::Series;

/// Attributes of one span; more are counted, not kept.
pub const MAX_ATTRIBUTES: usize = 16;

/// Bytes of one attribute; the rest is cut.
pub const MAX_ATTRIBUTE_BYTES: usize = 1024;

/// What an attribute says.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(String),
    Flag(bool),
    Whole(i64),
    Number(f64),
}

/// A span that is over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Span {
    pub(super) trace_id: [u8; 16],
    pub(super) span_id: [u8; 8],
    pub(super) parent_id: Option<[u8; 8]>,
    pub(super) name: String,
    /// Whether it answers a caller from outside.
    pub(super) serves: bool,
    pub(super) start_ns: u64,
    pub(super) end_ns: u64,
    pub(super) attributes: Vec<(&'static str, Value)>,
    pub(super) n_cut: u32,
    pub(super) failed: bool,
}

/// The layer.
pub(super) struct SpanLayer {
    pub(super) queue: SyncSender<Span>,
    pub(super) queue_full: Arc<Series>,
    pub(super) sample_ratio: f64,
}

/// What is known of an open span.
struct Open {
    span: Span,
    sampled: bool,
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for SpanLayer {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut notes = Notes::default();
        attributes.record(&mut notes);
        let parent = span.parent().and_then(|parent| {
            let extensions = parent.extensions();
            let open = extensions.get::<Open>()?;
            Some((open.span.trace_id, open.span.span_id, open.sampled))
        });
        let open = notes.open(attributes.metadata(), parent, self.sample_ratio);
        span.extensions_mut().insert(open);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut extensions = span.extensions_mut();
        let Some(open) = extensions.get_mut::<Open>() else { return };
        let mut notes = Notes::default();
        values.record(&mut notes);
        open.span.add(notes);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        let Some(mut open) = span.extensions_mut().remove::<Open>() else { return };
        if !open.sampled {
            return;
        }
        open.span.end_ns = now_ns();
        if self.queue.try_send(open.span).is_err() {
            self.queue_full.add(1);
        }
    }
}

impl Span {
    fn add(&mut self, notes: Notes) {
        self.failed |= notes.failed;
        self.n_cut += notes.n_cut;
        for (name, value) in notes.attributes {
            match self.attributes.iter().position(|(known, _)| *known == name) {
                Some(place) => self.attributes[place].1 = value,
                None if self.attributes.len() < MAX_ATTRIBUTES => self.attributes.push((name, value)),
                None => self.n_cut += 1,
            }
        }
    }
}

fn now_ns() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// What the fields of a span say. Those that place it in a trace are taken out.
#[derive(Default)]
struct Notes {
    trace_id: Option<[u8; 16]>,
    span_id: Option<[u8; 8]>,
    parent_id: Option<[u8; 8]>,
    sampled: Option<bool>,
    serves: bool,
    failed: bool,
    name: Option<String>,
    attributes: Vec<(&'static str, Value)>,
    n_cut: u32,
}

impl Notes {
    fn open(self, metadata: &Metadata<'_>, parent: Option<([u8; 16], [u8; 8], bool)>, sample_ratio: f64) -> Open {
        let (trace_id, parent_id, sampled) = match (self.trace_id, parent) {
            (Some(trace_id), _) => (trace_id, self.parent_id, self.sampled.unwrap_or(false)),
            (None, Some((trace_id, parent_id, sampled))) => (trace_id, Some(parent_id), sampled),
            (None, None) => {
                let begun = TraceContext::begin(sample_ratio);
                (begun.trace_id(), None, begun.sampled())
            }
        };
        let mut span = Span {
            trace_id,
            span_id: self.span_id.unwrap_or_else(new_span_id),
            parent_id,
            name: self.name.clone().unwrap_or_else(|| metadata.name().to_owned()),
            serves: self.serves,
            start_ns: now_ns(),
            end_ns: 0,
            attributes: Vec::new(),
            n_cut: 0,
            failed: false,
        };
        span.add(self);
        Open { span, sampled }
    }

    fn note(&mut self, field: &Field, value: Value) {
        match (field.name(), &value) {
            ("trace_id", Value::Text(digits)) => self.trace_id = bytes(digits.as_bytes()),
            ("span_id", Value::Text(digits)) => self.span_id = bytes(digits.as_bytes()),
            ("parent_span_id", Value::Text(digits)) => self.parent_id = bytes(digits.as_bytes()),
            ("sampled", Value::Flag(sampled)) => self.sampled = Some(*sampled),
            ("serves", Value::Flag(serves)) => self.serves = *serves,
            ("otel.name", Value::Text(name)) => self.name = Some(name.clone()),
            ("failed", Value::Flag(failed)) => self.failed = *failed,
            (name, _) if self.attributes.len() < MAX_ATTRIBUTES => self.attributes.push((name, value)),
            (_, _) => self.n_cut += 1,
        }
    }
}

impl Visit for Notes {
    fn record_str(&mut self, field: &Field, text: &str) {
        self.note(field, Value::Text(cut(text)));
    }

    fn record_bool(&mut self, field: &Field, flag: bool) {
        self.note(field, Value::Flag(flag));
    }

    fn record_i64(&mut self, field: &Field, whole: i64) {
        self.note(field, Value::Whole(whole));
    }

    fn record_u64(&mut self, field: &Field, whole: u64) {
        self.note(field, Value::Whole(i64::try_from(whole).unwrap_or(i64::MAX)));
    }

    fn record_f64(&mut self, field: &Field, number: f64) {
        self.note(field, Value::Number(number));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.note(field, Value::Text(cut(&format!("{value:?}"))));
    }
}

fn cut(text: &str) -> String {
    text[..text.floor_char_boundary(MAX_ATTRIBUTE_BYTES)].to_owned()
}
