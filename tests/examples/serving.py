# SPDX-License-Identifier: Apache-2.0
"""A running download_server, a tree for it, and raw connections to it."""
import os
import pathlib
import random
import re
import resource
import signal
import socket
import subprocess
import time

PATIENCE = 30  # seconds until a test gives up on what must happen


def fill(top):
    """A small tree with everything in it that matters here; returns its files as {name: bytes}."""
    random_bytes = random.Random(1)
    files = {"data/a.txt": b"some text\n" * 1000, "data/empty": b"", "data/sub dir/b\u00fcch": b"b" * 5}
    files |= {f"data/many/{n:03}": random_bytes.randbytes(n * 40) for n in range(200)}
    files["data/large"] = random_bytes.randbytes(3 << 20)
    for name, content in files.items():
        path = top / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (top / "data/.hidden").write_bytes(b"secret")
    (top / "data/.git").mkdir()
    (top / "data/.git/config").write_bytes(b"secret")
    (top / ".private/x").mkdir(parents=True)
    (top / "out").symlink_to("/etc")
    (top / "dots").symlink_to(".private")
    (top / "current").symlink_to("data")
    return files


class Server:
    def __init__(self, program, root, *options):
        self.process = subprocess.Popen([program, "--listen", "127.0.0.1:0", "--threads", "2", *options, str(root)],
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", self.process.stdout.readline())[1])

    def usage(self):
        """What the server says it uses, as {name: number}."""
        self.process.send_signal(signal.SIGUSR1)
        return {name: int(value) for name, value in re.findall(r"(\w+)=(\d+)", self.process.stdout.readline())}

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))

    def idle_usage(self):
        """Waits until no export and no connection is left: their ends are nobody's event outside of the server."""
        until = time.monotonic() + PATIENCE
        while True:
            now = self.usage()
            if not (now["used"] or now["committed"] or now["connections"]) or time.monotonic() > until:
                return now

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(PATIENCE)
        self.process.stdout.close()
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def connect(self, receive_bytes=0):
        client = socket.socket()
        client.settimeout(PATIENCE)
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.connect(("127.0.0.1", self.port))
        return client

    def raw(self, request):
        """Everything that comes back until the server closes."""
        with self.connect() as client:
            client.sendall(request)
            return read_to_end(client)[0]


def read_to_end(client):
    """(bytes, whether the server closed without resetting)"""
    received = bytearray()
    try:
        while got := client.recv(1 << 16):
            received += got
    except ConnectionResetError:
        return bytes(received), False
    return bytes(received), True


def status_of(answer):
    match = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
    return int(match[1]) if match else None
