"""An SFTP server and a bastion of asyncssh's make. Words: address, port, host key, authorized_keys, home folder."""
import asyncio
import os
import sys
import warnings

warnings.simplefilter("ignore")
import asyncssh  # noqa: E402 (it warns about ciphers as it is imported)

ADDRESS, PORT, HOST_KEY, AUTHORIZED, HOME = sys.argv[1:]


class Login(asyncssh.SSHServer):
    def connection_requested(self, host, port, origin_host, origin_port):
        return True


async def serve():
    await asyncssh.create_server(
        Login,
        ADDRESS,
        int(PORT),
        server_host_keys=[HOST_KEY],
        authorized_client_keys=AUTHORIZED,
        sftp_factory=True,
    )
    await asyncio.Event().wait()


os.chdir(HOME)
asyncio.run(serve())
