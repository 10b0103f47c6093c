# SPDX-License-Identifier: GPL-2.0-only
"""Which version sockets run, moving them, and going back."""

from __future__ import annotations

import json
import os
import socket
import threading
from typing import Any

from case import BEFORE, CGROUPS, PIN, Case, Connection, conforms, obj, run, status, wait_for


class Versions(Case):
    """Which version sockets run, and moving them."""

    def versions(self) -> list[tuple[bool, int, int, int]]:
        """Whether each is current, its map, and the sockets that listen and that are connected.

        One that is only kept for a rollback is left out.
        """
        rows: list[dict[str, Any]] = json.loads(self.ok("status", PIN, "--json"))
        return [(row["current"], row["map_id"], row["listening"], row["established"])
                for row in rows
                if row["current"] or row["listening"] or row["established"] or row["other"]]

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
            conforms(rows, "versions")
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

    def test_migrate_moves_only_sockets_of_a_control_group(self) -> None:
        group = CGROUPS / "ccswap-test" / "below"
        group.mkdir(parents=True)
        self.addCleanup(group.parent.rmdir)
        self.addCleanup(group.rmdir)
        first = self.attach()["map_id"]
        with Connection():
            (group / "cgroup.procs").write_text("0")
            with Connection():
                (CGROUPS / "cgroup.procs").write_text("0")
                out = self.ok("update", PIN, obj("second"), "--migrate", "--cgroup", group.parent)
                self.assertIn("2 sockets moved", out)
                second = status()[0]["map_id"]
                self.assertEqual(self.versions(), [(True, second, 1, 1), (False, first, 1, 1)])

    def test_needs_a_congestion_control_that_is_attached(self) -> None:
        link = self.attach()
        self.ok("detach", f"id:{link['id']}")
        self.fails("status", PIN, says=("is detached",))


class Rollback(Case):
    """Going back to the version before."""

    def maps(self) -> tuple[int, int | None]:
        """The map behind the link, and the one that is kept."""
        rows = json.loads(self.ok("status", PIN, "--json"))
        current, = (row["map_id"] for row in rows if row["current"])
        kept = [row["map_id"] for row in rows if row["kept"]]
        return current, kept[0] if kept else None

    def test_goes_back_and_forward(self) -> None:
        first = self.attach()["map_id"]
        self.assertEqual(self.maps(), (first, None))
        self.fails("rollback", PIN, says=("no version before is kept",))
        self.ok("update", PIN, obj("second"))
        second, kept = self.maps()
        self.assertEqual(kept, first)
        out = self.ok("rollback", PIN)
        self.assertIn(f"map {first} in place of {second}", out)
        self.assertEqual(self.maps(), (first, second))
        self.ok("rollback", f"id:{status()[0]['id']}")
        self.assertEqual(self.maps(), (second, first))
        self.ok("update", PIN, obj("first"))
        self.assertEqual(self.maps()[1], second)

    def test_what_is_kept_can_be_let_go(self) -> None:
        self.attach()
        self.ok("update", PIN, obj("second"))
        self.ok("rollback", PIN, "--forget")
        self.assertIsNone(self.maps()[1])
        self.fails("rollback", PIN, says=("no version before is kept",))
        self.ok("update", PIN, obj("first"), "--forget")
        self.assertIsNone(self.maps()[1])
        self.ok("update", PIN, obj("second"))
        self.ok("detach", PIN)
        self.assertEqual(list(BEFORE.iterdir()), [])

    def test_what_a_link_has_left_goes_with_the_next_update(self) -> None:
        link = self.attach()
        self.ok("update", PIN, obj("second"))
        os.unlink(PIN)
        wait_for(lambda: not status())
        self.assertEqual([path.name for path in BEFORE.iterdir()], [str(link["id"])])
        link = self.attach()
        self.ok("update", PIN, obj("second"))
        self.assertEqual([path.name for path in BEFORE.iterdir()], [str(link["id"])])
        self.ok("detach", PIN)

    def test_moves_connections_back(self) -> None:
        first = self.attach()["map_id"]
        self.ok("update", PIN, obj("second"))
        with Connection() as connection:
            self.assertIn("2 sockets moved", self.ok("rollback", PIN, "--migrate"))
            rows = json.loads(self.ok("status", PIN, "--json"))
            self.assertEqual([(row["map_id"], row["established"]) for row in rows
                              if row["established"]], [(first, 1)])
            connection.server.sendall(b"x")
            self.assertEqual(connection.client.recv(1), b"x")
