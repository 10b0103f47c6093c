# SPDX-License-Identifier: GPL-2.0-only
"""BPF selftests: upstream's and the project's own, by upstream's test_progs."""
