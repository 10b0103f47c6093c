# SPDX-License-Identifier: GPL-2.0-only
"""Updating, listing, detaching and watching links."""

from __future__ import annotations

import os
import socket
import subprocess
import sys

from case import BPFFS, PIN, SETTINGS, Case, available, obj, status, using
from traffic import NAME


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
        self.fails("update", PIN, obj("no_table"), says=(".struct_ops.link",))
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
        argv = [str(SETTINGS.ccswap), "watch", str(PIN)]
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
