# SPDX-License-Identifier: GPL-2.0-only
"""What the repository's own files hold after each patch of the series.

The repository has a file as it is in the end. A patch that changes a file which
an earlier one brings holds that change as a diff. So the file is brought as what
is left when the later diffs are taken back, the last one first.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from lib.content import Content, Originals
from lib.errors import Failure
from lib.patches import Patch, apply, git_apply, take_originals


def bringers(patches: Sequence[Patch], own: Mapping[str, Content]) -> dict[str, int]:
    """Which patch brings each own file; fails when one is named wrongly."""
    found: dict[str, int] = {}
    for place, patch in enumerate(patches):
        for name in patch.overlay:
            if name in found:
                raise Failure(f'{name} is brought by {patches[found[name]].id} and {patch.id}: '
                              f'name it in one of them')
            if name not in own:
                raise Failure(f'{patch.id} brings {name}, which is not in the repository')
            found[name] = place
    return found


def unlisted(patches: Sequence[Patch], own: Mapping[str, Content]) -> list[str]:
    """The own files that no patch brings."""
    listed = bringers(patches, own)
    return [name for name in own if name not in listed]


def taken_back(patch: Patch, name: str, content: Content) -> Content:
    """An own file as it is before a patch that changes it."""
    with tempfile.TemporaryDirectory(prefix='version.') as folder:
        content.put(Path(folder, name))
        said = git_apply(patch.sections[name], Path(folder), '-R')
        before = Content.of(Path(folder, name))
    if said or not before:
        raise Failure(f'the change that {patch.id} makes to {name} cannot be taken back from the '
                      f'file that is in the repository: bring its diff up to date\n{said}')
    return before


def steps(patches: Sequence[Patch], own: Mapping[str, Content]) -> list[dict[str, Content]]:
    """For each patch, the own files that it brings or changes, as they are after it."""
    brought = bringers(patches, own)
    now = dict(own)
    found: list[dict[str, Content]] = []
    for place, patch in reversed(list(enumerate(patches))):
        found.insert(0, {})
        for name in patch.sections.keys() & own.keys():
            if brought.get(name, place) >= place:
                raise Failure(f'{patch.id} holds a diff to {name}, which no earlier patch brings')
            found[0][name] = now[name]
            now[name] = taken_back(patch, name, now[name])
        found[0] |= {name: now[name] for name in patch.overlay}
    return found


def walk(patches: Sequence[Patch], own: Mapping[str, Content], originals: Originals,
         folder: Path) -> Iterator[Patch]:
    """Applies the patches to the files below a folder; yields each when it is applied."""
    brought = steps(patches, own)
    take_originals(patches, originals, folder, own)
    for patch, contents in zip(patches, brought, strict=True):
        apply(patch, folder, own)
        for name, content in contents.items():
            content.put(folder / name)
        yield patch
