//! Two connections that talk to each other, with random cuts between reads and random write sizes.

use pigato_frame::Frame;
use pigato_zmtp::{Connection, Input, SocketType};
use proptest::collection::vec;
use proptest::prelude::*;

const MOST_BYTES: usize = 1 << 20;
const MOST_FRAMES: usize = 64;

fn connection(kind: SocketType, identity: &str) -> Connection {
    Connection::new(kind, Frame::from(identity), MOST_BYTES, MOST_FRAMES)
}

/// Takes the next bytes that a side writes, at most `most`.
fn take(side: &mut Connection, most: usize) -> Vec<u8> {
    let outgoing = side.outgoing_mut();
    let mut slices = [std::io::IoSlice::new(&[]); 3];
    let count = outgoing.slices(&mut slices);
    let all: Vec<u8> = slices[..count].iter().flat_map(|slice| slice.iter().copied()).take(most).collect();
    assert!(outgoing.only_slice().is_none_or(|only| only[..all.len()] == all));
    outgoing.consume(all.len());
    all
}

/// What a side has received.
#[derive(Default)]
struct Received {
    frames: Vec<Frame>,
    identity: Option<Frame>,
    messages: Vec<Vec<Frame>>,
}

impl Received {
    fn receive(&mut self, side: &mut Connection, mut bytes: &[u8]) {
        while let Some(input) = side.decode(&mut bytes, &mut self.frames).expect("well-formed") {
            match input {
                Input::Ready(identity) => assert!(self.identity.replace(identity).is_none(), "reported once"),
                Input::Message => self.messages.push(std::mem::take(&mut self.frames)),
            }
        }
        assert!(bytes.is_empty());
    }
}

fn shake_hands(dealer: &mut Connection, router: &mut Connection) -> (Received, Received) {
    let (mut dealers, mut routers) = (Received::default(), Received::default());
    while !dealer.is_ready() || !router.is_ready() {
        let (to_router, to_dealer) = (take(dealer, usize::MAX), take(router, usize::MAX));
        assert!(!to_router.is_empty() || !to_dealer.is_empty(), "both sides wait for each other");
        routers.receive(router, &to_router);
        dealers.receive(dealer, &to_dealer);
    }
    (dealers, routers)
}

#[test]
fn each_side_learns_the_identity_of_the_other() {
    let (mut dealer, mut router) = (connection(SocketType::Dealer, "me"), connection(SocketType::Router, ""));
    let (dealers, routers) = shake_hands(&mut dealer, &mut router);
    assert_eq!(dealers.identity.as_deref(), Some(&b""[..]));
    assert_eq!(routers.identity.as_deref(), Some(&b"me"[..]));
}

#[test]
fn memory_of_written_bytes_is_freed() {
    let (mut dealer, mut router) = (connection(SocketType::Dealer, "me"), connection(SocketType::Router, ""));
    let (_, mut routers) = shake_hands(&mut dealer, &mut router);
    let left = take(&mut dealer, usize::MAX);
    routers.receive(&mut router, &left);
    for _ in 0..1_000 {
        dealer.send(&mut vec![Frame::from(vec![1; 500]), Frame::from(vec![2; 5_000])]);
    }
    assert_eq!(dealer.outgoing().messages(), 1_000);
    let most = dealer.outgoing().bytes();
    assert!(most > 5_500_000);
    while !dealer.outgoing().is_empty() {
        let bytes = take(&mut dealer, 100_000);
        routers.receive(&mut router, &bytes);
    }
    assert_eq!((dealer.outgoing().messages(), dealer.outgoing().bytes(), routers.messages.len()), (0, 0, 1_000));
}

fn frame() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0..100_usize, 250..260_usize, 2_040..2_060_usize, 60_000..140_000_usize];
    (length, any::<u8>()).prop_map(|(length, byte)| vec![byte; length])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn messages_arrive_as_they_were_sent(
        messages in vec(vec(frame(), 1..6), 1..12),
        cuts in vec(1..70_000_usize, 1..20),
        identity in "[a-z]{0,255}",
    ) {
        let (mut dealer, mut router) = (connection(SocketType::Dealer, &identity), connection(SocketType::Router, ""));
        let (mut dealers, mut routers) = (Received::default(), Received::default());
        let mut to_send = messages.clone().into_iter();
        let mut cuts = cuts.into_iter().cycle();
        for _ in 0..100_000 {
            if dealer.is_ready() {
                if let Some(message) = to_send.next() {
                    dealer.send(&mut message.into_iter().map(Frame::from).collect());
                }
            }
            let (to_router, to_dealer) = (take(&mut dealer, cuts.next().unwrap()), take(&mut router, cuts.next().unwrap()));
            if to_router.is_empty() && to_dealer.is_empty() && dealer.is_ready() && to_send.len() == 0 {
                break;
            }
            routers.receive(&mut router, &to_router);
            dealers.receive(&mut dealer, &to_dealer);
        }
        prop_assert_eq!(routers.identity.as_deref(), Some(identity.as_bytes()));
        let received: Vec<Vec<Vec<u8>>> =
            routers.messages.iter().map(|frames| frames.iter().map(|frame| frame.to_vec()).collect()).collect();
        prop_assert!(received == messages, "{} of {} messages", received.len(), messages.len());
    }
}
