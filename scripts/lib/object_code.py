# SPDX-License-Identifier: GPL-2.0-only
"""What an object file holds, without what differs between equal sources.

That is: debug information, line numbers in the table of BUG() and WARN(), what
names the compiler, and the running numbers in names that macros make.
"""

import hashlib
import re
import subprocess
from pathlib import Path

from lib.errors import Failure
from lib.toolchain import LLVM

NOISE = re.compile(r'\.rela?(?:\.|_)|\.(?:debug|comment|note|llvm|discard|BTF|symtab|strtab|'
                   r'shstrtab)|__bug_table')
NUMBERED = re.compile(r'(__UNIQUE_ID_\w*?|__initcall__\w*?|\.L\w*?|__key\.|__already_done\.'
                      r'|__func__\.|_entry\w*\.|_rs\.)\d+(?:_\d+)*')
NAME = re.compile(r'^(\S+) ([A-Za-z])\b', re.M)
SECTION = re.compile(r'^ *\d+ (\S+) +([0-9a-f]+) +[0-9a-f]+ *(.*)$', re.M)


def tool(name: str, *argv: str | Path) -> str:
    run = subprocess.run([LLVM / name, *argv], capture_output=True, text=True, errors='replace',
                         check=False)
    if run.returncode:
        raise Failure(f'{name} failed: {run.stderr.strip()}')
    return run.stdout


def code(path: Path) -> str:
    """The instructions, data and relocations of an object."""
    kept = [(name, size) for name, size, kind in
            SECTION.findall(tool('llvm-objdump', '--section-headers', path))
            if not NOISE.match(name) and kind != 'DEBUG' and int(size, 16)]
    if not kept:
        return ''
    text = tool('llvm-objdump', '--disassemble-all', '--reloc', '--no-show-raw-insn',
                *(f'--section={name}' for name, _ in kept), path)
    sizes = ''.join(f'{name} {size}\n' for name, size in kept)
    # The first lines name the file.
    return NUMBERED.sub(r'\1', sizes + text.partition('\n\n')[2])


def digest(path: Path) -> str:
    return hashlib.sha256(code(path).encode()).hexdigest()


def symbols(path: Path) -> tuple[set[str], set[str]]:
    """The names that an object defines for others, and those that it needs of them."""
    defined, undefined = set(), set()
    for name, kind in NAME.findall(tool('llvm-nm', '--format=posix', path)):
        if kind in 'Uw':
            undefined.add(name)
        elif kind.isupper():
            defined.add(name)
    return defined, undefined
