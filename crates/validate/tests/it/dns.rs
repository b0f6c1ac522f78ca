//! The DNS adapter against a real server on 127.0.0.1, over UDP and TCP.

#![expect(clippy::unwrap_used, reason = "a test's panic is its report")]

use std::future::Future;
use std::net::SocketAddr;

use hickory_resolver::proto::op::{Message, OpCode, ResponseCode};
use hickory_resolver::proto::rr::rdata::{A, CNAME};
use hickory_resolver::proto::rr::{Name, RData, Record};
use pilot_core::plan::RecordType;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use validate::dns_adapter::NetworkDns;
use validate::ports::Dns;

const NAME: &str = "shop.example.test";

fn cname(target: &str) -> Record {
    Record::from_rdata(
        Name::from_ascii("shop.example.test.").unwrap(),
        5,
        RData::CNAME(CNAME(Name::from_ascii(target).unwrap())),
    )
}

fn address(owner: &str) -> Record {
    Record::from_rdata(Name::from_ascii(owner).unwrap(), 5, RData::A(A::new(192, 0, 2, 7)))
}

/// The answer to a query: these records, authoritative.
fn response(query: &[u8], answers: &[Record]) -> Message {
    let query = Message::from_vec(query).unwrap();
    let mut response = Message::response(query.metadata.id, OpCode::Query);
    response.metadata.authoritative = true;
    response.metadata.recursion_desired = query.metadata.recursion_desired;
    for asked in query.queries {
        response.add_query(asked);
    }
    for answer in answers {
        response.add_answer(answer.clone());
    }
    response
}

/// Answers every UDP query of a port with `respond` while `ask` asks.
async fn over_udp<T>(respond: impl Fn(&[u8]) -> Message, ask: impl AsyncFnOnce(SocketAddr) -> T) -> T {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = socket.local_addr().unwrap();
    serve_while(ask(server), async {
        let mut buffer = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            socket.send_to(&respond(&buffer[..length]).to_vec().unwrap(), from).await.unwrap();
        }
    })
    .await
}

/// Drives `serve`, which never ends by itself, for as long as `ask` takes.
async fn serve_while<T>(ask: impl Future<Output = T>, serve: impl Future<Output = ()>) -> T {
    tokio::select! {
        answer = ask => answer,
        () = serve => unreachable!("a server serves until it is dropped"),
    }
}

async fn ask(server: SocketAddr, record_type: RecordType) -> Result<Vec<String>, String> {
    NetworkDns.ask(Some(server), NAME, record_type).await
}

#[tokio::test]
async fn a_cname_is_told_as_it_stands() {
    let answer = over_udp(
        |query| response(query, &[cname("recovery-lb.example.test.")]),
        async |server| ask(server, RecordType::Cname).await,
    )
    .await;
    assert_eq!(answer, Ok(vec!["recovery-lb.example.test.".to_owned()]));
}

#[tokio::test]
async fn only_records_of_the_asked_type_count() {
    let records = [cname("recovery-lb.example.test."), address("recovery-lb.example.test.")];
    let answer = over_udp(|query| response(query, &records), async |server| ask(server, RecordType::A).await).await;
    assert_eq!(answer, Ok(vec!["192.0.2.7".to_owned()]));
}

#[tokio::test]
async fn a_change_is_seen_at_once_whatever_the_ttl() {
    let answers = std::cell::RefCell::new(vec!["recovery-lb.example.test.", "primary-lb.example.test."]);
    let respond = |query: &[u8]| response(query, &[cname(answers.borrow_mut().pop().unwrap())]);
    let seen = over_udp(respond, async |server| {
        [ask(server, RecordType::Cname).await.unwrap(), ask(server, RecordType::Cname).await.unwrap()]
    })
    .await;
    assert_eq!(seen, [["primary-lb.example.test."], ["recovery-lb.example.test."]]);
}

#[tokio::test]
async fn a_name_that_is_not_there_is_an_empty_answer() {
    let respond = |query: &[u8]| {
        let mut response = response(query, &[]);
        response.metadata.response_code = ResponseCode::NXDomain;
        response
    };
    let answer = over_udp(respond, async |server| ask(server, RecordType::Cname).await).await;
    assert_eq!(answer, Ok(Vec::new()));
}

#[tokio::test]
async fn a_server_that_is_not_there_is_an_error() {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let server = socket.local_addr().unwrap();
    drop(socket);
    assert!(ask(server, RecordType::Cname).await.is_err());
}

#[tokio::test]
async fn an_answer_that_does_not_fit_is_asked_for_over_tcp() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = listener.local_addr().unwrap();
    let socket = UdpSocket::bind(server).await.unwrap();
    let udp = async {
        let mut buffer = [0; 1500];
        loop {
            let (length, from) = socket.recv_from(&mut buffer).await.unwrap();
            let truncated = response(&buffer[..length], &[]).truncate();
            assert!(truncated.metadata.truncation);
            socket.send_to(&truncated.to_vec().unwrap(), from).await.unwrap();
        }
    };
    let tcp = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        loop {
            let length = stream.read_u16().await.unwrap();
            let mut query = vec![0; usize::from(length)];
            stream.read_exact(&mut query).await.unwrap();
            let whole = response(&query, &[cname("recovery-lb.example.test.")]).to_vec().unwrap();
            stream.write_u16(u16::try_from(whole.len()).unwrap()).await.unwrap();
            stream.write_all(&whole).await.unwrap();
        }
    };
    let both = async {
        tokio::join!(udp, tcp);
    };
    let answer = serve_while(ask(server, RecordType::Cname), both).await;
    assert_eq!(answer, Ok(vec!["recovery-lb.example.test.".to_owned()]));
}
