//! Peers of other versions, and peers that do not speak ZMTP.

use pigato_frame::Frame;
use pigato_zmtp::{Connection, Input, ProtocolError, SocketType};

const SIGNATURE: [u8; 10] = [0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f];

fn router() -> Connection {
    Connection::new(SocketType::Router, Frame::default(), 1_000, 3)
}

fn greeting(minor: u8, mechanism: &[u8]) -> Vec<u8> {
    let mut greeting = SIGNATURE.to_vec();
    greeting.extend([3, minor]);
    greeting.extend(mechanism);
    greeting.resize(64, 0);
    greeting
}

fn command(name: &str, body: &[u8]) -> Vec<u8> {
    let mut command = vec![4, (1 + name.len() + body.len()) as u8, name.len() as u8];
    command.extend(name.as_bytes());
    command.extend(body);
    command
}

fn property(name: &str, value: &str) -> Vec<u8> {
    let mut property = vec![name.len() as u8];
    property.extend(name.as_bytes());
    property.extend((value.len() as u32).to_be_bytes());
    property.extend(value.as_bytes());
    property
}

fn ready(socket_type: &str, identity: &str) -> Vec<u8> {
    command("READY", &[property("Socket-Type", socket_type), property("Identity", identity)].concat())
}

/// Every input that the connection decodes from `bytes`.
fn receive(connection: &mut Connection, bytes: &[u8]) -> Result<Vec<Input>, ProtocolError> {
    let (mut bytes, mut frames, mut inputs) = (bytes, Vec::new(), Vec::new());
    while let Some(input) = connection.decode(&mut bytes, &mut frames)? {
        inputs.push(input);
    }
    Ok(inputs)
}

fn written(connection: &mut Connection) -> Vec<u8> {
    let all = connection.outgoing().only_slice().expect("the bytes are one slice").to_vec();
    connection.outgoing_mut().consume(all.len());
    all
}

/// A connection whose handshake is complete.
fn connected() -> Connection {
    let mut connection = router();
    let hello = [greeting(1, b"NULL"), ready("DEALER", "me")].concat();
    assert_eq!(receive(&mut connection, &hello), Ok(vec![Input::Ready(Frame::from("me"))]));
    written(&mut connection);
    connection
}

#[test]
fn zmtp_3_is_spoken_whatever_the_minor_version() {
    for minor in 0..3 {
        let mut connection = router();
        assert_eq!(written(&mut connection), [&SIGNATURE[..], &[3]].concat());
        assert_eq!(receive(&mut connection, &greeting(minor, b"NULL")), Ok(vec![]));
        let answer = written(&mut connection);
        assert_eq!(answer[..5], *b"\x01NULL");
        assert_eq!(answer[53..], ready("ROUTER", ""));
        assert_eq!(receive(&mut connection, &ready("REQ", "")), Ok(vec![Input::Ready(Frame::default())]));
    }
}

#[test]
fn the_case_of_a_propertys_name_does_not_matter() {
    let properties = [property("IDENTITY", "me"), property("socket-type", "DEALER")].concat();
    let hello = [greeting(1, b"NULL"), command("READY", &properties)].concat();
    assert_eq!(receive(&mut router(), &hello), Ok(vec![Input::Ready(Frame::from("me"))]));
}

#[test]
fn zmtp_2_is_spoken() {
    let mut connection = router();
    written(&mut connection);
    assert_eq!(receive(&mut connection, &[&SIGNATURE[..], &[1]].concat()), Ok(vec![]));
    assert_eq!(written(&mut connection), [6]);
    // A DEALER, its identity, and a message of two frames.
    let inputs = receive(&mut connection, b"\x05\x00\x02me\x01\x01a\x00\x01b");
    assert_eq!(inputs, Ok(vec![Input::Ready(Frame::from("me")), Input::Message]));
    assert_eq!(written(&mut connection), b"\x00\x00");
    connection.send(&mut vec![Frame::from("x")]);
    assert_eq!(written(&mut connection), b"\x00\x01x");
}

#[test]
fn an_invalid_or_unsupported_handshake_is_refused_at_once() {
    for (bytes, why) in [
        (b"GET / HTTP/1.1\r\n".to_vec(), ProtocolError::Version),
        // A peer of libzmq 2.
        (b"\x01\x00".to_vec(), ProtocolError::Version),
        ([&SIGNATURE[..], &[0]].concat(), ProtocolError::Version),
        ([&[0xff; 9][..], &[0x7e, 3]].concat(), ProtocolError::Version),
        (greeting(0, b"PLAIN"), ProtocolError::Mechanism),
        (greeting(0, b"NULLS"), ProtocolError::Mechanism),
        ([&SIGNATURE[..], &[1, 2]].concat(), ProtocolError::SocketType),
        ([greeting(1, b"NULL"), ready("SUB", "")].concat(), ProtocolError::SocketType),
        ([greeting(1, b"NULL"), command("READY", &property("Identity", "me"))].concat(), ProtocolError::SocketType),
        (
            [greeting(1, b"NULL"), command("READY", b"\x0bSocket-Type\x00\x00\x00\xffx")].concat(),
            ProtocolError::Command,
        ),
        ([greeting(1, b"NULL"), command("HELLO", b"")].concat(), ProtocolError::Command),
        ([greeting(1, b"NULL"), b"\x00\x01x".to_vec()].concat(), ProtocolError::Command),
        ([greeting(1, b"NULL"), b"\x04\x00".to_vec()].concat(), ProtocolError::Command),
        ([greeting(1, b"NULL"), b"\x06\x00\x00\x00\x00\x00\x01\x00\x00".to_vec()].concat(), ProtocolError::TooLong),
    ] {
        assert_eq!(receive(&mut router(), &bytes), Err(why), "{bytes:?}");
    }
}

#[test]
fn a_frame_that_is_too_long_is_refused_by_its_header() {
    assert_eq!(receive(&mut connected(), b"\x02\x00\x00\x00\x00\x00\x00\x03\xe8"), Ok(vec![]));
    assert_eq!(receive(&mut connected(), b"\x02\x00\x00\x00\x00\x00\x00\x03\xe9"), Err(ProtocolError::TooLong));
    assert_eq!(receive(&mut connected(), b"\x02\xff\xff\xff\xff\xff\xff\xff\xff"), Err(ProtocolError::TooLong));
}

#[test]
fn frames_beyond_the_limit_are_dropped() {
    let (mut connection, mut frames) = (connected(), Vec::new());
    let mut bytes: &[u8] = b"\x01\x01a\x01\x01b\x01\x01c\x01\x01d\x00\x01e\x00\x01f";
    assert_eq!(connection.decode(&mut bytes, &mut frames), Ok(Some(Input::Message)));
    assert_eq!(frames, ["a", "b", "c"]);
    assert_eq!(connection.decode(&mut bytes, &mut frames), Ok(Some(Input::Message)));
    assert_eq!(frames, ["f"]);
}

#[test]
fn a_ping_is_answered_even_in_the_middle_of_a_message() {
    let mut connection = connected();
    let bytes = [b"\x01\x01a".to_vec(), command("PING", b"\x00\x0acontext"), b"\x00\x01b".to_vec()].concat();
    assert_eq!(receive(&mut connection, &bytes), Ok(vec![Input::Message]));
    assert_eq!(written(&mut connection), command("PONG", b"context"));
    for malformed in [&b"\x00"[..], b"\x00\x0alonger than sixteen"] {
        assert_eq!(receive(&mut connected(), &command("PING", malformed)), Err(ProtocolError::Command));
    }
}

#[test]
fn a_peer_that_pings_and_does_not_read_gets_a_bounded_number_of_answers() {
    let mut connection = connected();
    let ping = command("PING", b"\x00\x0acontext");
    for _ in 0..100_000 {
        assert_eq!(receive(&mut connection, &ping), Ok(vec![]));
    }
    assert!(connection.outgoing().bytes() < 70_000, "{}", connection.outgoing().bytes());
}

#[test]
fn commands_and_messages_have_a_maximum_length() {
    assert_eq!(receive(&mut connected(), b"\x06\x00\x00\x00\x00\x00\x00\x20\x01"), Err(ProtocolError::TooLong));
    let frame = [&b"\x03\x00\x00\x00\x00\x00\x00\x03\xe8"[..], &[0; 1_000]].concat();
    assert_eq!(receive(&mut connected(), &frame.repeat(2)), Ok(vec![]));
    assert_eq!(receive(&mut connected(), &frame.repeat(3)), Err(ProtocolError::TooLong));
}

#[test]
fn an_unknown_command_is_ignored_and_an_error_command_ends_the_connection() {
    assert_eq!(receive(&mut connected(), &command("SUBSCRIBE", b"topic")), Ok(vec![]));
    assert_eq!(receive(&mut connected(), &command("ERROR", b"\x03why")), Err(ProtocolError::Command));
}
