# SPDX-License-Identifier: GPL-2.0-only
"""What a terminal shows while ccswap runs."""

from __future__ import annotations

import signal

from case import PIN, Case, Connection, obj, status, wait_for
from terminal import Terminal
from traffic import Traffic


class Live(Case):
    def test_watch_shows_how_many_sockets_run_each_version(self) -> None:
        link = self.attach()
        with Connection():
            self.ok("update", PIN, obj("second"))
            new = status()[0]["map_id"]
            with Terminal("watch", PIN) as terminal:
                def shows(*words: object) -> bool:
                    """Whether the last line that begins so, the age left out, goes on so."""
                    rows = [[*line[:2], *line[4:]] for line in terminal.lines
                            if line[:2] == [str(words[0]), words[1]]]
                    return bool(rows) and rows[-1] == [str(word) for word in words]

                wait_for(lambda: shows(link["map_id"], "kept", 1, 1, 0, "100.0", "%", "█" * 12))
                self.assertTrue(shows(new, "current", 0, 0, 0, "0.0", "%"), terminal.raw)
                with Connection():
                    wait_for(lambda: shows(new, "current", 1, 1, 0, "50.0", "%", "█" * 6))
                self.ok("detach", f"id:{link['id']}")
                self.assertEqual(terminal.wait(), 0)
                self.assertIn(f"link {link['id']} is detached".split(), terminal.lines)
        self.assertTrue(terminal.raw.endswith("\n"), terminal.raw)

    def test_watch_shows_the_table_until_all_have_drained(self) -> None:
        old = self.attach()["map_id"]
        connection = Connection()
        self.ok("update", PIN, obj("second"))
        with Terminal("watch", PIN, "--until-drained") as terminal:
            wait_for(lambda: any(line[:2] == [str(old), "kept"] for line in terminal.lines))
            connection.close()
            self.assertEqual(terminal.wait(), 0)
        self.assertIn(f"sockets on older versions: map {old}: 2".split(), terminal.lines)
        self.assertEqual(terminal.lines[-1], ["no", "socket", "runs", "an", "older", "version"])

    def test_an_interrupt_leaves_a_clean_terminal(self) -> None:
        self.attach()
        with Terminal("watch", PIN) as terminal:
            wait_for(lambda: any("current" in line for line in terminal.lines))
            terminal.process.send_signal(signal.SIGINT)
            self.assertEqual(terminal.wait(), -signal.SIGINT)
        self.assertNotIn("\x1b[?", terminal.raw)
        self.assertTrue(terminal.raw.endswith("\n\r\x1b[0J"), terminal.raw)

    def test_rollout_shows_both_versions_and_the_guard(self) -> None:
        self.attach()
        guard = "retransmits<90%"
        with Traffic(), Terminal("rollout", PIN, obj("second"), "--steps", "50%,100%",
                                 "--hold", "2s", "--guard", guard) as terminal:
            self.assertEqual(terminal.wait(), 0, terminal.raw)
        lines = terminal.lines
        for words in (["step", "1", "of", "2:", "50%"], ["50%", "1", "s", "new"], ["old"],
                      ["guard", guard, "holds:"], ["rolled", "out"]):
            self.assertTrue(any(line[:len(words)] == words for line in lines), terminal.raw)
