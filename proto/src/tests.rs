//! The numbers of the wire never change: a client of last year must be understood.

use prost::Message;

use crate::v1;

#[test]
fn the_wire_reads_what_it_wrote() {
    let request = v1::RouteRequest {
        input: Some(v1::route_request::Input::Prompt("Which lever?".to_owned())),
        needs: vec![v1::Skill::Tools.into()],
        limits: Some(v1::Limits { max_cost_usd: Some(0.01), ..v1::Limits::default() }),
        ..v1::RouteRequest::default()
    };
    assert_eq!(v1::RouteRequest::decode(request.encode_to_vec().as_slice()).unwrap(), request);
    // Pinned bytes: field 1 is the prompt, field 5 the needs, field 6 the limits with their cap in field 5.
    let bytes = [&[0x0a, 12][..], b"Which lever?", &[0x2a, 1, 1, 0x32, 9, 0x29], &0.01f64.to_le_bytes()].concat();
    assert_eq!(request.encode_to_vec(), bytes);
}
