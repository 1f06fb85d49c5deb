//! For each record: what is written is read, and read again from any prefix it is an error; keys
//! are written in the order of their bytes.

use super::msgpack::{Extent, Form, Reader, extent};
use super::sample::{Random, Sample};
use crate::codec::message as m;
use crate::limits::STREAM_PLAIN;
use crate::rpc as r;
use crate::serf::coordinate::Coordinate;
use crate::serf::message as s;

const FORMS: [Form; 4] = [Form::GOSSIP, Form::GOSSIP_OLD, Form::RPC, Form::RPC_OLD];

macro_rules! laws {
    ($($name:ident: $type:ty;)*) => {$(
        #[test]
        fn $name() {
            let sorted = <$type>::KEYS.is_sorted();
            assert!(sorted, "{:?}", <$type>::KEYS);
            let (mut keys, mut source) = (<$type>::KEYS.to_vec(), <$type>::SOURCE_KEYS.to_vec());
            keys.sort_unstable();
            source.sort_unstable();
            assert_eq!(keys, source);
            for seed in 0..64 {
                let random = &mut Random(seed);
                let record = <$type>::sample(random);
                let mut out = Vec::new();
                record.write(FORMS[usize::from(u8::sample(random) % 4)], &mut out);
                let mut reader = Reader::new(&out);
                assert_eq!(<$type>::read(&mut reader).as_ref(), Ok(&record));
                assert_eq!(reader.remaining(), 0);
                assert_eq!(extent(&out, STREAM_PLAIN), Ok(Extent::Whole(out.len())));
                let step = 1 + out.len() / 64;
                for end in (0..out.len()).step_by(step) {
                    assert!(<$type>::read(&mut Reader::new(&out[..end])).is_err());
                    let part = extent(&out[..end], STREAM_PLAIN);
                    assert!(matches!(part, Ok(Extent::AtLeast(n)) if n > end && n <= out.len()));
                }
                let mut flipped = out.clone();
                let place = usize::try_from(random.below(out.len() as u64)).unwrap();
                flipped[place] ^= 1 << random.below(8);
                if let Ok(other) = <$type>::read(&mut Reader::new(&flipped)) {
                    let mut out = Vec::new();
                    other.write(Form::GOSSIP, &mut out);
                    let again = <$type>::read(&mut Reader::new(&out));
                    assert_eq!(format!("{again:?}"), format!("{:?}", Ok::<_, ()>(other)));
                }
            }
        }
    )*};
}

laws! {
    ping: m::Ping;
    indirect_ping: m::IndirectPing;
    ack: m::Ack;
    nack: m::Nack;
    claim: m::Claim;
    alive: m::Alive;
    push_pull_header: m::PushPullHeader;
    node_state: m::NodeState;
    compressed: m::Compressed;
    user_header: m::UserHeader;
    failure: m::Failure;
    leave: s::Leave;
    join: s::Join;
    user_event: s::UserEvent;
    query: s::Query;
    query_response: s::QueryResponse;
    tag_filter: s::TagFilter;
    key_request: s::KeyRequest;
    key_response: s::KeyResponse;
    relay_header: s::RelayHeader;
    state: s::PushPullState;
    udp_addr: s::UdpAddr;
    events_at: s::EventsAt;
    past_event: s::PastEvent;
    member: s::Member;
    coordinate: Coordinate;
    rpc_request_header: r::RequestHeader;
    rpc_handshake: r::Handshake;
    rpc_auth: r::Auth;
    rpc_event: r::Event;
    rpc_force_leave: r::ForceLeave;
    rpc_join: r::Join;
    rpc_members_filtered: r::MembersFiltered;
    rpc_key: r::Key;
    rpc_stream: r::Stream;
    rpc_monitor: r::Monitor;
    rpc_stop: r::Stop;
    rpc_tags: r::Tags;
    rpc_query: r::Query;
    rpc_respond: r::Respond;
    rpc_node_name: r::NodeName;
    rpc_response_header: r::ResponseHeader;
    rpc_tagged: r::Tagged;
    rpc_member: r::Member;
    rpc_join_answer: r::JoinAnswer;
    rpc_members: r::MembersAnswer;
    rpc_keys: r::KeyAnswer;
    rpc_coordinate: r::CoordinateAnswer;
    rpc_log: r::LogRecord;
    rpc_member_event: r::MemberEvent;
    rpc_user_event: r::UserEvent;
    rpc_query_event: r::QueryEvent;
    rpc_query_record: r::QueryRecord;
}
