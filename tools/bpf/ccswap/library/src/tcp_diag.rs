// SPDX-License-Identifier: GPL-2.0-only

//! The TCP sockets of a network namespace, from the kernel's inet_diag.

use std::io;

use netlink_packet_core::{NLM_F_DUMP, NLM_F_REQUEST};
use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags,
};
use netlink_sys::Socket;
use netlink_sys::protocols::NETLINK_SOCK_DIAG;

use crate::error::{Error, Result};

/// A socket as inet_diag shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TcpSocket {
    /// Its own port.
    pub port: u16,
    /// The name of its congestion control. A socket that has ended and only
    /// waits has none any more.
    pub congestion: Option<String>,
    /// Its congestion window, in segments.
    pub cwnd: Option<u32>,
}

/// Lists the sockets, IPv4 and IPv6, of the calling thread's namespace.
///
/// # Errors
///
/// The kernel does not answer.
pub fn sockets() -> Result<Vec<TcpSocket>> {
    let mut sockets = Vec::new();
    for request in [request(AF_INET), request(AF_INET6)] {
        dump(request, &mut sockets).map_err(Error::Sockets)?;
    }
    Ok(sockets)
}

/// Asks for every socket of a family.
fn request(family: u8) -> NetlinkMessage<SockDiagMessage> {
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    let request = InetRequest {
        family,
        protocol: IPPROTO_TCP,
        extensions: ExtensionFlags::CONG | ExtensionFlags::INFO,
        states: StateFlags::all(),
        socket_id: if family == AF_INET { SocketId::new_v4() } else { SocketId::new_v6() },
    };
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    message
}

/// Sends the request and reads the answer to its end.
fn dump(request: NetlinkMessage<SockDiagMessage>, sockets: &mut Vec<TcpSocket>) -> io::Result<()> {
    let netlink = Socket::new(NETLINK_SOCK_DIAG)?;
    let mut bytes = vec![0; request.buffer_len()];
    request.serialize(&mut bytes);
    netlink.send(&bytes, 0)?;
    while !parse(&netlink.recv_from_full()?.0, sockets)? {}
    Ok(())
}

/// Reads one datagram of the answer; true if it is the last.
fn parse(mut datagram: &[u8], sockets: &mut Vec<TcpSocket>) -> io::Result<bool> {
    while !datagram.is_empty() {
        let message =
            NetlinkMessage::<SockDiagMessage>::deserialize(datagram).map_err(io::Error::other)?;
        match message.payload {
            NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(socket)) => {
                sockets.push(read(&socket));
            }
            NetlinkPayload::Done(_) => return Ok(true),
            NetlinkPayload::Error(error) => return Err(error.to_io()),
            _ => {}
        }
        // Messages are padded to four bytes, the last one perhaps not.
        let length = (message.header.length as usize).next_multiple_of(4);
        if length == 0 {
            return Err(io::Error::other("inet_diag sent a message without a length"));
        }
        datagram = datagram.get(length..).unwrap_or_default();
    }
    Ok(false)
}

/// Takes from an answer what is of interest here.
fn read(socket: &InetResponse) -> TcpSocket {
    let mut result =
        TcpSocket { port: socket.header.socket_id.source_port, congestion: None, cwnd: None };
    for attribute in &socket.nlas {
        match attribute {
            Nla::Congestion(name) => result.congestion = Some(name.clone()),
            Nla::TcpInfo(info) => result.cwnd = Some(info.snd_cwnd),
            _ => {}
        }
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    /// A netlink message: its header, and a payload padded to four bytes.
    fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend((16 + payload.len() as u32).to_ne_bytes());
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 10]);
        bytes.extend(payload);
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        bytes
    }

    /// What inet_diag says of an IPv4 socket at `port` with attributes.
    fn socket(port: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut payload = vec![AF_INET, 1, 0, 0];
        payload.extend(port.to_be_bytes());
        payload.resize(72, 0);
        for (kind, value) in attributes {
            payload.extend((4 + value.len() as u16).to_ne_bytes());
            payload.extend(kind.to_ne_bytes());
            payload.extend(*value);
            payload.resize(payload.len().next_multiple_of(4), 0);
        }
        message(20, &payload)
    }

    #[test]
    fn reads_names_windows_and_the_end() {
        // tcp_info of this kernel may be longer than what is known of it.
        let mut info = vec![0; 316];
        info[80..84].copy_from_slice(&42u32.to_ne_bytes());
        let mut datagram = socket(5001, &[(4, b"ccswap\0"), (2, &info)]);
        datagram.extend(socket(5002, &[]));

        let mut sockets = Vec::new();
        assert!(!parse(&datagram, &mut sockets).unwrap());
        assert!(parse(&message(3, &0u32.to_ne_bytes()), &mut sockets).unwrap());
        assert_eq!(
            sockets,
            [
                TcpSocket { port: 5001, congestion: Some("ccswap".into()), cwnd: Some(42) },
                TcpSocket { port: 5002, congestion: None, cwnd: None },
            ]
        );
    }

    #[test]
    fn an_error_or_a_torn_message_is_no_answer() {
        let mut sockets = Vec::new();
        let mut refusal = (-2i32).to_ne_bytes().to_vec();
        refusal.extend([0; 16]);
        assert!(parse(&message(2, &refusal), &mut sockets).is_err());
        let whole = socket(5001, &[]);
        assert!(parse(&whole[..40], &mut sockets).is_err());
        assert!(sockets.is_empty());
    }

    #[test]
    fn finds_a_listener_of_this_namespace() {
        for address in ["127.0.0.1:0", "[::1]:0"] {
            let Ok(listener) = TcpListener::bind(address) else {
                continue; // no IPv6 here
            };
            let port = listener.local_addr().unwrap().port();
            let sockets = sockets().unwrap();
            let own = sockets.iter().find(|socket| socket.port == port).expect(address);
            assert!(own.congestion.is_some(), "{own:?}");
        }
    }
}
