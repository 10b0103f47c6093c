#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the unit tests of the scripts and keeps their result."""

import argparse
import sys
import unittest

from lib import results
from lib.paths import TOP
from lib.results import Result


def main() -> int:
    argparse.ArgumentParser(description=__doc__).parse_args()
    scripts = str(TOP / 'scripts')
    suite = unittest.defaultTestLoader.discover(f'{scripts}/tests', top_level_dir=scripts)
    outcome = unittest.TextTestRunner(buffer=True).run(suite)
    bad = [str(test) for test, _ in [*outcome.failures, *outcome.errors]]
    bad += [str(test) for test in outcome.unexpectedSuccesses]
    skipped = [f'{test}: {reason}' for test, reason in outcome.skipped]
    passed = outcome.testsRun - len(bad) - len(skipped)
    results.write(Result('scripts', passed, len(bad), skipped, bad))
    return bool(bad)


if __name__ == '__main__':
    sys.exit(main())
