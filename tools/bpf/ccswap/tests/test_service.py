# SPDX-License-Identifier: GPL-2.0-only
"""What a machine runs by itself: metrics, and what a file names."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from case import COUNTERS, NOBODY, PIN, Case, Connection, available, configure, obj, run, status
from traffic import NAME


class Metrics(Case):
    """What Prometheus is told."""

    def samples(self) -> dict[str, int]:
        """The value of each sample, by its name and labels."""
        lines = [line for line in self.ok("metrics").splitlines() if not line.startswith("#")]
        split = [line.rsplit(" ", 1) for line in lines]
        self.assertEqual(len({name for name, _ in split}), len(split), "a sample is there twice")
        return {name: int(value) for name, value in split}

    def test_says_that_there_is_no_link(self) -> None:
        self.assertEqual(self.samples(), {"struct_ops_links": 0})

    def test_sockets_are_counted_by_version(self) -> None:
        link = self.attach()
        old = link["map_id"]
        of_link = f'link="{link["id"]}",name="{NAME}"'

        def version(map_id: int, current: str) -> str:
            return f'{of_link},map_id="{map_id}",current="{current}"'

        with Connection():
            self.ok("update", PIN, obj("second"))
            new = status()[0]["map_id"]
            samples = self.samples()
            ages = {name: samples.pop(name) for name in list(samples) if "_age_" in name}
            self.assertEqual(samples, {
                "struct_ops_links": 1,
                f'struct_ops_link_info{{link="{link["id"]}",type="tcp_congestion_ops",'
                f'name="{NAME}",map_id="{new}"}}': 1,
                f"struct_ops_link_map_id{{{of_link}}}": new,
                **{f'struct_ops_link_sockets{{{version(map_id, current)},state="{state}"}}': count
                   for map_id, current, counts in ((new, "true", (0, 0, 0)),
                                                   (old, "false", (1, 1, 0)))
                   for state, count in zip(("listening", "established", "other"), counts,
                                           strict=True)},
            })
            self.assertEqual(set(ages), {
                f"struct_ops_link_version_age_seconds{{{version(new, 'true')}}}",
                f"struct_ops_link_version_age_seconds{{{version(old, 'false')}}}"})
            self.assertTrue(all(0 <= age < 600 for age in ages.values()), ages)

    def test_two_links_are_looked_at_together(self) -> None:
        self.attach()
        self.ok("attach", obj("other_name"))
        with Connection("ccswap_other"):
            established = [(name, value) for name, value in self.samples().items()
                           if 'state="established"' in name]
        self.assertEqual([('name="ccswap_other"' in name, value) for name, value in established],
                         [(False, 0), (True, 1)])

    def test_a_detached_link_has_no_map(self) -> None:
        link = self.attach()
        self.ok("detach", f"id:{link['id']}")
        self.assertEqual(self.samples(), {
            "struct_ops_links": 1,
            f'struct_ops_link_info{{link="{link["id"]}",type="",name="",map_id=""}}': 1})

    def test_a_file_is_replaced_as_a_whole_or_left(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "ccswap.prom"
            file.write_text("what was there\n")
            with file.open() as before:
                self.assertEqual(self.ok("metrics", "--output", file), "")
                self.assertEqual(before.read(), "what was there\n")
            self.assertEqual(file.read_text(), self.ok("metrics"))
            self.assertTrue(file.stat().st_mode & 0o004, "the collector is another user")
            self.assertEqual(os.listdir(folder), [file.name])

            text = file.read_text()
            result = run("metrics", "--output", file, user=NOBODY, group=NOBODY, extra_groups=[])
            self.assertEqual(result.returncode, 1)
            self.assertEqual((file.read_text(), os.listdir(folder)), (text, [file.name]))
        self.fails("metrics", "--output", "/proc/a.prom", says=("cannot write /proc/a.prom",))


class Apply(Case):
    """What the service runs."""

    def setUp(self) -> None:
        super().setUp()
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.folder = Path(scratch.name)

    def apply(self, name: str, **more: object) -> str:
        """Applies a file."""
        return self.ok("apply", configure(self.folder, name, **more))

    def test_attaches_and_then_updates(self) -> None:
        self.assertIn("attached tcp_congestion_ops", self.apply("first"))
        (first,) = status()
        self.assertEqual((first["name"], first["pins"]), (NAME, [str(PIN)]))
        maps = {first["map_id"]}
        for name in ("second", "second"):
            self.assertIn("updated tcp_congestion_ops", self.apply(name))
            (link,) = status()
            self.assertEqual({**link, "map_id": first["map_id"]}, first)
            maps.add(link["map_id"])
        self.assertEqual(len(maps), 3)

    def test_takes_over_what_attach_has_pinned(self) -> None:
        link = self.attach()
        self.apply("second")
        self.assertEqual([row["id"] for row in status()], [link["id"]])

    def test_takes_the_chosen_map(self) -> None:
        self.apply("two_maps", map="right")
        self.assertEqual([link["name"] for link in status()], [NAME])

    def test_moves_sockets_if_it_is_told_to(self) -> None:
        self.apply("first")
        with Connection():
            self.assertNotIn("moved", self.apply("second"))
            self.assertIn("2 sockets moved", self.apply("first", migrate=True))

    def test_detach_can_be_repeated_and_needs_no_object(self) -> None:
        self.apply("first")
        file = configure(self.folder, "absent")
        self.assertIn("detached link", self.ok("apply", "--detach", file))
        self.assertEqual((status(), PIN.exists()), ([], False))
        self.assertNotIn(NAME, available())
        self.assertEqual(self.ok("apply", "--detach", file), f"nothing is pinned at {PIN}\n")

    def test_a_link_that_is_over_is_replaced(self) -> None:
        self.apply("first")
        (over,) = status()
        self.ok("detach", f"id:{over['id']}")
        self.assertIn("attached", self.apply("second"))
        (link,) = status()
        self.assertNotEqual(link["id"], over["id"])
        self.assertEqual((link["name"], link["pins"]), (NAME, [str(PIN)]))

    def test_a_bad_file_is_one_line_and_changes_nothing(self) -> None:
        self.apply("first")
        file = self.folder / "bad.toml"
        good = f'object = "{obj("second")}"\npin = "{PIN}"\n'
        for text, says in ((good + "migrat = true\n", f"{file}:3: unknown field `migrat`"),
                           (good + 'migrate = "yes"\n', f"{file}:3: invalid type"),
                           (f'pin = "{PIN}"\n', "missing field `object`"),
                           ('object = "a.bpf.o"\npin = "/p"\n', "has to begin with /"),
                           ("object\n", f"{file}:1: ")):
            with self.subTest(says):
                file.write_text(text)
                for options in ([], ["--detach"]):
                    said = self.fails("apply", file, *options, says=(says,))
                    self.assertEqual(said.count("\n"), 1)
        self.fails("apply", self.folder / "absent.toml", says=("cannot read", "absent.toml"))

    def test_a_bad_object_changes_nothing(self) -> None:
        file = configure(self.folder, "refused")
        self.fails("apply", file, says=("did not load",))
        self.attach()
        self.assertIn("BEGIN PROG LOAD LOG", self.fails("apply", file, says=("log above",)))
        self.fails("apply", configure(self.folder, "other_name"), says=("keeps the name",))

    def test_a_pin_of_something_else_is_left(self) -> None:
        self.addCleanup(lambda: COUNTERS.unlink(missing_ok=True))
        self.ok("attach", obj("pinned_map"))
        file = configure(self.folder, "first", pin=str(COUNTERS))
        for options in ([], ["--detach"]):
            self.fails("apply", file, *options, says=(str(COUNTERS), "not a BPF link"))
        self.assertTrue(COUNTERS.exists())
