//! Where the API listens: an address, a Unix socket, or both.

use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use rustix::fs::Mode;
use tokio::net::{TcpListener, UnixListener, UnixSocket};

/// Who may open the socket: the agent's user and group.
const MODE: u32 = 0o660;
/// Connections that wait to be accepted.
const BACKLOG: u32 = 64;

/// Why it cannot listen.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The address cannot be listened on.
    #[error("slm.api.listen: cannot listen on {address}: {cause}; set another address or port")]
    Address {
        /// The address.
        address: SocketAddr,
        /// What the system says.
        cause: io::Error,
    },
    /// Another program listens on the socket.
    #[error("slm.api.socket: another program listens on {path}; stop it, or set another path")]
    Taken {
        /// The socket.
        path: PathBuf,
    },
    /// Something else lies there.
    #[error("slm.api.socket: {path} is there and is no socket; remove it, or set another path")]
    NoSocket {
        /// The path.
        path: PathBuf,
    },
    /// The socket cannot be made.
    #[error("slm.api.socket: cannot make {path}: {cause}; its folder must exist and be the agent's to write")]
    Socket {
        /// The socket.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
}

/// A listener that takes its file with it.
#[derive(Debug)]
pub(super) struct SocketFile {
    pub(super) listener: UnixListener,
    path: PathBuf,
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // A file that is left behind is taken over by the next start.
        let _ = fs::remove_file(&self.path);
    }
}

pub(super) fn tcp(address: SocketAddr) -> Result<TcpListener, ListenError> {
    let listen = || {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        TcpListener::from_std(listener)
    };
    listen().map_err(|cause| ListenError::Address { address, cause })
}

pub(super) fn unix(path: &Path) -> Result<SocketFile, ListenError> {
    clear(path)?;
    let make = || -> io::Result<UnixListener> {
        let socket = UnixSocket::new_stream()?;
        // Before it has a name: at no moment may anybody else open it. The umask can only take away.
        rustix::fs::fchmod(&socket, Mode::from_raw_mode(MODE))?;
        socket.bind(path)?;
        let listener = socket.listen(BACKLOG)?;
        fs::set_permissions(path, fs::Permissions::from_mode(MODE))?;
        Ok(listener)
    };
    let listener = make().map_err(|cause| ListenError::Socket { path: path.to_owned(), cause })?;
    Ok(SocketFile { listener, path: path.to_owned() })
}

/// Removes what an agent that was killed left behind.
fn clear(path: &Path) -> Result<(), ListenError> {
    let owned = || path.to_owned();
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(cause) => Err(ListenError::Socket { path: owned(), cause }),
        Ok(found) if !found.file_type().is_socket() => Err(ListenError::NoSocket { path: owned() }),
        Ok(_) if UnixStream::connect(path).is_ok() => Err(ListenError::Taken { path: owned() }),
        Ok(_) => fs::remove_file(path).map_err(|cause| ListenError::Socket { path: owned(), cause }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_socket(test: impl FnOnce(&Path)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let guard = runtime.enter();
        test(&folder.path().join("api.sock"));
        drop(guard);
    }

    #[test]
    fn a_socket_is_open_to_user_and_group_alone_and_goes_with_its_listener() {
        with_socket(|path| {
            let socket = unix(path).unwrap();
            assert_eq!(fs::metadata(path).unwrap().permissions().mode() & 0o777, MODE);
            assert!(matches!(unix(path), Err(ListenError::Taken { .. })));
            drop(socket);
            assert!(!path.exists());
        });
    }

    #[test]
    fn what_a_killed_agent_left_behind_is_taken_over() {
        with_socket(|path| {
            drop(std::os::unix::net::UnixListener::bind(path).unwrap());
            assert!(path.exists(), "std leaves the file");
            unix(path).unwrap();
        });
    }

    #[test]
    fn a_file_that_is_no_socket_is_left_alone() {
        with_socket(|path| {
            fs::write(path, "notes").unwrap();
            assert!(matches!(unix(path), Err(ListenError::NoSocket { .. })));
            assert_eq!(fs::read(path).unwrap(), b"notes");
        });
    }
}
