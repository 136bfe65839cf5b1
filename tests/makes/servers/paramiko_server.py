"""An SFTP server and a bastion of paramiko's make. Words: address, port, host key, authorized_keys, home folder.

The class that files are served by is the one paramiko's own demonstration has, below the home folder: names are made
absolute by paramiko, and what is set on an open file is set by paramiko's `SFTPServer.set_file_attr`, by name.
"""
import os
import posixpath
import socket
import sys
import threading

import paramiko
from paramiko import SFTP_OK, SFTPAttributes, SFTPHandle, SFTPServer, SFTPServerInterface

ADDRESS, PORT, HOST_KEY, AUTHORIZED, HOME = sys.argv[1:]


class File(SFTPHandle):
    def stat(self):
        return SFTPAttributes.from_stat(os.fstat(self.readfile.fileno()))

    def chattr(self, wanted):
        SFTPServer.set_file_attr(self.filename, wanted)
        return SFTP_OK


def answered(request):
    """A request whose error becomes a status."""

    def answer(*words):
        try:
            given = request(*words)
        except OSError as error:
            return SFTPServer.convert_errno(error.errno)
        return SFTP_OK if given is None else given

    return answer


def below(path):
    """The home folder is the root, and where relative names begin."""
    return HOME + posixpath.normpath("/" + path)


def attributes(path, look):
    return SFTPAttributes.from_stat(look(path), os.path.basename(path))


def opened(files, path, flags, wanted):
    mode = getattr(wanted, "st_mode", None)
    descriptor = os.open(below(path), flags, 0o666 if mode is None else mode)
    handle = File(flags)
    handle.filename = below(path)
    how = "rb+" if flags & os.O_RDWR else "wb" if flags & os.O_WRONLY else "rb"
    handle.readfile = handle.writefile = os.fdopen(descriptor, how)
    return handle


class Files(SFTPServerInterface):
    list_folder = answered(
        lambda self, path: [attributes(entry.path, os.lstat) for entry in os.scandir(below(path))]
    )
    stat = answered(lambda self, path: attributes(below(path), os.stat))
    lstat = answered(lambda self, path: attributes(below(path), os.lstat))
    open = answered(opened)
    remove = answered(lambda self, path: os.remove(below(path)))
    rename = answered(lambda self, old, new: os.rename(below(old), below(new)))
    posix_rename = answered(lambda self, old, new: os.replace(below(old), below(new)))
    mkdir = answered(lambda self, path, wanted: os.mkdir(below(path)))
    rmdir = answered(lambda self, path: os.rmdir(below(path)))
    chattr = answered(lambda self, path, wanted: SFTPServer.set_file_attr(below(path), wanted))


class Login(paramiko.ServerInterface):
    def __init__(self):
        self.destinations = {}

    def get_allowed_auths(self, user):
        return "publickey"

    def check_auth_publickey(self, user, key):
        with open(AUTHORIZED) as lines:
            let_in = key.get_base64() in lines.read()
        return paramiko.AUTH_SUCCESSFUL if let_in else paramiko.AUTH_FAILED

    def check_channel_request(self, kind, number):
        return paramiko.OPEN_SUCCEEDED

    def check_channel_direct_tcpip_request(self, number, origin, destination):
        self.destinations[number] = destination
        return paramiko.OPEN_SUCCEEDED


def pump(receive, send, end):
    try:
        while data := receive(32768):
            send(data)
    except OSError:
        pass
    end()


def forward(channel, destination):
    far = socket.create_connection(destination)
    up = (channel.recv, far.sendall, lambda: far.shutdown(socket.SHUT_WR))
    threading.Thread(target=pump, args=up, daemon=True).start()
    pump(far.recv, channel.sendall, channel.close)
    far.close()


def serve(connection):
    transport = paramiko.Transport(connection)
    transport.add_server_key(paramiko.Ed25519Key(filename=HOST_KEY))
    transport.set_subsystem_handler("sftp", SFTPServer, Files)
    login = Login()
    try:
        transport.start_server(server=login)
    except (paramiko.SSHException, EOFError, OSError) as error:
        print(error, file=sys.stderr)
        return
    while transport.is_active():
        channel = transport.accept(1)
        destination = channel and login.destinations.get(channel.get_id())
        if destination:
            threading.Thread(target=forward, args=(channel, destination), daemon=True).start()


listener = socket.create_server((ADDRESS, int(PORT)), backlog=50)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
