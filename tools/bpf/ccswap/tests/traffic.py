# SPDX-License-Identifier: GPL-2.0-only
"""Connections on the loopback device that ask for the name of the test tables."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Self

NAME = "ccswap_test"


def congestion_control(end: socket.socket) -> str:
    """The name that a socket uses."""
    name = end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16)
    return name.rstrip(b"\0").decode()


@contextlib.contextmanager
def distance(milliseconds: int) -> Iterator[None]:
    """Makes the loopback device as slow as a link of that delay, with packets of usual size."""
    def ip(*argv: str) -> None:
        subprocess.run(argv, check=True)

    ip("ip", "link", "set", "lo", "mtu", "1500")
    ip("tc", "qdisc", "add", "dev", "lo", "root", "netem", "delay", f"{milliseconds}ms")
    try:
        yield
    finally:
        ip("tc", "qdisc", "del", "dev", "lo", "root")
        ip("ip", "link", "set", "lo", "mtu", "65536")


class Traffic:
    """Short connections whose server's end asks for the name, so many at a time."""

    PAYLOAD = bytes(range(256)) * 128

    def __init__(self, clients: int = 1) -> None:
        self.listener = socket.socket()
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, NAME.encode())
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.names: list[str] = []
        self.errors: list[str] = []
        self.over = threading.Event()
        self.connecting = threading.Lock()    # so that what is accepted is what has connected
        self.threads = [threading.Thread(target=self.run) for _ in range(clients)]

    def run(self) -> None:
        """Connects until it is told to stop."""
        while not self.over.is_set():
            try:
                self.names.append(self.connect())
            except OSError as error:
                self.errors.append(str(error))
            time.sleep(0.005)

    def connect(self) -> str:
        """One connection; returns the congestion control that its server's end got."""
        with self.connecting:
            client = socket.create_connection(self.listener.getsockname())
            server, _ = self.listener.accept()
        with client, server:
            name = congestion_control(server)
            server.sendall(self.PAYLOAD)
            server.shutdown(socket.SHUT_WR)
            received = bytearray()
            while chunk := client.recv(1 << 16):
                received.extend(chunk)
            if received != self.PAYLOAD:
                self.errors.append(f"{len(received)} bytes arrived")
        return name

    def __enter__(self) -> Self:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self.threads:
            thread.join()
        self.listener.close()
