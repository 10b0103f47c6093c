# SPDX-License-Identifier: GPL-2.0-only
"""Attaching a table, and what it pins."""

from __future__ import annotations

import subprocess
from pathlib import Path

from case import (
    BPFFS,
    COUNTERS,
    DOTTED,
    PIN,
    SETTINGS,
    Case,
    available,
    obj,
    registered_without_link,
    status,
    wait_for,
)
from traffic import NAME


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

    def test_takes_a_table_beside_one_that_is_incomplete(self) -> None:
        self.ok("attach", obj("half_complete"), "--map", "whole")
        self.assertNotIn("ccswap_broken", available())
        self.ok("detach", PIN)
        self.fails("attach", obj("half_complete"), "--map", "broken",
                   says=("refused the table `broken`",))

    def test_takes_a_name_of_fifteen_characters(self) -> None:
        self.ok("attach", obj("long_name"))
        link, = status()
        self.assertEqual(len(link["name"]), 15)
        out = self.ok("rollout", link["pins"][0], obj("long_name"), "--dry-run")
        self.assertIn("as `ccswap_test.new`", out)

    def test_a_type_may_take_no_link(self) -> None:
        self.fails("attach", obj("other_type"), says=("smc_hs_ctrl takes no link",))

    def test_a_taken_name_has_a_link(self) -> None:
        link = self.attach()
        elsewhere = BPFFS / "elsewhere"
        with subprocess.Popen([str(SETTINGS.ccswap), "watch", str(PIN)]) as watch:
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
        script = f"umount {BPFFS} && exec {SETTINGS.ccswap} attach {obj('first')}"
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
