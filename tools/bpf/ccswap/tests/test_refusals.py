# SPDX-License-Identifier: GPL-2.0-only
"""What ccswap says when it cannot write, or may not do what it was told."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from case import NOBODY, PACKAGING, PIN, SETTINGS, Case, Connection, configure, obj, run, status


class Output(Case):
    def refused(self, *args: object, stdout: Any) -> str:
        """Runs ccswap with an output that cannot be written; returns what it says of that."""
        argv = [str(SETTINGS.ccswap), *map(str, args)]
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
                result = subprocess.run([str(SETTINGS.ccswap), *args], stdout=full, stderr=full,
                                        timeout=120, check=False)
                self.assertEqual(result.returncode, 1, args)


class Capabilities(Case):
    """What a container has that was given CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone."""

    def contained(self, *args: object, without: str = "",
                  beyond: frozenset[str] = frozenset()) -> subprocess.CompletedProcess[str]:
        """Runs ccswap so, or with other capabilities besides."""
        held = {"bpf", "net_admin", "perfmon"} - {without} | beyond
        caps = ",".join(["-all", *(f"+{name}" for name in sorted(held))])
        argv = ["setpriv", "--bounding-set", caps, "--inh-caps", caps, str(SETTINGS.ccswap),
                *map(str, args)]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False)

    def test_three_are_enough(self) -> None:
        for args in (["attach", obj("first")], ["update", PIN, obj("second")], ["detach", PIN]):
            result = self.contained(*args)
            self.assertEqual((result.returncode, result.stderr), (0, ""), result)
        self.assertEqual(status(), [])

    def test_apply_needs_three_and_to_move_sockets_what_its_service_has(self) -> None:
        unit = (PACKAGING / "ccswap@.service").read_text()
        (held,) = re.findall(r"^CapabilityBoundingSet=(.*)", unit, re.M)
        service = frozenset(name.removeprefix("CAP_").lower() for name in held.split())
        with tempfile.TemporaryDirectory() as folder:
            file = configure(Path(folder), "first")
            for options in ([], [], ["--detach"]):
                result = self.contained("apply", file, *options)
                self.assertEqual((result.returncode, result.stderr), (0, ""), result)
            self.assertEqual(status(), [])

            file = configure(Path(folder), "first", migrate=True)
            self.contained("apply", file, beyond=service)
            with Connection():
                result = self.contained("apply", file, beyond=service)
                self.assertEqual((result.returncode, result.stderr), (0, ""), result)
                self.assertIn("2 sockets moved", result.stdout)

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
        for args in (["status"], ["metrics"], ["attach", obj("other_name")],
                     ["update", by_id, obj("second")], ["detach", by_id], ["watch", by_id]):
            with self.subTest(args[0]):
                result = run(*args, user=NOBODY, group=NOBODY, extra_groups=[])
                self.assertEqual(result.returncode, 1, result)
                self.assertIn("as root", result.stderr)
        self.assertEqual(status(), [link])

    def test_wrong_usage_has_status_2(self) -> None:
        for args in ([], ["attach"], ["update", "id:x", obj("first")]):
            self.assertEqual(run(*args).returncode, 2, args)
