#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-only
"""Tests ccswap against a real kernel.

It attaches tables to the running kernel and makes network namespaces, so it
belongs in a virtual machine, as root. The objects are those that the build
leaves in $CCSWAP_OBJ_DIR.
"""

from __future__ import annotations

import argparse
import os
import sys
import unittest
from pathlib import Path
from typing import Any

from case import SETTINGS


def main() -> int:
    """Runs the tests."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("ccswap", type=Path, help="the program to test")
    parser.add_argument("--objects", type=Path, required=True, help="where the test objects are")
    parser.add_argument("--installed", type=Path, required=True,
                        help="the folder that `make install PREFIX=/usr DESTDIR=` calls /usr")
    parser.add_argument("--guarantee", action="store_true",
                        help="the kernel has TCP_CONG_REGISTRY_RUST, and so what that promises")
    parser.add_argument("--tracepoints", action="store_true",
                        help="the kernel has BPF_STRUCT_OPS_LINK_RUST, and so its tracepoints")
    parser.add_argument("--junit", type=argparse.FileType("wb"), metavar="FILE",
                        help="write the results to a JUnit file, with Debian's python3-xmlrunner")
    parser.add_argument("-k", metavar="PATTERN", action="append", help="only tests so named")
    args = parser.parse_args()
    SETTINGS.ccswap, SETTINGS.objects = args.ccswap.resolve(), args.objects.resolve()
    SETTINGS.installed = args.installed
    SETTINGS.guarantee, SETTINGS.tracepoints = args.guarantee, args.tracepoints
    if os.geteuid() != 0:
        parser.error("the tests need root, in a virtual machine")

    loader = unittest.TestLoader()
    if args.k:
        loader.testNamePatterns = [f"*{pattern}*" for pattern in args.k]
    tests = loader.discover(str(Path(__file__).parent))
    runner: type[unittest.TextTestRunner] = unittest.TextTestRunner
    options: dict[str, Any] = {"stream": sys.stdout, "verbosity": 2}
    if args.junit:
        from xmlrunner import XMLTestRunner
        runner, options["output"] = XMLTestRunner, args.junit
    result = runner(**options).run(tests)
    return 0 if result.wasSuccessful() and result.testsRun else 1


if __name__ == "__main__":
    sys.exit(main())
