"""An SFTP server and a bastion of Twisted Conch's make. Words: address, port, host key, authorized_keys, home folder.

Files are served by Conch's own `SFTPServerForUnixConchUser`, as the user who runs this.
"""
import sys

from twisted.conch import avatar
from twisted.conch.checkers import SSHPublicKeyChecker
from twisted.conch.ssh import factory, filetransfer, forwarding, keys, session
from twisted.conch.unix import SFTPServerForUnixConchUser
from twisted.cred.portal import Portal
from twisted.internet import reactor
from twisted.python import components, filepath

ADDRESS, PORT, HOST_KEY, AUTHORIZED, HOME = sys.argv[1:]


class User(avatar.ConchUser):
    def __init__(self):
        avatar.ConchUser.__init__(self)
        self.channelLookup[b"session"] = session.SSHSession
        self.channelLookup[b"direct-tcpip"] = forwarding.openConnectForwardingClient
        self.subsystemLookup[b"sftp"] = filetransfer.FileTransferServer

    def getHomeDir(self):
        return filepath.FilePath(HOME)

    def _runAsUser(self, steps, *words):
        steps = steps if isinstance(steps, list) else [(steps, words)]
        return [step(*words) for step, words in steps][-1]

    def logout(self):
        pass


class Realm:
    def requestAvatar(self, name, mind, *interfaces):
        user = User()
        return interfaces[0], user, user.logout


class AnyName:
    """Who is let in by a key, whatever the name."""

    def __init__(self, keys):
        self.keys = keys

    def getAuthorizedKeys(self, name):
        return self.keys


components.registerAdapter(SFTPServerForUnixConchUser, User, filetransfer.ISFTPServer)
with open(AUTHORIZED, "rb") as lines:
    let_in = [keys.Key.fromString(line) for line in lines if line.strip()]
host_key = keys.Key.fromFile(HOST_KEY)
server = factory.SSHFactory()
server.publicKeys = {host_key.sshType(): host_key.public()}
server.privateKeys = {host_key.sshType(): host_key}
server.portal = Portal(Realm(), [SSHPublicKeyChecker(AnyName(let_in))])
reactor.listenTCP(int(PORT), server, interface=ADDRESS)
reactor.run()
