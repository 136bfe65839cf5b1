"""Accepts connections for tinysshd, which serves one on its standard streams. Words: address, port, host key, folder of
the host.

tinysshd wants no folder above the user's home that others may write, and keys of 64 bytes.
"""
import base64
import os
import signal
import socket
import subprocess
import sys

ADDRESS, PORT, HOST_KEY, FOLDER = sys.argv[1:]


def alone():
    """Nothing but the host's folder is left of the folder for temporary files."""
    step = 'mount --bind "$1" /mnt; mount -t tmpfs -o mode=755 tmpfs "$2"; mkdir -p "$1"; mount --move /mnt "$1"'
    above = "/" + FOLDER.split("/")[1]
    subprocess.run(["sh", "-ec", step, "sh", FOLDER, above], check=True)


def converted():
    with open(HOST_KEY) as lines:
        blob = base64.b64decode("".join(lines.read().split("\n")[1:-2]))
    # the last "ssh-ed25519" is followed by the public half, and by both
    after = blob.rindex(b"ssh-ed25519") + len(b"ssh-ed25519")
    public, both = blob[after + 4 : after + 36], blob[after + 40 : after + 104]
    folder = FOLDER + "/tinysshd"
    os.mkdir(folder)
    for name, half in [("ed25519.pk", public), (".ed25519.sk", both)]:
        with open(folder + "/" + name, "wb") as file:
            file.write(half)
    return folder


def serve(connection):
    listener.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.dup2(connection.fileno(), 0)
    os.dup2(connection.fileno(), 1)
    os.execvp("tinysshd", ["tinysshd", "-x", "sftp=/usr/lib/openssh/sftp-server", keys])


alone()
keys = converted()
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
listener = socket.create_server((ADDRESS, int(PORT)), backlog=50)
while True:
    accepted = listener.accept()[0]
    if os.fork() == 0:
        serve(accepted)
    accepted.close()
