//! Taking a port, for streams and datagrams alike.

use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::net::{TcpListener, UdpSocket};

/// How often a port that the system chose for TCP is tried for UDP. Source: guess; with half of
/// the ports taken, all twenty tries fail once in a million.
const TRIES_MAX: usize = 20;

/// What is asked of the system as the size of the datagram socket's buffers. Source: guess;
/// 4 MiB holds 3,000 datagrams of one MTU. Linux caps it at `net.core.rmem_max`/`wmem_max`.
const BUFFER_BYTES: usize = 4 << 20;

/// Streams that wait to be accepted. Source: guess. Linux caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 256;

/// A TCP listener and a UDP socket on the same address and port.
#[derive(Debug)]
pub struct Bound {
    pub(crate) listener: TcpListener,
    pub(crate) socket: UdpSocket,
    local_addr: SocketAddr,
    buffers: [usize; 2],
}

impl Bound {
    /// The address, with the port that the system chose if 0 was asked for.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The bytes that the datagram socket's receive and send buffer got, as the system tells
    /// them: Linux counts its own overhead in and tells twice what was set. 0 if unknown.
    pub const fn buffer_bytes(&self) -> [usize; 2] {
        self.buffers
    }
}

/// An address could not be taken. Nothing is left open.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BindError {
    /// Somebody else has it.
    #[error(
        "port {port} ({protocol}) is in use by another process: stop it, or choose another \
         with --bind ADDR:PORT (0 lets the system choose)"
    )]
    InUse {
        /// The port.
        port: u16,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The system does not let this process take it.
    #[error(
        "no permission to take port {port} ({protocol}): ports below 1024 usually need the \
         capability CAP_NET_BIND_SERVICE; choose another with --bind ADDR:PORT"
    )]
    Denied {
        /// The port.
        port: u16,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// No interface of this host has the address.
    #[error(
        "{ip} is not an address of this host: choose one that is with --bind ADDR:PORT \
         (0.0.0.0 or [::] take all)"
    )]
    NotAvailable {
        /// The address.
        ip: IpAddr,
        /// What the system said.
        source: io::Error,
    },
    /// The system chose ports for TCP, none of which was free for UDP.
    #[error(
        "none of {TRIES_MAX} ports that the system chose was free for both tcp and udp: \
         choose one with --bind ADDR:PORT"
    )]
    NoPort {
        /// What the system said of the last.
        source: io::Error,
    },
    /// Anything else.
    #[error("cannot listen on {addr} ({protocol})")]
    Other {
        /// The address.
        addr: SocketAddr,
        /// `tcp` or `udp`.
        protocol: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl BindError {
    fn new(addr: SocketAddr, protocol: &'static str, source: io::Error) -> Self {
        let port = addr.port();
        let kind = source.kind();
        if kind == io::ErrorKind::AddrInUse {
            Self::InUse { port, protocol, source }
        } else if kind == io::ErrorKind::PermissionDenied {
            Self::Denied { port, protocol, source }
        } else if kind == io::ErrorKind::AddrNotAvailable {
            Self::NotAvailable { ip: addr.ip(), source }
        } else {
            Self::Other { addr, protocol, source }
        }
    }
}

/// Takes `addr` for streams, then for datagrams on the same port. Port 0 lets the system choose;
/// if its choice is taken for datagrams, another is tried, 20 times in all.
///
/// The wildcard `[::]` takes IPv4 too where the system allows it (`IPV6_V6ONLY` is cleared):
/// IPv4 peers then appear by their IPv4 addresses, never as `::ffff:a.b.c.d`. Any other IPv6
/// address takes IPv6 alone.
///
/// The datagram socket's buffers are enlarged to 4 MiB as far as the system allows, see
/// [`Bound::buffer_bytes`].
///
/// # Errors
/// See [`BindError`]; the texts name port and remedy.
///
/// # Panics
/// If called outside a tokio runtime with I/O enabled.
pub fn bind(addr: SocketAddr) -> Result<Bound, BindError> {
    let mut tries = 1;
    loop {
        let listener = listen(addr).map_err(|error| BindError::new(addr, "tcp", error))?;
        let local_addr =
            listener.local_addr().map_err(|error| BindError::new(addr, "tcp", error))?;
        match datagrams(local_addr) {
            Ok((socket, buffers)) => {
                return Ok(Bound { listener, socket, local_addr, buffers });
            }
            Err(error) if addr.port() == 0 && error.kind() == io::ErrorKind::AddrInUse => {
                if tries == TRIES_MAX {
                    return Err(BindError::NoPort { source: error });
                }
                tries += 1;
            }
            Err(error) => return Err(BindError::new(local_addr, "udp", error)),
        }
    }
}

fn open(addr: SocketAddr, kind: Type, protocol: Protocol) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), kind, Some(protocol))?;
    socket.set_nonblocking(true)?;
    if addr.is_ipv6() {
        let only_v6 = !addr.ip().is_unspecified();
        // A host without IPv4 refuses to share; then there is nothing to share either.
        if let Err(error) = socket.set_only_v6(only_v6) {
            tracing::debug!(%error, only_v6, "IPV6_V6ONLY left as it is");
        }
    }
    Ok(socket)
}

fn listen(addr: SocketAddr) -> io::Result<TcpListener> {
    let socket = open(addr, Type::STREAM, Protocol::TCP)?;
    // Elsewhere than on Unix the option lets two processes listen on one port.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&addr.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

fn datagrams(addr: SocketAddr) -> io::Result<(UdpSocket, [usize; 2])> {
    let socket = open(addr, Type::DGRAM, Protocol::UDP)?;
    for enlarged in
        [socket.set_recv_buffer_size(BUFFER_BYTES), socket.set_send_buffer_size(BUFFER_BYTES)]
    {
        if let Err(error) = enlarged {
            tracing::debug!(%error, "datagram buffer left as it is");
        }
    }
    socket.bind(&addr.into())?;
    let buffers = [
        socket.recv_buffer_size().unwrap_or_default(),
        socket.send_buffer_size().unwrap_or_default(),
    ];
    Ok((UdpSocket::from_std(socket.into())?, buffers))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error;

    #[tokio::test]
    async fn the_system_chooses_one_port_for_both() {
        let bound = bind("127.0.0.1:0".parse().unwrap()).unwrap();
        assert_ne!(bound.local_addr().port(), 0);
        assert_eq!(bound.listener.local_addr().unwrap(), bound.local_addr());
        assert_eq!(bound.socket.local_addr().unwrap(), bound.local_addr());
        assert!(bound.buffer_bytes().iter().all(|bytes| *bytes > 0));
    }

    #[tokio::test]
    async fn a_port_in_use_is_named_with_its_remedy() {
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let addr = udp.local_addr().unwrap();
        let error = bind(addr).unwrap_err();
        let remedy = "is in use by another process: stop it, or choose another with \
                      --bind ADDR:PORT (0 lets the system choose)";
        assert_eq!(error.to_string(), format!("port {} (udp) {remedy}", addr.port()));
        assert!(error.source().is_some());
        drop(udp);
        let bound = bind(addr).unwrap();
        let error = bind(addr).unwrap_err();
        assert_eq!(error.to_string(), format!("port {} (tcp) {remedy}", addr.port()));
        drop(bound);
    }

    #[tokio::test]
    async fn an_address_of_another_host_is_named() {
        // 192.0.2.0/24 is for documentation (RFC 5737): no host has it.
        let error = bind("192.0.2.1:0".parse().unwrap()).unwrap_err();
        assert!(matches!(error, BindError::NotAvailable { .. }), "{error:?}");
        assert!(error.to_string().starts_with("192.0.2.1 is not an address of this host: "));
    }

    #[test]
    fn a_refusal_names_the_port() {
        let addr = "127.0.0.1:80".parse().unwrap();
        let error = BindError::new(addr, "tcp", io::ErrorKind::PermissionDenied.into());
        assert!(error.to_string().starts_with("no permission to take port 80 (tcp): "));
    }
}
