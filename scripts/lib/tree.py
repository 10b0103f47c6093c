# SPDX-License-Identifier: GPL-2.0-only
"""The prepared kernel tree: pristine source, the overlay's files, the patches.

A tree is changed in place, and a file only when its content differs, so that
kbuild sees what really changed. What upstream had in the place of a changed
file is kept beside the tree, to patch again from and to go back to.
"""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib import source
from lib.content import Content, Originals, check_overlay
from lib.errors import Failure
from lib.patches import Patch, apply, read_patches, take_originals
from lib.paths import LOG, TOP, cache
from lib.process import step
from lib.progress import note

OVERLAY = ('Documentation/*.rst', 'include', 'kernel', 'net', 'rust', 'tools',
           # which are built where they are
           ':(exclude)tools/bpf/ccswap', ':(exclude)tools/testing/struct_ops')
# The kernels' build folders (build-*) stand in the tree: seen from there the source is '..'
# wherever the tree is, so their objects do not depend on the place.
RSYNC = ('rsync', '-rlp', '--checksum', '--delete', '--exclude=/.git', '--exclude=/build-*')


def overlay(top: Path = TOP) -> dict[str, Content]:
    """The repository's files that stand where the kernel has them."""
    listing = subprocess.run(
        # A checkout that another user owns is read all the same.
        ['git', '-c', f'safe.directory={top}', '-C', top, 'ls-files', '-z', '--cached',
         '--others', '--exclude-standard', '--', *OVERLAY],
        capture_output=True, text=True, check=False)
    if listing.returncode:
        raise Failure(f'git does not list the files of {top}: {listing.stderr.strip()}')
    found = {}
    for name in filter(None, listing.stdout.split('\0')):
        content = Content.of(top / name)
        if content:     # not deleted in the working tree
            found[name] = content
    return found


def changes(patches: Sequence[Patch], own: Mapping[str, Content],
            originals: Originals) -> dict[str, Content | None]:
    """What each file that is not upstream's is to hold; None: it is deleted."""
    check_overlay(own, originals)
    wanted: dict[str, Content | None] = {**own}
    with tempfile.TemporaryDirectory(prefix='patches.') as folder:
        touched = take_originals(patches, originals, Path(folder), own)
        for patch in patches:
            apply(patch, Path(folder), own)
        for name in touched:
            wanted[name] = Content.of(Path(folder, name))
    return wanted


class Tree:
    """The tree at root, with its originals and its list of changes beside it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.originals = root.with_name(f'{root.name}.orig')
        self.listing = root.with_name(f'{root.name}.json')

    def state(self) -> tuple[str, list[str]]:
        """What source the tree was copied from, and which files are not upstream's."""
        try:
            state = json.loads(self.listing.read_text(encoding='utf-8'))
            return state['source'], state['changed']
        except (OSError, ValueError, KeyError):
            return '', []

    def keep_state(self, identity: str, changed: list[str]) -> None:
        new = self.listing.with_suffix('.new')
        new.write_text(json.dumps({'source': identity, 'changed': changed}, indent=1) + '\n',
                       encoding='utf-8')
        new.replace(self.listing)

    def original(self, name: str) -> Content | None:
        """Upstream's file of this name."""
        changed = name in self.state()[1]
        return Content.of((self.originals if changed else self.root) / name)

    def copy_source(self, origin: source.Source) -> None:
        """Brings the tree to another source; keeps the times of what is the same."""
        if self.state()[0] == origin.identity:
            return
        with tempfile.TemporaryDirectory(dir=self.root.parent, prefix='source.') as scratch:
            pristine = source.unpack(origin, Path(scratch))
            found = source.check_version(pristine, origin.path)
            self.keep_state('', [])
            if pristine.is_relative_to(scratch) and not self.root.exists():
                pristine.rename(self.root)
            else:
                step(f'copying Linux {found}', [*RSYNC, f'{pristine}/', f'{self.root}/'],
                     LOG / 'copy.log')
        if (self.root / '.config').exists() or (self.root / 'include/config').exists():
            step('cleaning the copy', ['make', '-C', self.root, 'ARCH=x86', 'mrproper'],
                 LOG / 'copy.log')
        shutil.rmtree(self.originals, ignore_errors=True)
        self.keep_state(origin.identity, [])

    def change(self, wanted: dict[str, Content | None]) -> list[str]:
        """Makes the tree what is wanted, and says which files it wrote or removed."""
        identity, changed = self.state()
        for name in wanted.keys() - set(changed):
            content = Content.of(self.root / name)
            if content:
                content.put(self.originals / name)
        # Before the first write: if this run is cut short, the next one knows.
        self.keep_state(identity, sorted(wanted.keys() | set(changed)))
        back = {name: Content.of(self.originals / name) for name in set(changed) - wanted.keys()}
        written = []
        for name, content in sorted((back | wanted).items()):
            path = self.root / name
            if Content.of(path) == content:
                continue
            written.append(name)
            if content:
                content.put(path)
            else:
                path.unlink()
        for name in back:
            (self.originals / name).unlink(missing_ok=True)
        self.keep_state(identity, sorted(wanted))
        return written


def prepared() -> Tree:
    return Tree(cache() / 'linux')


def prepare() -> dict[str, Content | None]:
    """Brings the prepared tree up to date; returns what is not upstream's in it."""
    tree = prepared()
    tree.copy_source(source.find())
    wanted = changes(read_patches(), overlay(), tree)
    written = tree.change(wanted)
    if written:
        note(f'prepared the kernel tree: {len(written)} files changed')
    return wanted
