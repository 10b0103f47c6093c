# SPDX-License-Identifier: GPL-2.0-only
"""Builds each patch of the series on those before it, and remembers what came of it."""

import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from lib import coccinelle, compiler_output, source, toolchain
from lib.content import Content, Originals
from lib.kernel import CONFIGS, content_key
from lib.lint.ours import Ours
from lib.patch_build import CONFIGURATIONS, Build, Built, folders
from lib.patches import Patch
from lib.paths import cache
from lib.results import Case
from lib.tree import Tree
from lib.versions import walk

# To be changed when the checks find other things than before.
EDITION = '1'
State = dict[str, Content | None]


def states(patches: Sequence[Patch], own: Mapping[str, Content],
           originals: Originals) -> list[State]:
    """The files that the series change, before the first patch and after each."""
    names = {name for patch in patches for name in (*patch.files, *patch.overlay)}
    with tempfile.TemporaryDirectory(prefix='states.') as folder:
        top = Path(folder)
        found: list[State] = [{name: originals.original(name) for name in names}]
        found.extend({name: Content.of(top / name) for name in names}
                     for _ in walk(patches, own, originals, top))
    return found


class Checker:
    """Has a tree and builds of its own."""

    def __init__(self, patches: Sequence[Patch], own: Mapping[str, Content],
                 originals: Originals, jobs: int) -> None:
        self.all, self.jobs = list(patches), jobs
        self.top = cache() / 'check'
        self.top.mkdir(exist_ok=True)
        self.tree = Tree(self.top / 'linux')
        self.states = states(patches, own, originals)
        self.origin = source.find()
        self.parts = folders(patches)
        config = (CONFIGS / 'guest.config').read_text(encoding='utf-8')
        self.base = content_key((EDITION, self.origin.identity, toolchain.versions(), config,
                                 *self.parts), {})
        self.builds = {name: Build(name, self.tree.root, self.parts, jobs)
                       for name in CONFIGURATIONS}

    def key(self, place: int) -> str:
        """What the tree after so many patches is known by."""
        return content_key((self.base,), self.states[place])

    def remembered(self, find: Callable[[], list[Case]], *about: str) -> list[Case]:
        """The cases that were found before about the same, else what find() finds.

        A failure is not kept: when it is looked into, the check itself may turn out wrong.
        """
        path = self.top / 'found' / f'{content_key(about, {})}.json'
        if path.exists():
            return [Case(**known) for known in json.loads(path.read_text(encoding='utf-8'))]
        found = find()
        if any(case.verdict == 'failed' for case in found):
            return found
        path.parent.mkdir(exist_ok=True)
        new = path.with_suffix('.new')
        new.write_text(json.dumps([vars(case) for case in found]), encoding='utf-8')
        new.replace(path)
        return found

    def put(self, place: int) -> None:
        """Makes the tree what it is after so many patches."""
        self.tree.copy_source(self.origin)
        self.tree.change(self.states[place])

    def built(self, name: str, place: int, title: str) -> Built:
        """Builds what is there after so many patches, unless that is what was built last."""
        self.put(place)
        return self.builds[name].run(title, self.key(place))

    def patches(self, series: str) -> list[Case]:
        """Checks the patches of one series."""
        found = []
        for place, patch in enumerate(self.all):
            if patch.series != series:
                continue
            if self.key(place) == self.key(place + 1):
                found.append(Case(f'{patch.id}: builds', 'skipped', 'nothing is built from it'))
                continue
            found += self.remembered(partial(self.patch, place, patch),
                                     self.key(place), self.key(place + 1), patch.kind)
        return found

    def patch(self, place: int, patch: Patch) -> list[Case]:
        """Builds what was before a patch, if need be, and the patch."""
        found: list[Case] = []
        warnings: list[str] = []
        for name in ('on', 'off'):
            if self.builds[name].state != self.key(place):
                before = self.all[place - 1].id if place else 'upstream'
                self.built(name, place, f'to compare with: {before}')
            built = self.built(name, place + 1, patch.id)
            found.append(Case.judged(f'{patch.id}: {name}', built.errors + [
                f'{symbol} is not defined' for symbol in built.undefined]))
            warnings += built.complaints
            if name == 'off' and not built.errors and not patch.kind:
                found.append(Case.judged(f'{patch.id}: code', [
                    f'{changed} is not as before' for changed in built.changed]))
        return [*found, Case.judged(f'{patch.id}: warnings', list(dict.fromkeys(warnings)))]

    def end(self, series: str) -> list[Case]:
        """Checks what is there after the last patch of a series."""
        place = max(at for at, patch in enumerate(self.all, 1) if patch.series == series)
        found = []
        for name, check in {'symbols-off': self.symbols_off, 'rustdoc': self.rustdoc,
                            'coccinelle': self.coccinelle}.items():
            found += self.remembered(partial(check, series, place), name, series, self.key(place))
        return found

    def symbols_off(self, series: str, place: int) -> list[Case]:
        built = self.built('symbols-off', place, f'the end of {series}')
        return [Case.judged(f'{series}: symbols-off', built.errors + [
            f'{symbol} is not defined' for symbol in built.undefined])]

    def rustdoc(self, series: str, place: int) -> list[Case]:
        self.put(place)
        said = []
        for name in ('on', 'symbols-off'):
            build = self.builds[name]
            said += build.configure()
            build.keep('')      # its objects may be of another state than the tree
            good, output = build.make(f'rustdoc of {series}: {name}', 'rustdoc', 'rustdoc')
            if not good:
                said += compiler_output.errors(output)
            said += [f'{file}: {text}' for file, text in
                     compiler_output.complaints(output, self.tree.root)
                     if file in self.states[place]]
        return [Case.judged(f'{series}: rustdoc', list(dict.fromkeys(said)))]

    def coccinelle(self, series: str, place: int) -> list[Case]:
        """Asks about the C files of the folders that are built which the series changes."""
        state = self.states[place]
        names = [name for patch in self.all if patch.series == series
                 for name in (*patch.files, *patch.overlay)
                 if name.endswith('.c') and f'{Path(name).parent}/' in self.parts and state[name]]
        if not names:
            return [Case(f'{series}: coccinelle', 'skipped', 'it changes no C code that is built')]
        self.put(place)
        return [Case.judged(f'{series}: coccinelle', coccinelle.complaints(
            self.tree.root, Ours(state, self.states[0].get), sorted(set(names)), series))]
