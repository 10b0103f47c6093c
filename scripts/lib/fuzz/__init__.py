# SPDX-License-Identifier: GPL-2.0-only
"""Compares what sequences of calls do on two kernels."""
