# SPDX-License-Identifier: GPL-2.0-only
"""What is installed, and the service, under systemd."""

from __future__ import annotations

import contextlib
import re
import subprocess
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

from case import PIN, SETTINGS, Case, available, configure, run, status
from machine import Machine
from traffic import NAME

FOLDER = Path("/etc/ccswap")
SERVICE = "ccswap@test.service"    # of the file that configure() writes
SPACE = "ccswap-other"
LISTEN = f"""
import socket, sys
listener = socket.socket()
listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, {NAME.encode()!r})
listener.listen()
print("listens", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def other_namespace() -> Iterator[None]:
    """A network namespace that no process is in."""
    subprocess.run(["ip", "netns", "add", SPACE], check=True)
    try:
        yield
    finally:
        subprocess.run(["ip", "netns", "delete", SPACE], check=True)


@contextlib.contextmanager
def listener() -> Iterator[None]:
    """A listener there that uses the name."""
    argv = ["ip", "netns", "exec", SPACE, sys.executable, "-c", LISTEN]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin and process.stdout
        assert process.stdout.readline() == b"listens\n"
        yield
        process.stdin.close()


class Install(unittest.TestCase):
    """What a packager gets."""

    def test_all_is_there(self) -> None:
        for name in ("share/bash-completion/completions/ccswap",
                     "share/zsh/site-functions/_ccswap",
                     "share/fish/vendor_completions.d/ccswap.fish",
                     "share/doc/ccswap/examples/example.toml"):
            self.assertTrue((SETTINGS.installed / name).stat().st_size, name)
        # One page, and one for each command.
        commands = re.findall(r"^  ([a-z]+) ", run("--help").stdout, re.M)
        pages = {f"ccswap-{command}.1" for command in commands if command != "help"}
        self.assertLess(8, len(pages))
        self.assertEqual({page.name for page in (SETTINGS.installed / "share/man/man1").iterdir()},
                         {"ccswap.1", *pages})


class Boot(Case):
    """What an operator sees of ccswap@NAME."""

    def setUp(self) -> None:
        super().setUp()
        FOLDER.mkdir()
        self.addCleanup(FOLDER.rmdir)
        self.addCleanup((FOLDER / "test.toml").unlink)

    def test_the_life_of_a_service(self) -> None:
        configure(FOLDER, "first")
        with other_namespace(), Machine(SERVICE) as machine:
            def done(*args: str) -> None:
                result = machine.systemctl(*args, SERVICE)
                self.assertEqual(result.returncode, 0, self.told(machine))

            with self.subTest("it attaches at boot, before the network is configured"):
                done("is-active")
                (link,) = status()
                self.assertEqual((link["name"], link["pins"]), (NAME, [str(PIN)]))
                began, network = (
                    int(machine.shown(unit, "ActiveEnterTimestampMonotonic"))
                    for unit in (SERVICE, "network-pre.target"))
                self.assertLess(0, began)
                self.assertLess(began, network)

            with self.subTest("a reload updates, in other network namespaces, too"), listener():
                configure(FOLDER, "second", migrate=True)
                done("reload")
                (updated,) = status()
                self.assertEqual({**updated, "map_id": None, "sockets": None},
                                 {**link, "map_id": None, "sockets": None})
                self.assertNotEqual(updated["map_id"], link["map_id"])
                self.assertIn("1 socket moved", self.told(machine))

            with self.subTest("a reload that fails leaves what there is"):
                configure(FOLDER, "refused")
                self.assertEqual(machine.systemctl("reload", SERVICE).returncode, 1)
                self.assertEqual([row["map_id"] for row in status()], [updated["map_id"]])
                done("is-active")

            with self.subTest("a stop detaches, and a start attaches again"):
                done("stop")
                self.assertEqual((status(), PIN.exists()), ([], False))
                self.assertNotIn(NAME, available())
                configure(FOLDER, "first")
                done("start")
                (again,) = status()
                self.assertNotEqual(again["id"], link["id"])

            with self.subTest("it detaches when the machine is shut down"):
                machine.off()
                self.assertEqual((status(), PIN.exists()), ([], False))

    def test_a_bad_object_does_not_keep_the_machine_from_booting(self) -> None:
        configure(FOLDER, "refused")
        with Machine(SERVICE) as machine:
            self.assertEqual(machine.systemctl("is-active", "multi-user.target").returncode, 0)
            self.assertEqual(machine.systemctl("is-failed", SERVICE).returncode, 0)
            self.assertIn("did not load", self.told(machine))
            self.assertEqual(status(), [])

    def told(self, machine: Machine) -> str:
        """What an operator is told of the service."""
        return machine.systemctl("status", "--full", "--lines=100", SERVICE).stdout
