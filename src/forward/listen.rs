//! How are connections accepted on this machine? On TCP ports, on the loopback or other addresses, and on Unix sockets.
//!
//! Main types: [`Listener`], [`Local`]. A port without an address follows the rule of `channel_fwd_bind_addr` in
//! OpenSSH's `channels.c`.

use std::io;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream, lookup_host};

use super::spec::ForwardAddress;

/// The options for listening on ports and sockets of this machine.
#[derive(Debug, Clone)]
pub struct Listening {
    /// `GatewayPorts`: a port without an address accepts connections from other machines too.
    pub gateway_ports: bool,
    /// `StreamLocalBindMask`: the mode bits that a socket must not have.
    pub mask: u32,
    /// `StreamLocalBindUnlink`: whether an existing socket is removed first.
    pub unlink: bool,
}

impl Default for Listening {
    fn default() -> Self {
        Listening { gateway_ports: false, mask: 0o177, unlink: false }
    }
}

/// A listener on a port or path. Dropping it closes its sockets and removes its path.
pub struct Listener {
    sockets: Vec<Socket>,
    path: Option<PathBuf>,
}

enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The two halves of a local connection, and its origin.
pub struct Local {
    /// The half to read from.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// The half to write to.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The peer's address and port, as reported to the far side.
    pub from: (String, u16),
}

impl Listener {
    /// Listens on `place`; at least one of its addresses must be free.
    pub async fn open(place: &ForwardAddress, listening: &Listening) -> io::Result<Listener> {
        let (host, port) = match place {
            ForwardAddress::Path(path) => return at_path(path, listening),
            ForwardAddress::Port(host, port) => (host.as_deref(), *port),
        };
        let (mut sockets, mut problem) = (Vec::new(), io::Error::from(io::ErrorKind::AddrNotAvailable));
        for address in addresses(host, listening) {
            match bind(address, port).await {
                Ok(bound) => sockets.extend(bound),
                Err(error) => problem = error,
            }
        }
        match sockets.is_empty() {
            true => Err(problem),
            false => Ok(Listener { sockets, path: None }),
        }
    }

    /// The next connection.
    pub async fn accept(&self) -> io::Result<Local> {
        let accepting = self.sockets.iter().map(|socket| Box::pin(accept(socket)));
        first(accepting.collect()).await
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            let _ = std::fs::remove_file(path); // someone else may have removed it
        }
    }
}

/// Polls all futures and returns the output of the first that is ready.
async fn first<F: Future + Unpin>(mut all: Vec<F>) -> F::Output {
    std::future::poll_fn(|cx| {
        let ready = all.iter_mut().find_map(|one| match std::pin::Pin::new(one).poll(cx) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        });
        ready.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}

async fn accept(socket: &Socket) -> io::Result<Local> {
    match socket {
        Socket::Tcp(listener) => {
            let (stream, from) = listener.accept().await?;
            Ok(Local::tcp(stream, (from.ip().to_string(), from.port())))
        }
        Socket::Unix(listener) => Ok(Local::unix(listener.accept().await?.0)),
    }
}

impl Local {
    /// A TCP connection.
    pub fn tcp(stream: TcpStream, from: (String, u16)) -> Local {
        let _ = stream.set_nodelay(true); // without it, only slower
        let (reader, writer) = stream.into_split();
        Local { reader: Box::new(reader), writer: Box::new(writer), from }
    }

    /// A connection over a Unix socket; like OpenSSH, it reports the port 65535.
    pub fn unix(stream: UnixStream) -> Local {
        let (reader, writer) = stream.into_split();
        Local { reader: Box::new(reader), writer: Box::new(writer), from: ("127.0.0.1".to_owned(), 65535) }
    }

    /// Connects to a place on this machine, or one that it can reach.
    pub async fn connect(place: &ForwardAddress) -> io::Result<Local> {
        match place {
            ForwardAddress::Path(path) => Ok(Local::unix(UnixStream::connect(path).await?)),
            ForwardAddress::Port(host, port) => {
                let stream = TcpStream::connect((host.as_deref().unwrap_or("localhost"), *port)).await?;
                Ok(Local::tcp(stream, (String::new(), 0)))
            }
        }
    }
}

/// The addresses to listen on: all of them for `*` or an empty address, and for no address under `GatewayPorts`.
fn addresses<'a>(host: Option<&'a str>, listening: &Listening) -> Vec<&'a str> {
    match host {
        None if listening.gateway_ports => vec!["0.0.0.0", "::"],
        Some("" | "*") => vec!["0.0.0.0", "::"],
        None | Some("localhost") => vec!["127.0.0.1", "::1"],
        Some(host) => vec![host],
    }
}

async fn bind(host: &str, port: u16) -> io::Result<Vec<Socket>> {
    let (mut bound, mut problem) = (Vec::new(), None);
    for address in lookup_host((host, port)).await? {
        match listen_at(address) {
            Ok(listener) => bound.push(Socket::Tcp(listener)),
            Err(error) => problem = Some(error),
        }
    }
    match (bound.is_empty(), problem) {
        (true, Some(problem)) => Err(problem),
        _ => Ok(bound),
    }
}

fn listen_at(address: std::net::SocketAddr) -> io::Result<TcpListener> {
    let domain = socket2::Domain::for_address(address);
    let socket = socket2::Socket::new(domain, socket2::Type::STREAM, Some(socket2::Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        // the IPv4 address has a socket of its own
        socket.set_only_v6(true)?;
    }
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(128)?;
    TcpListener::from_std(socket.into())
}

/// Makes the socket in a private folder and moves it into place, so that it has its mode before anyone can connect.
fn at_path(path: &Path, listening: &Listening) -> io::Result<Listener> {
    if listening.unlink {
        let _ = std::fs::remove_file(path); // it need not exist
    }
    if path.symlink_metadata().is_ok() {
        return Err(io::ErrorKind::AddrInUse.into());
    }
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let private = parent.join(format!(".hop-{:x}", std::process::id()));
    std::fs::DirBuilder::new().mode(0o700).create(&private)?;
    let made = in_folder(&private, path, listening);
    let _ = std::fs::remove_dir_all(&private); // ours, and empty by now
    Ok(Listener { sockets: vec![Socket::Unix(made?)], path: Some(path.to_owned()) })
}

fn in_folder(private: &Path, path: &Path, listening: &Listening) -> io::Result<UnixListener> {
    let socket = private.join("s");
    let listener = UnixListener::bind(&socket)?;
    let mode = std::fs::Permissions::from_mode(0o777 & !listening.mask);
    std::fs::set_permissions(&socket, mode)?;
    std::fs::rename(&socket, path)?;
    Ok(listener)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_without_an_address_is_for_this_machine_only() {
        let (closed, open) = (Listening::default(), Listening { gateway_ports: true, ..Listening::default() });
        assert_eq!(addresses(None, &closed), ["127.0.0.1", "::1"]);
        assert_eq!(addresses(None, &open), ["0.0.0.0", "::"]);
        assert_eq!(addresses(Some("*"), &closed), ["0.0.0.0", "::"]);
        assert_eq!(addresses(Some("localhost"), &open), ["127.0.0.1", "::1"]);
        assert_eq!(addresses(Some("10.0.0.1"), &open), ["10.0.0.1"]);
    }

    #[tokio::test]
    async fn a_socket_is_the_users_own_and_goes_with_its_listener() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("s.sock");
        let listener = Listener::open(&ForwardAddress::Path(path.clone()), &Listening::default()).await.unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        let (accepted, connected) = tokio::join!(listener.accept(), UnixStream::connect(&path));
        assert!(accepted.is_ok() && connected.is_ok());
        let again = Listener::open(&ForwardAddress::Path(path.clone()), &Listening::default()).await;
        assert!(again.is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse));
        drop(listener);
        assert!(!path.exists());
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_taken_port_is_an_error() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let place = ForwardAddress::Port(Some("127.0.0.1".into()), taken.local_addr().unwrap().port());
        assert!(Listener::open(&place, &Listening::default()).await.is_err());
    }
}
