#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests ccswap against a real kernel.

It attaches tables to the running kernel and makes network namespaces, so it
belongs in a virtual machine, as root. The objects are those that the build
leaves in $CCSWAP_OBJ_DIR.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

BPFFS = Path("/sys/fs/bpf")
NAME = "ccswap_test"
PIN = BPFFS / "ccswap" / NAME
NAMES = Path("/proc/sys/net/ipv4/tcp_available_congestion_control")
NOBODY = 65534
COUNTERS = BPFFS / "ccswap_counters"    # where the objects with a pinned map pin it
DOTTED = BPFFS / "ccswap" / "ccswap-test"

ccswap = Path()
objects = Path()
guarantee = False    # whether this kernel starts no connection on what was replaced


def obj(name: str) -> str:
    """The path of a test object."""
    return str(objects / f"{name}.bpf.o")


def program(name: str) -> Path:
    """A program that was built along with ccswap."""
    return ccswap.with_name(name)


def run(*args: object, name: str = "ccswap", **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs ccswap, or a program beside it, to its end."""
    argv = [str(program(name)), *map(str, args)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False, **options)


def status(*options: str) -> list[dict[str, Any]]:
    """Every struct_ops link, as ccswap shows it."""
    links: list[dict[str, Any]] = json.loads(run("status", "--json", *options).stdout)
    return links


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
    bpf = ctypes.CDLL("libbpf.so.1")
    for function in (bpf.bpf_object__open_file, bpf.bpf_object__find_map_by_name,
                     bpf.bpf_map__attach_struct_ops):
        function.restype = ctypes.c_void_p
    loaded = ctypes.c_void_p(bpf.bpf_object__open_file(obj(name).encode(), None))
    try:
        assert loaded and bpf.bpf_object__load(loaded) == 0
        table = ctypes.c_void_p(bpf.bpf_object__find_map_by_name(loaded, name.encode()))
        assert bpf.bpf_map__attach_struct_ops(table)
        try:
            yield
        finally:
            first = ctypes.c_uint32(0)
            bpf.bpf_map_delete_elem(bpf.bpf_map__fd(table), ctypes.byref(first))
    finally:
        bpf.bpf_object__close(loaded)


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
        before = status()
        result = run(*args, **options)
        self.assertEqual((result.returncode, result.stdout), (1, ""), result)
        last = result.stderr.rstrip().rsplit("\n", 1)[-1]
        self.assertTrue(last.startswith("ccswap: "), result.stderr)
        for text in says:
            self.assertIn(text, last)
        self.assertEqual(status(), before)
        return result.stderr

    def attach(self) -> dict[str, Any]:
        """Attaches the first table, and returns its link."""
        self.ok("attach", obj("first"))
        (link,) = status()
        return link


class Attach(Case):
    def test_registers_and_pins_under_the_name(self) -> None:
        out = self.ok("attach", obj("first"))
        self.assertIn(NAME, available())
        (link,) = status()
        self.assertEqual((link["type"], link["name"]), ("tcp_congestion_ops", NAME))
        self.assertEqual((link["pins"], link["sockets"]), ([str(PIN)], 0))
        for text in (f"link {link['id']}", f"map {link['map_id']}", str(PIN)):
            self.assertIn(text, out)

    def test_pins_where_it_is_told(self) -> None:
        pin = BPFFS / "some" / "where"
        self.ok("attach", obj("first"), "--pin", pin)
        self.assertEqual(status()[0]["pins"], [str(pin)])

    def test_takes_the_chosen_map_and_leaves_the_other(self) -> None:
        self.ok("attach", obj("two_maps"), "--map", "right")
        self.assertIn(NAME, available())
        self.assertNotIn("ccswap_left", available())

    def test_wants_one_of_several_maps_chosen(self) -> None:
        self.fails("attach", obj("two_maps"), says=("left, right", "--map"))
        self.fails("attach", obj("two_maps"), "--map", "middle", says=("left, right", "--map"))

    def test_refuses_what_is_no_object(self) -> None:
        self.fails("attach", "/absent.bpf.o", says=("cannot read /absent.bpf.o",))
        self.fails("attach", __file__, says=("is not a BPF object", "clang"))
        self.fails("attach", obj("no_table"), says=("no struct_ops table", ".struct_ops.link"))

    def test_takes_a_table_that_asks_for_no_link(self) -> None:
        self.ok("attach", obj("no_link"))
        first = status()[0]
        self.ok("update", PIN, obj("no_link"))
        self.assertNotEqual(status()[0]["map_id"], first["map_id"])
        self.ok("detach", PIN)

    def test_shows_the_verifier_log(self) -> None:
        log = self.fails("attach", obj("refused"), says=("did not load", "log above"))
        self.assertIn("BEGIN PROG LOAD LOG", log)
        self.assertIn("refused_ssthresh", log)
        self.assertIn("invalid mem access", log)

    def test_refuses_an_incomplete_table(self) -> None:
        self.fails("attach", obj("incomplete"), says=("refused the table `incomplete`", "missing"))

    def test_a_type_may_take_no_link(self) -> None:
        self.fails("attach", obj("other_type"), says=("smc_hs_ctrl takes no link",))

    def test_a_taken_name_has_a_link(self) -> None:
        link = self.attach()
        elsewhere = BPFFS / "elsewhere"
        with subprocess.Popen([str(ccswap), "watch", str(PIN)]) as watch:
            try:
                info = Path(f"/proc/{watch.pid}/fdinfo")
                wait_for(lambda: any(
                    f"link_id:\t{link['id']}\n" in fd.read_text() for fd in info.iterdir()))
                self.fails("attach", obj("second"), "--pin", elsewhere,
                           says=("registered already", f"link {link['id']}", str(PIN),
                                 f"{watch.pid} (ccswap)", f"ccswap update id:{link['id']}"))
            finally:
                watch.terminate()
        self.assertFalse(elsewhere.exists())

    def test_a_taken_name_has_a_map_without_link(self) -> None:
        with registered_without_link("no_link"):
            (row,) = [row for row in status("--all") if row["name"] == NAME]
            self.assertEqual((row["holder"], row["id"], row["sockets"]), ("map", None, 0))
            self.assertEqual(status(), [])
            self.fails("attach", obj("first"),
                       says=("without a link", f"unregister id {row['map_id']}"))
        self.assertNotIn(NAME, available())

    def test_a_taken_name_is_built_in(self) -> None:
        self.fails("attach", obj("built_in"), says=("`vegas` is registered already", "built"))
        (row,) = [row for row in status("--all") if row["name"] == "vegas"]
        self.assertEqual((row["holder"], row["id"], row["map_id"]), ("built-in", None, None))

    def test_a_taken_pin_is_kept(self) -> None:
        self.attach()
        self.fails("attach", obj("other_name"), "--pin", PIN,
                   says=(f"{PIN} exists", "ccswap update"))
        self.assertNotIn("ccswap_other", available())

    def test_a_pin_needs_a_bpf_file_system(self) -> None:
        self.fails("attach", obj("first"), "--pin", "/proc/pin", says=("mount -t bpf",))
        script = f"umount {BPFFS} && exec {ccswap} attach {obj('first')}"
        argv = ["unshare", "--mount", "sh", "-c", script]
        result = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("mount -t bpf", result.stderr)

    def test_a_pin_that_fails_leaves_nothing(self) -> None:
        self.fails("attach", obj("first"), "--pin", BPFFS / "a.b", says=("cannot pin", "no dot"))
        self.assertNotIn(NAME, available())


class PinnedMaps(Case):
    """Objects that pin a map by name, which register a name with a dot."""

    def setUp(self) -> None:
        super().setUp()
        self.addCleanup(lambda: COUNTERS.unlink(missing_ok=True))

    def test_state_survives_the_swap(self) -> None:
        self.ok("attach", obj("pinned_map"))
        self.assertEqual(status()[0]["pins"], [str(DOTTED)])
        inode = COUNTERS.stat().st_ino
        self.ok("update", DOTTED, obj("pinned_map"))
        self.assertEqual(COUNTERS.stat().st_ino, inode)
        self.ok("detach", DOTTED)
        self.assertTrue(COUNTERS.exists(), "state outlives the link")

    def test_a_value_that_has_grown_is_told(self) -> None:
        self.ok("attach", obj("pinned_map"))
        self.fails("update", DOTTED, obj("pinned_wider"),
                   says=("value size is 8, and 16 in the object", f"rm {COUNTERS}"))
        self.assertTrue(COUNTERS.exists())

    def test_a_failed_attach_leaves_no_map(self) -> None:
        self.fails("attach", obj("pinned_incomplete"), says=("refused the table",))
        self.assertFalse(COUNTERS.exists())
        with registered_without_link("pinned_map"):
            COUNTERS.unlink()
            self.fails("attach", obj("pinned_map"), says=("without a link",))
            self.assertFalse(COUNTERS.exists())

    def test_a_failed_attach_leaves_a_map_that_was_there(self) -> None:
        self.ok("attach", obj("pinned_map"))
        self.fails("attach", obj("pinned_map"), "--pin", BPFFS / "elsewhere", says=("link",))
        self.assertTrue(COUNTERS.exists())


class Update(Case):
    def test_replaces_the_map_by_pin_and_by_id(self) -> None:
        first = self.attach()
        out = self.ok("update", PIN, obj("second"))
        (second,) = status()
        self.assertNotEqual(second["map_id"], first["map_id"])
        self.assertIn(f"map {second['map_id']} in place of {first['map_id']}", out)
        self.assertEqual({**second, "map_id": first["map_id"]}, first)

        self.ok("update", f"id:{first['id']}", obj("two_maps"), "--map", "right")
        self.assertNotIn(status()[0]["map_id"], (first["map_id"], second["map_id"]))
        self.assertEqual(available().count(NAME), 1)

    def test_replaces_only_the_expected_map(self) -> None:
        old = self.attach()["map_id"]
        self.ok("update", PIN, obj("second"), "--expect-old", old)
        new = status()[0]["map_id"]
        # Gone with the update, and one that is there but not behind the link.
        self.fails(
            "update", PIN, obj("first"), "--expect-old", old,
            says=(f"holds map {new}, not the expected {old}", f"--expect-old {new}"),
        )
        self.ok("attach", obj("other_name"))
        other = next(link["map_id"] for link in status() if link["name"] == "ccswap_other")
        self.fails(
            "update", PIN, obj("first"), "--expect-old", other,
            says=(f"holds map {new}, not the expected {other}",),
        )

    def test_keeps_name_and_type(self) -> None:
        self.attach()
        self.fails("update", PIN, obj("other_name"), says=(NAME, "ccswap_other", "keeps the name"))
        self.fails("update", PIN, obj("other_type"), says=("smc_hs_ctrl knows no update",))
        self.assertIn(NAME, available())

    def test_a_bad_object_changes_nothing(self) -> None:
        self.attach()
        self.fails("update", PIN, obj("no_link"), says=(".struct_ops.link",))
        self.fails("update", PIN, obj("refused"), says=("did not load",))
        self.fails("update", PIN, obj("incomplete"), says=("refused the table",))
        self.fails("update", PIN, "/absent.bpf.o", says=("cannot read",))

    def test_refuses_what_is_no_link(self) -> None:
        self.fails("update", "id:4000000", obj("first"), says=("no link 4000000", "ccswap status"))
        self.fails("update", BPFFS / "absent", obj("first"), says=("nothing is pinned",))
        self.fails("update", "/proc/version", obj("first"), says=("is not a BPF link",))

    def test_a_detached_link_is_over(self) -> None:
        link = self.attach()
        self.ok("detach", f"id:{link['id']}")
        self.fails("update", PIN, obj("second"), says=("is detached", "for good"))


class Status(Case):
    def test_says_that_there_is_none(self) -> None:
        self.assertEqual(self.ok("status"), "no struct_ops links\n")

    def test_shows_a_line_for_each(self) -> None:
        link = self.attach()
        self.ok("attach", obj("other_name"))
        lines = self.ok("status").splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(lines[0].split(), ["ID", "TYPE", "NAME", "MAP", "SOCKETS", "PINS"])
        self.assertEqual(
            lines[1].split(),
            [str(link["id"]), "tcp_congestion_ops", NAME, str(link["map_id"]), "0", str(PIN)],
        )

    def test_counts_sockets_of_both_families_and_all_namespaces(self) -> None:
        self.attach()

        def sockets() -> int:
            count: int = status()[0]["sockets"]
            return count

        with using(NAME, socket.AF_INET) as listener:
            self.assertEqual(sockets(), 1)
            with using(NAME, socket.AF_INET6):
                self.assertEqual(sockets(), 2)
            with using("reno", socket.AF_INET):
                self.assertEqual(sockets(), 1)
            # The client's end uses the default, what is accepted the listener's.
            with socket.create_connection(("127.0.0.1", listener.getsockname()[1])) as client:
                accepted, _ = listener.accept()
                self.assertEqual(sockets(), 2)
                client.close()
                accepted.close()

        listen = (
            "import socket as s, sys; l = s.socket();"
            f"l.setsockopt(s.IPPROTO_TCP, s.TCP_CONGESTION, b'{NAME}'); l.listen();"
            "print(flush=True); sys.stdin.read()"
        )
        argv = ["unshare", "--net", sys.executable, "-c", listen]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout and other.stdin
            other.stdout.readline()
            self.assertEqual(sockets(), 1)
            other.stdin.close()

    def test_shows_every_pin(self) -> None:
        self.attach()
        other = BPFFS / "other"
        os.link(PIN, other)
        self.assertEqual(status()[0]["pins"], sorted([str(PIN), str(other)]))


class Detach(Case):
    def test_unregisters_and_removes_the_named_pin(self) -> None:
        link = self.attach()
        out = self.ok("detach", PIN)
        self.assertIn(f"detached link {link['id']}", out)
        self.assertNotIn(NAME, available())
        self.assertFalse(PIN.exists())
        self.assertEqual(status(), [])

    def test_by_id_keeps_the_pin_and_can_be_repeated(self) -> None:
        link = self.attach()
        self.assertIn(f"its pin {PIN} stays", self.ok("detach", f"id:{link['id']}"))
        self.assertNotIn(NAME, available())
        (detached,) = status()
        self.assertEqual((detached["map_id"], detached["pins"]), (None, [str(PIN)]))
        self.assertIn("detached", self.ok("status"))
        self.assertIn("was detached already", self.ok("detach", PIN))

    def test_refuses_what_is_no_link(self) -> None:
        self.fails("detach", "id:4000000", says=("no link 4000000",))
        self.fails("detach", BPFFS / "absent", says=("nothing is pinned",))


class Watch(Case):
    def test_ends_when_the_link_is_detached(self) -> None:
        link = self.attach()
        argv = [str(ccswap), "watch", str(PIN)]
        with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as watch:
            with self.assertRaises(subprocess.TimeoutExpired):
                watch.wait(3)
            self.ok("update", PIN, obj("second"))
            with self.assertRaises(subprocess.TimeoutExpired):
                watch.wait(1)
            self.ok("detach", PIN)
            out, _ = watch.communicate(timeout=30)
        self.assertEqual((watch.returncode, out), (0, f"link {link['id']} is detached\n"))

    def test_ends_at_once_when_it_is_detached_already(self) -> None:
        link = self.attach()
        self.ok("detach", f"id:{link['id']}")
        self.assertIn("is detached", self.ok("watch", PIN))

    def test_refuses_what_is_no_link(self) -> None:
        self.fails("watch", "id:4000000", says=("no link 4000000",))


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


class Versions(Case):
    """Which version sockets run, and moving them."""

    def versions(self) -> list[tuple[bool, int, int, int]]:
        """Whether each is current, its map, and the sockets that listen and that are connected."""
        rows: list[dict[str, Any]] = json.loads(self.ok("status", PIN, "--json"))
        return [(row["current"], row["map_id"], row["listening"], row["established"])
                for row in rows]

    def test_sockets_are_counted_by_version(self) -> None:
        old = self.attach()["map_id"]
        with Connection() as connection:
            self.assertEqual(self.versions(), [(True, old, 1, 1)])
            self.ok("update", PIN, obj("second"))
            new = status()[0]["map_id"]
            self.assertEqual(self.versions(), [(True, new, 0, 0), (False, old, 1, 1)])
            text = self.ok("status", PIN, "--sockets")
            self.assertIn(f"established 127.0.0.1:{connection.port}", text)
            rows = json.loads(self.ok("status", PIN, "--sockets", "--json"))
            self.assertEqual([len(row.get("sockets", [])) for row in rows], [0, 2])
            self.assertTrue(0 <= rows[1]["age"] < 600, rows)
            with Connection("reno"):
                self.assertEqual(len(self.versions()), 2)
        wait_for(lambda: self.versions() == [(True, new, 0, 0)])

    def test_watch_waits_until_the_old_one_has_drained(self) -> None:
        old = self.attach()["map_id"]
        with Connection():
            self.ok("update", PIN, obj("second"))
            result = run("watch", PIN, "--until-drained", "--timeout", "1")
            self.assertEqual(result.returncode, 1)
            self.assertIn(f"not drained in time; sockets on older versions: map {old}: 2",
                          result.stderr)
        self.assertIn("no socket runs an older version",
                      self.ok("watch", PIN, "--until-drained", "--timeout", "60"))
        result = run("watch", PIN, "--timeout", "1")
        self.assertEqual((result.returncode, "still attached" in result.stderr), (1, True))

    def test_migrate_moves_what_is_connected_and_loses_nothing(self) -> None:
        self.attach()
        sent = bytes(range(256)) * 4096
        received = bytearray()
        with Connection() as connection:
            def receive() -> None:
                while chunk := connection.client.recv(1 << 16):
                    received.extend(chunk)

            reader = threading.Thread(target=receive)
            reader.start()
            connection.server.sendall(sent)
            writer = threading.Thread(target=lambda: connection.server.sendall(sent * 16))
            writer.start()
            out = self.ok("update", PIN, obj("second"), "--migrate")
            self.assertIn("2 sockets moved", out)
            new = status()[0]["map_id"]
            self.assertEqual(self.versions(), [(True, new, 1, 1)])
            writer.join()
            connection.server.shutdown(socket.SHUT_WR)
            reader.join()
        self.assertEqual(bytes(received), sent * 17)

    def test_migrate_moves_only_what_is_asked_for(self) -> None:
        first = self.attach()["map_id"]
        with Connection() as oldest:
            self.ok("update", PIN, obj("second"))
            second = status()[0]["map_id"]
            with Connection() as older, Connection() as other:
                def left() -> dict[int, int]:
                    return {map_id: established for _, map_id, _, established in self.versions()}

                self.ok("update", PIN, obj("first"), "--migrate", "--port", other.port)
                third = status()[0]["map_id"]
                self.assertEqual(left(), {first: 1, second: 1, third: 1})
                self.ok("update", PIN, obj("second"), "--migrate", "--older-than", second)
                fourth = status()[0]["map_id"]
                self.assertEqual(left(), {second: 1, third: 1, fourth: 1})
                out = self.ok("update", PIN, obj("first"), "--migrate", "--netns",
                              "/proc/self/ns/net")
                self.assertIn("6 sockets moved", out)
                for connection in (oldest, older, other):
                    connection.client.sendall(b"x")
                    self.assertEqual(connection.server.recv(1), b"x")

    def test_needs_a_congestion_control_that_is_attached(self) -> None:
        link = self.attach()
        self.ok("detach", f"id:{link['id']}")
        self.fails("status", PIN, says=("is detached",))


class Output(Case):
    def refused(self, *args: object, stdout: Any) -> str:
        """Runs ccswap with an output that cannot be written; returns what it says of that."""
        argv = [str(ccswap), *map(str, args)]
        result = subprocess.run(argv, stdout=stdout, stderr=subprocess.PIPE, text=True,
                                timeout=120, check=False)
        self.assertEqual(result.returncode, 1, result)
        self.assertNotIn("panicked", result.stderr)
        return result.stderr

    def test_a_full_disk_is_one_line_and_what_was_done_is_said(self) -> None:
        with open("/dev/full", "w", encoding="utf-8") as full:
            said = self.refused("attach", obj("first"), stdout=full)
            self.assertIn("attached tcp_congestion_ops", said)
            self.assertEqual(said.count("\n"), 1)
            link, = status()
            said = self.refused("update", PIN, obj("second"), stdout=full)
            self.assertIn("updated tcp_congestion_ops", said)
            self.assertNotEqual(status(), [link])
            for args in (["status"], ["status", "--json"]):
                self.assertEqual(self.refused(*args, stdout=full).count("\n"), 1)
            said = self.refused("detach", PIN, stdout=full)
            self.assertIn("detached link", said)
        self.assertEqual(status(), [])

    def test_a_reader_that_has_gone_is_no_news(self) -> None:
        for args in (["attach", obj("first")], ["status"], ["detach", PIN]):
            reader, writer = os.pipe()
            os.close(reader)
            with os.fdopen(writer, "w") as gone:
                self.assertEqual(self.refused(*args, stdout=gone), "")
        self.assertEqual(status(), [])

    def test_a_full_standard_error_is_survived(self) -> None:
        with open("/dev/full", "w", encoding="utf-8") as full:
            for args in (["status"], ["attach", "absent.o"]):
                result = subprocess.run([str(ccswap), *args], stdout=full, stderr=full,
                                        timeout=120, check=False)
                self.assertEqual(result.returncode, 1, args)


class Capabilities(Case):
    """What a container has that was given CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone."""

    def contained(self, *args: object, without: str = "") -> subprocess.CompletedProcess[str]:
        """Runs ccswap so."""
        held = {"bpf", "net_admin", "perfmon"} - {without}
        caps = ",".join(["-all", *(f"+{name}" for name in sorted(held))])
        argv = ["setpriv", "--bounding-set", caps, "--inh-caps", caps, str(ccswap),
                *map(str, args)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)

    def test_three_are_enough(self) -> None:
        for args in (["attach", obj("first")], ["update", PIN, obj("second")], ["detach", PIN]):
            result = self.contained(*args)
            self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertEqual(status(), [])

    def test_what_is_missing_is_named(self) -> None:
        result = self.contained("attach", obj("first"), without="bpf")
        self.assertIn("missing: CAP_BPF", result.stderr)
        self.assertIn("missing: CAP_SYS_ADMIN", self.contained("status").stderr)
        self.assertEqual(status(), [])

    def test_a_refusal_is_not_blamed_on_privilege(self) -> None:
        result = self.contained("attach", obj("refused"))
        self.assertEqual(result.returncode, 1)
        self.assertIn("log above", result.stderr)
        self.assertNotIn("permission denied;", result.stderr)


class Privilege(Case):
    def test_an_ordinary_user_is_told(self) -> None:
        link = self.attach()
        by_id = f"id:{link['id']}"
        for args in (["status"], ["attach", obj("other_name")], ["update", by_id, obj("second")],
                     ["detach", by_id], ["watch", by_id]):
            with self.subTest(args[0]):
                result = run(*args, user=NOBODY, group=NOBODY, extra_groups=[])
                self.assertEqual(result.returncode, 1, result)
                self.assertIn("as root", result.stderr)
        self.assertEqual(status(), [link])

    def test_wrong_usage_has_status_2(self) -> None:
        for args in ([], ["attach"], ["update", "id:x", obj("first")]):
            self.assertEqual(run(*args).returncode, 2, args)


class Demo(Case):
    """The demo, and what it says when something is lost."""

    def setUp(self) -> None:
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.out = Path(scratch.name)

    def tearDown(self) -> None:
        listed = subprocess.run(["ip", "netns"], capture_output=True, text=True, check=True)
        self.assertNotIn("ccswap", listed.stdout, "the demo left a network namespace")
        super().tearDown()
        self.assertNotIn("ccswap", available())

    @contextlib.contextmanager
    def demo(self, seconds: int = 600, *options: str) -> Iterator[subprocess.Popen[str]]:
        """The demo, once it has begun to swap."""
        argv = [str(program("ccswap-demo")), "--json", "--seconds", str(seconds),
                "--out", str(self.out), *options]
        with subprocess.Popen(
            argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as demo:
            assert demo.stderr
            # "link N holds …", and then a line every second.
            self.link = demo.stderr.readline().split()[1]
            self.assertIn(" swaps ", demo.stderr.readline())
            yield demo

    def interrupt(self, demo: subprocess.Popen[str], code: int) -> dict[str, Any]:
        """Its summary when it is interrupted."""
        demo.send_signal(signal.SIGINT)
        return self.end(demo, code)

    def end(self, demo: subprocess.Popen[str], code: int) -> dict[str, Any]:
        """Its summary at the end."""
        out, err = demo.communicate(timeout=120)
        self.assertEqual(demo.returncode, code, out + err)
        summary: dict[str, Any] = json.loads(out)
        return summary

    def test_loses_nothing_and_draws_a_picture(self) -> None:
        with self.demo(6) as demo:
            summary = self.end(demo, 0)
        self.assertEqual((summary["losses"], summary["unconfirmed"]), ([], 0))
        self.assertGreater(summary["swaps"], 10)
        self.assertGreater(summary["cubic"], 0)
        self.assertGreater(summary["reno"], 0)
        self.assertEqual(summary["connections"], summary["cubic"] + summary["reno"])
        self.assertGreater(summary["bytes"], 1_000_000)
        latency = summary["update_latency_us"]
        self.assertTrue(0 < latency["min"] <= latency["p50"] <= latency["p99"] <= latency["max"])
        self.assertTrue((self.out / "ccswap.svg").read_text().startswith("<svg"))

    def test_a_guarantee_is_kept_or_seen_to_be_broken(self) -> None:
        with self.demo(8, "--guarantee") as demo:
            summary = self.end(demo, 0 if guarantee else 1)
        self.assertGreater(summary["freshness_known"], 0)
        older = summary["older_than_last_update"]
        self.assertEqual(len(summary["losses"]), older, summary["losses"])
        if guarantee:
            self.assertEqual(older, 0)
        else:
            self.assertGreater(older, 0)
            self.assertIn("after the update that replaced it", summary["losses"][0])

    def test_a_name_that_goes_is_a_loss(self) -> None:
        with self.demo() as demo:
            self.ok("detach", f"id:{self.link}")
            time.sleep(2)
            summary = self.interrupt(demo, 1)
        self.assertGreater(summary["swap_failures"], 0)
        self.assertGreater(summary["name_absent"], 0)

    def test_a_connection_that_is_reset_is_a_loss(self) -> None:
        with self.demo() as demo:
            argv = ["ip", "netns", "exec", "ccswap-client", "ss", "-K", "dport", "=", "5001"]
            killed = subprocess.run(argv, capture_output=True, text=True, check=True)
            self.assertIn("5001", killed.stdout, "no connection was there to be reset")
            summary = self.interrupt(demo, 1)
        self.assertGreater(summary["connections_reset"], 0)
        self.assertGreater(summary["unconfirmed"], 0)

    def test_cleans_up_when_interrupted(self) -> None:
        with self.demo() as demo:
            summary = self.interrupt(demo, 128 + signal.SIGINT)
        self.assertEqual((summary["interrupted"], summary["losses"]), (True, []))

    def test_one_at_a_time(self) -> None:
        with self.demo() as demo:
            result = run("--out", self.out / "second", name="ccswap-demo")
            self.assertEqual((result.returncode, result.stdout), (1, ""), result)
            self.assertIn("`ccswap` is registered already", result.stderr)
            self.assertEqual(self.interrupt(demo, 128 + signal.SIGINT)["losses"], [])

    def test_a_picture_that_cannot_be_written_is_noticed_first(self) -> None:
        result = run("--out", "/proc/out", name="ccswap-demo")
        self.assertEqual((result.returncode, result.stdout), (1, ""), result)
        self.assertIn("ccswap-demo: cannot write /proc/out", result.stderr)
        self.assertIn("--out", result.stderr)


def main() -> int:
    """Runs the tests."""
    global ccswap, objects, guarantee
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ccswap", type=Path, help="the program to test")
    parser.add_argument("--objects", type=Path, required=True, help="where the test objects are")
    parser.add_argument("--guarantee", action="store_true",
                        help="the kernel has TCP_CONG_REGISTRY_RUST, and so what that promises")
    parser.add_argument("--junit", type=argparse.FileType("wb"), metavar="FILE",
                        help="write the results to a JUnit file, with Debian's python3-xmlrunner")
    parser.add_argument("-k", metavar="PATTERN", action="append", help="only tests so named")
    args = parser.parse_args()
    ccswap, objects = args.ccswap.resolve(), args.objects.resolve()
    guarantee = args.guarantee
    if os.geteuid() != 0:
        parser.error("the tests need root, in a virtual machine")

    loader = unittest.TestLoader()
    if args.k:
        loader.testNamePatterns = [f"*{pattern}*" for pattern in args.k]
    tests = loader.loadTestsFromModule(sys.modules["__main__"])
    runner: type[unittest.TextTestRunner] = unittest.TextTestRunner
    options: dict[str, Any] = {"stream": sys.stdout, "verbosity": 2}
    if args.junit:
        from xmlrunner import XMLTestRunner
        runner, options["output"] = XMLTestRunner, args.junit
    result = runner(**options).run(tests)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
