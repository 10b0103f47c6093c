# SPDX-License-Identifier: GPL-2.0-only
"""What the kernel's scripts/checkpatch.pl says of the patches, without what does not fit."""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib import history
from lib.content import Content, Originals
from lib.errors import Failure
from lib.patches import Patch
from lib.progress import watched

SCRIPT = 'scripts/checkpatch.pl'
FILES = (SCRIPT, 'scripts/spelling.txt', 'scripts/const_structs.checkpatch')
# Types of complaints that do not fit, in which files, and why.
EXCUSES = (
    ('FILE_PATH_CHANGES', '.*', 'one patch of each series adds the entry of MAINTAINERS'),
    ('UNKNOWN_COMMIT_ID', '.*', 'a Fixes: tag names a commit, and a source package has no history'),
    ('LONG_LINE', r'.*\.rs', 'rustfmt decides how long a line of Rust may be'),
    ('OPEN_ENDED_LINE|PARENTHESIS_ALIGNMENT', r'include/trace/events/.*',
     'an event is laid out as in the other headers of the folder'),
    ('EXPORT_SYMBOL', r'net/ipv4/tcp_cong_rust_data\.c',
     'the function is in Rust, which leaves the export to C'),
    ('AVOID_EXTERNS', r'tools/testing/selftests/bpf/progs/.*',
     'a kfunc or kconfig value is declared extern, with __ksym or __kconfig'),
    ('CAMELCASE', r'tools/testing/selftests/bpf/progs/struct_ops_link_subsystems\.c',
     'the structure of the kernel has that member'),
    ('MULTISTATEMENT_MACRO_USE_DO_WHILE',
     r'tools/testing/selftests/bpf/progs/(?:struct_ops_link|tcp_cong)_many\.c',
     'a macro that defines functions cannot be a statement'),
)
# A complaint about the message names no file.
COMPLAINT = re.compile(r'(?P<file>\S*?):\d+: \w+:(?P<type>\w+): ')


def excused(complaint: str) -> bool:
    said = COMPLAINT.match(complaint)
    return said is not None and any(
        re.fullmatch(kind, said['type']) and re.fullmatch(where, said['file'])
        for kind, where, _ in EXCUSES)


def explain() -> str:
    """The excuses, for people."""
    return 'Not asked of checkpatch:\n' + '\n'.join(
        f'  {kind} in {where}: {reason}' for kind, where, reason in EXCUSES) + \
        '\n  anything in a file that code is moved to, by the patch that moves it'


def moved(complaint: str, patch: Patch) -> bool:
    """Whether a complaint is about code that the patch moves, which is not to be changed."""
    said = COMPLAINT.match(complaint)
    return said is not None and said['file'] in [part.target for part in patch.moves]


def complaints(mail: Path, folder: Path) -> list[str]:
    """What checkpatch, which is below a folder, has to say of one patch."""
    run = subprocess.run(
        # It leaves a file where it runs.
        ['perl', SCRIPT, '--no-tree', '--root=.', '--strict', '--terse', '--showfile',
         '--no-summary', '--show-types', mail],
        cwd=folder, capture_output=True, text=True, check=False)
    if run.stderr:
        raise Failure(f'checkpatch failed on {mail.name}: {run.stderr.strip()}')
    return [line for line in run.stdout.splitlines() if not excused(line)]


def of_series(patches: Sequence[Patch], own: Mapping[str, Content],
              originals: Originals) -> dict[str, list[str]]:
    """The complaints about each patch, by its id."""
    with tempfile.TemporaryDirectory(prefix='checkpatch.') as folder:
        for name in FILES:
            content = originals.original(name)
            if not content:
                raise Failure(f'the kernel source has no {name}')
            content.put(Path(folder, 'linux', name))
        # Where it looks for names that are in mixed case already.
        Path(folder, 'linux/include').mkdir()
        repository = Path(folder, 'series')
        history.make(repository, patches, own, originals)
        mails = history.mails(repository, Path(folder, 'mails'))
        found: dict[str, list[str]] = {}
        with watched('running checkpatch', lambda: len(found), len(patches)):
            for patch, mail in zip(patches, mails, strict=True):
                found[patch.id] = [said for said in complaints(mail, Path(folder, 'linux'))
                                   if not moved(said, patch)]
        return found
