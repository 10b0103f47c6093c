# SPDX-License-Identifier: GPL-2.0-only
"""What programs that print TAP or KTAP have found."""

import re

from lib.suites.tries import Tries, add

STATUS = {'0': 'OK', '4': 'SKIP', '124': 'timed out', '137': 'timed out'}
LINE = re.compile(r'(not )?ok \d+\s*(?:- )?(.*?)(?:\s*#\s*(\w*).*)?')
DIRECTIVES = ('SKIP', 'XFAIL', 'XPASS', 'TODO')


def verdicts(output: str) -> dict[str, Tries]:
    """A verdict for each result of each program, and for how the program ended.

    The output is that of programs.each(). A program may have run several times.
    """
    found: dict[str, Tries] = {}
    parts = re.split(r'^== (.+)\n', output, flags=re.M)
    run: dict[str, str] = {}
    program = ''
    for name, text in zip(parts[1::2], parts[2::2], strict=True):
        status = re.fullmatch(r'status (\d+)', name)
        if status:
            run[program] = STATUS.get(status[1], f'status {status[1]}')
        else:
            add(found, tries(run))
            program = name
            run = {program: 'did not finish'} | results(program, text)
    add(found, tries(run))
    return found


def tries(run: dict[str, str]) -> dict[str, Tries]:
    """What one run has found."""
    return {test: Tries.once(verdict) for test, verdict in run.items()}


def results(program: str, output: str) -> dict[str, str]:
    """The results of one run; a name that comes again gets a number."""
    found: dict[str, str] = {}
    for line in output.splitlines():
        result = LINE.fullmatch(line.strip())
        if result:
            name = ' '.join(result[2].split()) or 'unnamed'
            test = unique(f'{program}/{name}', found)
            found[test] = verdict(bool(result[1]), result[3] or '')
    return found


def verdict(failed: bool, directive: str) -> str:
    if directive.upper() in DIRECTIVES:
        return directive.upper()
    return 'FAIL' if failed else 'OK'


def unique(name: str, taken: dict[str, str]) -> str:
    """The name, with a number if it is taken."""
    number, result = 1, name
    while result in taken:
        number += 1
        result = f'{name} ({number})'
    return result
