# SPDX-License-Identifier: GPL-2.0-only
"""What happens to links, as the kernel tells it."""

from __future__ import annotations

import contextlib
import datetime
import json
import subprocess
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from case import BPFFS, PIN, SETTINGS, Case, conforms, obj, status, wait_for

PROGRAMS = 5    # one for each tracepoint


@contextlib.contextmanager
def events(*args: object) -> Iterator[subprocess.Popen[str]]:
    """`ccswap watch --events`, which listens already."""
    argv = [str(SETTINGS.ccswap), "watch", "--events", "--timeout", "90", *map(str, args)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as watch:
        def listens() -> bool:
            try:
                infos = [file.read_text() for file in Path(f"/proc/{watch.pid}/fdinfo").iterdir()]
            except FileNotFoundError:
                return False
            return sum("link_type:\traw_tracepoint" in info for info in infos) == PROGRAMS

        try:
            wait_for(listens)
            yield watch
        finally:
            watch.kill()


class Events(Case):
    def setUp(self) -> None:
        super().setUp()
        if not SETTINGS.tracepoints:
            raise unittest.SkipTest("this kernel has no tracepoints of struct_ops links")

    def test_tells_what_happens_to_all_links(self) -> None:
        seen: list[dict[str, Any]] = []
        with events("--json") as watch:
            link = self.attach()
            first, ident = link["map_id"], link["id"]
            self.ok("update", PIN, obj("second"))
            second = status()[0]["map_id"]
            self.fails("update", PIN, obj("other_name"), says=("keeps the name",))
            self.fails("attach", obj("second"), "--pin", BPFFS / "elsewhere",
                       says=("registered already",))
            self.ok("detach", PIN)
            assert watch.stdout
            for line in watch.stdout:
                event = json.loads(line)
                conforms(event, "events")
                # ccswap has the kernel refuse a link to each table that it makes ready.
                if event.get("error") != "EMFILE":
                    seen.append(event)
                if event["event"] == "release":
                    break

        now = datetime.datetime.now(datetime.UTC)
        for event in seen:
            age = now - datetime.datetime.fromisoformat(event.pop("time"))
            self.assertLess(abs(age.total_seconds()), 120)
        self.assertEqual(len(seen), 6, seen)
        self.assertGreater(seen[1].pop("ns"), 0)
        refused = [seen[at].pop("map_id") for at in (2, 3)]
        self.assertTrue(second < refused[0] < refused[1], refused)
        self.assertEqual(seen, [
            {"event": "create", "link_id": ident, "map_id": first, "type": "tcp_congestion_ops"},
            {"event": "update", "link_id": ident, "old_map_id": first, "map_id": second},
            {"event": "refused", "command": "update", "link_id": ident, "error": "EINVAL"},
            {"event": "refused", "command": "create", "link_id": None, "error": "EEXIST"},
            {"event": "detach", "link_id": ident, "map_id": second},
            {"event": "release", "link_id": ident, "map_id": None},
        ])

    def test_of_one_link_until_it_is_released(self) -> None:
        link = self.attach()
        with events(PIN) as watch:
            self.ok("attach", obj("other_name"))
            self.ok("update", PIN, obj("second"))
            second = status()[0]["map_id"]
            PIN.unlink()
            out, _ = watch.communicate(timeout=60)
        self.assertEqual(watch.returncode, 0)
        lines = [line.split()[1:] for line in out.splitlines()]
        ident, first = str(link["id"]), str(link["map_id"])
        self.assertEqual([line[:3] for line in lines],
                         [["link", ident, "update"], ["link", ident, "release"]])
        self.assertEqual(lines[0][3:8], ["map", first, "->", "map", str(second)])
        self.assertEqual(lines[1][3:], ["map", str(second)])

    def test_ends_in_time(self) -> None:
        self.assertEqual(self.ok("watch", "--events", "--timeout", "1"), "")


class NoEvents(Case):
    def test_a_kernel_without_tracepoints_is_told(self) -> None:
        if SETTINGS.tracepoints:
            self.skipTest("this kernel has tracepoints of struct_ops links")
        self.attach()
        for link in ([], [PIN]):
            said = self.fails("watch", "--events", *link,
                              says=("this kernel has no tracepoints of struct_ops links",))
            self.assertEqual(said.count("\n"), 1)
