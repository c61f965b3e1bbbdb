//! The messages of OTLP that we speak, with the field numbers of `opentelemetry/proto/trace/v1/trace.proto` 1.x. A field we never
//! fill is not here: an absent field and an unknown one are the same bytes.

use prost::Message;

use crate::telemetry::spans;

/// `ExportTraceServiceRequest`.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct Request {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::telemetry) resource_spans: Vec<ResourceSpans>,
}

/// The spans of one service.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    pub(in crate::telemetry) resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::telemetry) scope_spans: Vec<ScopeSpans>,
}

/// The service.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct Resource {
    #[prost(message, repeated, tag = "1")]
    pub(in crate::telemetry) attributes: Vec<KeyValue>,
}

/// The spans of one library.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    pub(in crate::telemetry) scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    pub(in crate::telemetry) spans: Vec<Span>,
}

/// The library.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct Scope {
    #[prost(string, tag = "1")]
    pub(in crate::telemetry) name: String,
    #[prost(string, tag = "2")]
    pub(in crate::telemetry) version: String,
}

/// One span.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct Span {
    #[prost(bytes = "vec", tag = "1")]
    pub(in crate::telemetry) trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    pub(in crate::telemetry) span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    pub(in crate::telemetry) parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    pub(in crate::telemetry) name: String,
    #[prost(int32, tag = "6")]
    pub(in crate::telemetry) kind: i32,
    #[prost(fixed64, tag = "7")]
    pub(in crate::telemetry) start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    pub(in crate::telemetry) end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    pub(in crate::telemetry) attributes: Vec<KeyValue>,
    #[prost(uint32, tag = "10")]
    pub(in crate::telemetry) dropped_attributes_count: u32,
    #[prost(message, optional, tag = "15")]
    pub(in crate::telemetry) status: Option<Status>,
}

/// How a span ended.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct Status {
    #[prost(int32, tag = "3")]
    pub(in crate::telemetry) code: i32,
}

/// An attribute.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct KeyValue {
    #[prost(string, tag = "1")]
    pub(in crate::telemetry) key: String,
    #[prost(message, optional, tag = "2")]
    pub(in crate::telemetry) value: Option<AnyValue>,
}

/// What an attribute says.
#[derive(Clone, PartialEq, Message)]
pub(in crate::telemetry) struct AnyValue {
    #[prost(oneof = "OneValue", tags = "1, 2, 3, 4")]
    pub(in crate::telemetry) value: Option<OneValue>,
}

/// One of the kinds of values.
#[derive(Clone, PartialEq, prost::Oneof)]
pub(in crate::telemetry) enum OneValue {
    #[prost(string, tag = "1")]
    Text(String),
    #[prost(bool, tag = "2")]
    Flag(bool),
    #[prost(int64, tag = "3")]
    Whole(i64),
    #[prost(double, tag = "4")]
    Number(f64),
}

/// `ExportTraceServiceResponse`.
#[derive(Clone, PartialEq, Message)]
struct Response {
    #[prost(message, optional, tag = "1")]
    partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, Message)]
struct PartialSuccess {
    #[prost(int64, tag = "1")]
    rejected_spans: i64,
}

const KIND_INTERNAL: i32 = 1;
const KIND_SERVER: i32 = 2;
const STATUS_ERROR: i32 = 2;

impl KeyValue {
    pub(in crate::telemetry) fn new(key: &str, value: &spans::Value) -> Self {
        let value = match value {
            spans::Value::Text(text) => OneValue::Text(text.clone()),
            spans::Value::Flag(flag) => OneValue::Flag(*flag),
            spans::Value::Whole(whole) => OneValue::Whole(*whole),
            spans::Value::Number(number) => OneValue::Number(*number),
        };
        Self { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
    }
}

impl From<&spans::Span> for Span {
    fn from(span: &spans::Span) -> Self {
        Self {
            trace_id: span.trace_id.to_vec(),
            span_id: span.span_id.to_vec(),
            parent_span_id: span.parent_id.map(Vec::from).unwrap_or_default(),
            name: span.name.clone(),
            kind: if span.serves { KIND_SERVER } else { KIND_INTERNAL },
            start_time_unix_nano: span.start_ns,
            end_time_unix_nano: span.end_ns,
            attributes: span.attributes.iter().map(|(key, value)| KeyValue::new(key, value)).collect(),
            dropped_attributes_count: span.n_cut,
            status: span.failed.then_some(Status { code: STATUS_ERROR }),
        }
    }
}

/// How many spans the collector says it did not take. An answer that cannot be read says nothing.
pub(in crate::telemetry) fn rejected(answer: &[u8]) -> u64 {
    let partial = Response::decode(answer).ok().and_then(|response| response.partial_success);
    partial.map_or(0, |partial| u64::try_from(partial.rejected_spans).unwrap_or(0))
}
