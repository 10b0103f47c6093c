#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Runs the unit tests of the scripts and keeps their result."""

import argparse
import unittest

import xmlrunner

from lib import command, results
from lib.paths import RESULTS, TOP


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('-k', metavar='PATTERN', action='append',
                        help='only tests with such a name; their result is not kept')
    patterns = parser.parse_args().k
    loader = unittest.TestLoader()
    scripts = str(TOP / 'scripts')
    if patterns:
        loader.testNamePatterns = [f'*{pattern}*' for pattern in patterns]
    suite = loader.discover(f'{scripts}/tests', top_level_dir=scripts)
    if patterns:
        return not unittest.TextTestRunner(buffer=True).run(suite).wasSuccessful()
    RESULTS.mkdir(parents=True, exist_ok=True)
    with open(results.path('scripts'), 'wb') as output:
        outcome = xmlrunner.XMLTestRunner(output=output, buffer=True).run(suite)
    return not outcome.wasSuccessful()


if __name__ == '__main__':
    command.run(main)
