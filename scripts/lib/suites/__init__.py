# SPDX-License-Identifier: GPL-2.0-only
"""Suites of upstream's tests, each described by a file of its own.

Of io_uring's BPF operations upstream has no test.
"""
