# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of ccswap have in common."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import time
import unittest
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jsonschema
from traffic import NAME

BPFFS = Path("/sys/fs/bpf")
SCHEMA = Path(__file__).resolve().parents[1] / "schema"
PIN = BPFFS / "ccswap" / NAME
NAMES = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
NOBODY = 65534
COUNTERS = BPFFS / "ccswap_counters"    # where the objects with a pinned map pin it
CGROUPS = Path("/sys/fs/cgroup")
BEFORE = BPFFS / "ccswap-before"        # where the versions before are kept
DOTTED = BPFFS / "ccswap" / "ccswap-test"
PACKAGING = Path(__file__).resolve().parent.parent / "packaging"


@dataclass
class Settings:
    """What the tests were started with."""
    ccswap: Path = Path()
    objects: Path = Path()
    installed: Path = Path()   # what `make install PREFIX=/usr` has put to /usr
    guarantee: bool = False    # whether this kernel starts no connection on what was replaced
    tracepoints: bool = False  # whether this kernel tells what happens to links


SETTINGS = Settings()


def obj(name: str) -> str:
    """The path of a test object."""
    return str(SETTINGS.objects / f"{name}.bpf.o")


def program(name: str) -> Path:
    """A program that was built along with ccswap."""
    return SETTINGS.ccswap.with_name(name)


def run(*args: object, name: str = "ccswap", **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs ccswap, or a program beside it, to its end."""
    argv = [str(program(name)), *map(str, args)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, **options)


def status(*options: str) -> list[dict[str, Any]]:
    """Every struct_ops link, as ccswap shows it."""
    links: list[dict[str, Any]] = json.loads(run("status", "--json", *options).stdout)
    conforms(links, "status")
    return links


def conforms(value: object, name: str) -> None:
    """Checks JSON against what is promised of it, with Debian's python3-jsonschema."""
    schema = json.loads((SCHEMA / f"{name}.json").read_text())
    jsonschema.Draft202012Validator(schema).validate(value)


def configure(folder: Path, name: str, **more: object) -> Path:
    """Writes the file for `apply`: a test object at the usual pin, unless told otherwise."""
    file = folder / "test.toml"
    # A string or a boolean is the same in JSON and in TOML.
    settings = {"object": obj(name), "pin": str(PIN), **more}
    file.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items()))
    return file


def available() -> list[str]:
    """The names that a socket may choose."""
    return NAMES.read_text().split()


def wait_for(condition: Any, seconds: float = 30) -> None:
    """Waits until something holds."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError("what was waited for did not happen")
        time.sleep(0.1)


@contextlib.contextmanager
def using(name: str, family: int) -> Iterator[socket.socket]:
    """A listener that uses a congestion control."""
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
        listener.bind(("", 0))
        listener.listen()
        yield listener


@contextlib.contextmanager
def registered_without_link(name: str) -> Iterator[None]:
    """The table of an object, registered as loaders do that know no links."""
    argv = [str(program("ccswap-test-register")), obj(name)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as register:
        assert register.stdin and register.stdout
        assert register.stdout.readline() == b"registered\n"
        yield
        register.stdin.close()
        assert register.wait(timeout=60) == 0


class Case(unittest.TestCase):
    """A test that begins and ends without a link."""

    def setUp(self) -> None:
        self.assertEqual(status(), [], "another test left a link")

    def tearDown(self) -> None:
        for link in status():
            for pin in link["pins"]:
                os.unlink(pin)
        wait_for(lambda: not status())
        self.assertNotIn(NAME, available())

    def ok(self, *args: object, **options: Any) -> str:
        """Runs ccswap, which must succeed without a word of complaint."""
        result = run(*args, **options)
        self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        return result.stdout

    def fails(self, *args: object, says: tuple[str, ...], **options: Any) -> str:
        """Runs ccswap, which must fail, say why and change nothing."""
        def links() -> list[dict[str, Any]]:
            return [{**link, "sockets": None} for link in status()]

        before = links()
        result = run(*args, **options)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result)
        last = result.stderr.rstrip().rsplit("\n", 1)[-1]
        self.assertTrue(last.startswith("ccswap: "), result.stderr)
        for text in says:
            self.assertIn(text, last)
        self.assertEqual(links(), before)
        return result.stderr

    def attach(self) -> dict[str, Any]:
        """Attaches the first table, and returns its link."""
        self.ok("attach", obj("first"))
        (link,) = status()
        return link


class Connection:
    """A listener that uses a congestion control, and a connection that it has accepted."""

    def __init__(self, name: str = NAME) -> None:
        self.listener = socket.socket()
        self.listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, name.encode())
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port: int = self.listener.getsockname()[1]
        self.client = socket.create_connection(("127.0.0.1", self.port))
        self.server, _ = self.listener.accept()

    def close(self) -> None:
        """Closes all three ends, the client's last, so that nothing of the server's lingers."""
        for end in (self.listener, self.client, self.server):
            end.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
