# SPDX-License-Identifier: GPL-2.0-only
"""The demo."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from case import SETTINGS, Case, available, program, run


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
            summary = self.end(demo, 0 if SETTINGS.guarantee else 1)
        self.assertGreater(summary["freshness_known"], 0)
        older = summary["older_than_last_update"]
        self.assertEqual(len(summary["losses"]), older, summary["losses"])
        if SETTINGS.guarantee:
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
