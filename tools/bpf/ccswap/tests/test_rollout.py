# SPDX-License-Identifier: GPL-2.0-only
"""Rolling a version out."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from case import PIN, SETTINGS, Case, Connection, available, conforms, obj, run, status, wait_for
from traffic import NAME, Traffic, congestion_control, distance


class Rollout(Case):
    """A new version for a growing share of the connections."""

    SECOND = f"{NAME}.new"[:15]
    LOOSE = "retransmits<90%,rtt<10s"
    ARGS = ("--hold", "1s", "--guard", LOOSE)

    def setUp(self) -> None:
        super().setUp()
        self.link = self.attach()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.report = Path(scratch.name) / "report.json"

    def went_back(self) -> None:
        """Checks that all is as it was before."""
        wait_for(lambda: self.SECOND not in available())
        self.assertEqual(status(), [{**self.link, "sockets": status()[0]["sockets"]}])
        with Connection() as connection:
            self.assertEqual(congestion_control(connection.server), NAME)

    @contextlib.contextmanager
    def rolling(self, *args: object) -> Iterator[subprocess.Popen[str]]:
        """A roll-out that is under way: some connection already has the new version."""
        argv = [str(SETTINGS.ccswap), "rollout", str(PIN), obj("second"), *map(str, args)]
        with Traffic() as traffic, subprocess.Popen(
                argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as rollout:
            wait_for(lambda: self.SECOND in traffic.names)
            yield rollout
            rollout.communicate(timeout=60)
            traffic.names.clear()
            wait_for(lambda: len(traffic.names) > 20)
            self.assertEqual((set(traffic.names), traffic.errors), ({NAME}, []))

    def test_goes_step_by_step_and_back(self) -> None:
        with Traffic() as traffic:
            out = self.ok("rollout", PIN, obj("second"), *self.ARGS, "--steps", "20%,70%,100%",
                          "--report", self.report)
            self.assertTrue({NAME, self.SECOND} <= set(traffic.names))
            traffic.names.clear()
            wait_for(lambda: len(traffic.names) > 20)
            self.assertEqual((set(traffic.names), traffic.errors), ({NAME}, []))
        link, = status()
        self.assertIn(f"map {link['map_id']} in place of {self.link['map_id']}", out)
        self.assertNotEqual(link["map_id"], self.link["map_id"])
        self.assertNotIn(self.SECOND, available())

        report = json.loads(self.report.read_text())
        conforms(report, "rollout")
        self.assertEqual((report["link"], report["name"], report["went_back"]),
                         (link["id"], NAME, None))
        self.assertEqual((report["old_map"], report["map"]),
                         (self.link["map_id"], link["map_id"]))
        self.assertEqual([step["percent"] for step in report["steps"]], [20, 70])
        first, second = (step["accounts"] for step in report["steps"])
        for account in (first["new"], first["old"], second["new"], second["old"]):
            self.assertGreaterEqual(account["connections"], 5)
            self.assertGreaterEqual(account["bytes"], 5 * len(Traffic.PAYLOAD))
            self.assertGreater(account["rtt_samples"], 0)
        self.assertLess(first["new"]["connections"], first["old"]["connections"])
        added = [second[key]["connections"] - first[key]["connections"] for key in ("new", "old")]
        self.assertGreater(added[0], added[1])
        self.ok("rollback", PIN)
        self.assertEqual(status()[0]["map_id"], self.link["map_id"])

    def test_a_broken_guard_takes_all_back(self) -> None:
        with Traffic() as traffic:
            result = run("rollout", PIN, obj("second"), "--hold", "1s", "--guard", "rtt<0.001us",
                         "--steps", "50%,100%",
                         "--report", self.report)
            self.assertEqual(result.returncode, 1, result)
            self.assertIn("went back: rtt<0.001us is broken", result.stderr)
            self.assertEqual(traffic.errors, [])
        report = json.loads(self.report.read_text())
        conforms(report, "rollout")
        self.assertIn("rtt<0.001us", report["went_back"])
        self.went_back()

    def test_a_version_that_is_slow_is_noticed(self) -> None:
        with distance(5), Traffic(4) as traffic:
            result = run("rollout", PIN, obj("slow"), "--hold", "2s", "--guard", "rate>-50%",
                         "--steps", "50%,100%")
            self.assertEqual(result.returncode, 1, result)
            self.assertIn("went back: rate>-50% is broken", result.stderr)
            self.ok("rollout", PIN, obj("second"), "--hold", "2s", "--guard", "rate>-50%",
                    "--steps", "50%,100%")
            self.assertEqual(traffic.errors, [])

    def test_too_few_connections_take_all_back(self) -> None:
        result = run("rollout", PIN, obj("second"), "--hold", "100ms")
        self.assertEqual(result.returncode, 1, result)
        self.assertIn("only 0 connections", result.stderr)
        self.went_back()

    def test_an_interrupt_takes_all_back_and_moves_what_lasts(self) -> None:
        with self.rolling("--steps", "50%,100%", "--hold", "60s", "--guard", self.LOOSE) as rollout:
            lasting = [Connection() for _ in range(12)]
            names = {congestion_control(one.server) for one in lasting}
            self.assertEqual(names, {NAME, self.SECOND})
            rollout.send_signal(signal.SIGTERM)
            rollout.wait(timeout=60)
            self.assertEqual(rollout.returncode, 128 + signal.SIGTERM)
            for one in lasting:
                self.assertEqual(congestion_control(one.server), NAME)
                one.client.sendall(b"x")
                self.assertEqual(one.server.recv(1), b"x")
                one.close()
        self.went_back()

    def test_a_kill_at_each_step_leaves_the_link_as_it_was(self) -> None:
        for steps in ("1%,100%", "30%,100%", "20%,99%,100%"):
            with self.subTest(steps), self.rolling(
                    "--steps", steps, "--hold", "2s", "--guard", self.LOOSE,
                    "--at-least", "1000000") as rollout:
                lasting = Connection()
                rollout.kill()
                rollout.wait(timeout=60)
                lasting.client.sendall(b"x")
                self.assertEqual(lasting.server.recv(1), b"x")
                lasting.close()
            self.went_back()

    def test_one_at_a_time(self) -> None:
        with self.rolling("--steps", "50%,100%", "--hold", "60s", "--guard", self.LOOSE) as rollout:
            self.fails("rollout", PIN, obj("second"),
                       says=(f"`{self.SECOND}` is registered already", str(rollout.pid)))
            # An update by another is not undone at the end.
            self.ok("update", PIN, obj("two_maps"), "--map", "right")
            updated = status()[0]["map_id"]
            rollout.send_signal(signal.SIGINT)
            rollout.wait(timeout=60)
        self.assertEqual(status()[0]["map_id"], updated)

    def test_an_update_by_another_wins(self) -> None:
        with self.rolling("--steps", "50%,100%", "--hold", "3s", "--guard", self.LOOSE) as rollout:
            self.ok("update", PIN, obj("two_maps"), "--map", "right")
            updated = status()[0]["map_id"]
            _, said = rollout.communicate(timeout=60)
            self.assertIn("someone else updated it", said)
            self.assertEqual(rollout.returncode, 1)
        self.assertEqual(status()[0]["map_id"], updated)

    def test_a_dry_run_changes_nothing(self) -> None:
        out = self.ok("rollout", PIN, obj("second"), "--dry-run")
        for text in (f"as `{self.SECOND}`", "  1% for 30s", "  50% for", "100% by an update",
                     "retransmits<2%,rtt<+20%"):
            self.assertIn(text, out)
        self.went_back()

    def test_what_cannot_be_rolled_out_is_refused_first(self) -> None:
        self.fails("rollout", PIN, obj("other_name"), says=(NAME, "ccswap_other", "keeps the name"))
        self.fails("rollout", PIN, obj("refused"), says=("did not load",))
        self.fails("rollout", PIN, obj("incomplete"), says=("refused the table",))
        self.fails("rollout", PIN, obj("second"), "--cgroup", "/proc", says=("/proc",))
        self.fails("rollout", PIN, obj("second"), "--report", "/proc/x", says=("cannot write",))
        self.went_back()
