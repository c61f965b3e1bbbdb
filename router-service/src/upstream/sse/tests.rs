//! Streams good, bad and cut to pieces.

use std::mem;

use proptest::prelude::{Just, Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};

use super::{Event, Events, Garbled, MAX_EVENT_BYTES, MAX_LINE_BYTES};

/// What a whole stream gives: its events as far as they came, and how it ended.
type Outcome = (Vec<Event>, Result<(), Garbled>);

fn read<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Outcome {
    let (mut events, mut out) = (Events::default(), Vec::new());
    for piece in pieces {
        if let Err(garbled) = events.push(piece, &mut out) {
            return (out, Err(garbled));
        }
    }
    let end = events.end();
    (out, end)
}

/// Cuts bytes where the numbers say.
fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    cuts.sort_unstable();
    let mut from = 0;
    let mut pieces: Vec<&[u8]> = cuts.iter().map(|cut| &bytes[mem::replace(&mut from, *cut)..*cut]).collect();
    pieces.push(&bytes[from..]);
    pieces
}

/// Events as `name=text`, or the text alone, with a bar between them.
#[track_caller]
fn check(stream: impl AsRef<[u8]>, expected: &str, end: Result<(), Garbled>) {
    let (events, ended) = read([stream.as_ref()]);
    let shown = |event: &Event| match &event.name {
        Some(name) => format!("{name}={}", event.text),
        None => event.text.clone(),
    };
    assert_eq!(events.iter().map(shown).collect::<Vec<_>>().join("|"), expected);
    assert_eq!(ended, end);
    assert_eq!(read(stream.as_ref().chunks(1)), (events, ended), "byte by byte");
}

#[test]
fn lines_become_events() {
    check("", "", Ok(()));
    check("data: a\n\n", "a", Ok(()));
    check("data:a\n\ndata:  b \n\n", "a| b ", Ok(()));
    check("event: delta\ndata: {\"x\": 1}\n\n", "delta={\"x\": 1}", Ok(()));
    check("data: a\nevent: late\n\n", "late=a", Ok(()));
    check("event: one\nevent: two\ndata: a\n\ndata: b\n\n", "two=a|b", Ok(()));
    check("event:\ndata: a\n\n", "a", Ok(()));
    check("data: a\ndata: b\ndata\ndata: c\n\n", "a\nb\n\nc", Ok(()));
    check("data\n\n", "", Ok(()));
    check("id: 7\nretry: 10\nfoo: bar\nDATA: x\n data: y\n\n", "", Ok(()));
    check("data: a: b:c\n\n", "a: b:c", Ok(()));
    check("data: [DONE]\n\n", "[DONE]", Ok(()));
}

#[test]
fn an_event_without_data_lines_is_none_and_leaves_no_name_behind() {
    check("event: ping\n\ndata: a\n\n", "a", Ok(()));
    let (events, _) = read([&b"data:\n\n"[..]]);
    assert_eq!(events, [Event { name: None, text: String::new() }]);
}

#[test]
fn a_line_ends_in_any_of_the_three_ways() {
    check("data: a\r\n\r\ndata: b\r\n\r\n", "a|b", Ok(()));
    check("data: a\r\rdata: b\r\r", "a|b", Ok(()));
    check("data: a\n\r\ndata: b\r\n\ndata: c\r\n\r", "a|b|c", Ok(()));
    check("data: a\r\ndata: b\rdata: c\ndata: d\n\r", "a\nb\nc\nd", Ok(()));
}

#[test]
fn comments_and_empty_lines_are_nothing() {
    check(": keep-alive\n\n:\n\n\n\ndata: a\n: b\ndata: c\n\n", "a\nc", Ok(()));
}

#[test]
fn a_byte_order_mark_is_skipped_at_the_beginning_and_there_alone() {
    check("\u{feff}data: a\n\n\u{feff}data: b\n\n", "a", Ok(()));
    check("\u{feff}\u{feff}data: a\n\n", "", Ok(()));
    check("\u{feff}", "", Ok(()));
    check("\u{feff}\n", "", Ok(()));
    check(&b"\xef\xbb"[..], "", Err(Garbled::Cut));
}

#[test]
fn a_stream_that_ends_inside_an_event_was_cut() {
    check("data: a\n\ndata: b", "a", Err(Garbled::Cut));
    check("data: a\n\ndata: b\n", "a", Err(Garbled::Cut));
    check("data: a\n\nda", "a", Err(Garbled::Cut));
    // A name alone is no event, so nothing is missing.
    check("data: a\n\nevent: b\n", "a", Ok(()));
}

#[test]
fn what_is_no_utf_8_is_an_error_and_what_came_before_it_counts() {
    check(&b"data: a\n\ndata: \xff\n\ndata: b\n\n"[..], "a", Err(Garbled::NotUtf8));
    check(&b"data: a\n\n: \xc3\n\n"[..], "a", Err(Garbled::NotUtf8));
    check("data: \u{1f682}\u{e9}\n\n", "\u{1f682}\u{e9}", Ok(()));
}

#[test]
fn after_an_error_nothing_is_believed() {
    let (mut events, mut out) = (Events::default(), Vec::new());
    assert_eq!(events.push(b"data: \xff\n", &mut out), Err(Garbled::NotUtf8));
    assert_eq!(events.push(b"data: a\n\n", &mut out), Err(Garbled::NotUtf8));
    assert_eq!((out.len(), events.end()), (0, Err(Garbled::NotUtf8)));
}

#[test]
fn lines_and_events_have_a_length() {
    let line = |n: usize| format!("data: a\n\ndata: {}\n\n", "x".repeat(n - "data: ".len()));
    let (events, end) = read([line(MAX_LINE_BYTES).as_bytes()]);
    assert_eq!((events.len(), end), (2, Ok(())));
    for stream in [line(MAX_LINE_BYTES + 1), format!("data: a\n\n:{}", "x".repeat(MAX_LINE_BYTES))] {
        let (events, end) = read(stream.as_bytes().chunks(1000));
        assert_eq!((events.len(), end), (1, Err(Garbled::LineTooLong)));
    }
    // Four lines with three feeds between them fill an event; a fifth, even empty, is one feed too many.
    let full = "x".repeat(MAX_EVENT_BYTES / 4 - 6);
    let rest = "x".repeat(4 * 6 - 3);
    let event = format!("data:{full}\ndata:{full}\ndata:{full}\ndata:{full}\ndata:{}\n", &rest[1..]);
    let (events, end) = read([event.as_bytes(), b"\n"]);
    assert_eq!((events.len(), events[0].text.len(), end), (1, MAX_EVENT_BYTES, Ok(())));
    let (events, end) = read([event.as_bytes(), b"data\n\n"]);
    assert_eq!((events.len(), end), (0, Err(Garbled::EventTooLong)));
}

#[test]
fn debug_does_not_show_what_a_model_said() {
    let event = Event { name: Some("delta".to_owned()), text: "canary".to_owned() };
    assert_eq!(format!("{event:?}"), "Event(Some(\"delta\"), 6 bytes)");
}

/// Bytes of which streams are made, and others.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        Just("data:"),
        Just("data: "),
        Just("event: "),
        Just(":"),
        Just("\n"),
        Just("\r"),
        Just("\r\n"),
        Just("\n\n"),
        Just("\u{feff}"),
        Just("\u{1f682}"),
        Just("{\"a\": \"b\"}"),
        Just("id"),
    ];
    let word = word.prop_map(|word| word.as_bytes().to_vec());
    let byte = any::<u8>().prop_map(|byte| vec![byte]);
    prop::collection::vec(prop_oneof![20 => word, 1 => byte], 0..40).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn any_way_of_cutting_gives_the_same(bytes in stream(), cuts in prop::collection::vec(any::<usize>(), 0..12)) {
        prop_assert_eq!(read(pieces(&bytes, &cuts)), read([bytes.as_slice()]));
    }

    #[test]
    fn events_written_are_events_read(texts in prop::collection::vec("[^\r]{0,20}", 0..8), cuts in prop::collection::vec(any::<usize>(), 0..12), end in "\r|\n|\r\n") {
        let lines = |text: &String| text.split('\n').map(|line| format!("data: {line}{end}")).collect::<String>();
        let stream: String = texts.iter().map(|text| format!("event: e{end}{}{end}", lines(text))).collect();
        let (events, ended) = read(pieces(stream.as_bytes(), &cuts));
        prop_assert!(ended.is_ok());
        prop_assert!(events.iter().all(|event| event.name.as_deref() == Some("e")));
        prop_assert_eq!(events.into_iter().map(|event| event.text).collect::<Vec<_>>(), texts);
    }
}
