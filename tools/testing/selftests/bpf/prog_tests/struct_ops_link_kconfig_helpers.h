/* SPDX-License-Identifier: GPL-2.0-only */
/* Subtests that need an option of the kernel */
#ifndef _STRUCT_OPS_LINK_KCONFIG_HELPERS_H
#define _STRUCT_OPS_LINK_KCONFIG_HELPERS_H

#include <stdbool.h>
#include <linux/types.h>

/* Options, to be combined by | */
#define ANY_KERNEL	0x0
#define LINK_RUST	0x1	/* CONFIG_BPF_STRUCT_OPS_LINK_RUST */
#define TCP_RUST	0x2	/* CONFIG_TCP_CONG_REGISTRY_RUST */

/* Returns whether the current subtest can run on this kernel, and skips it
 * otherwise. With BPF_STRUCT_OPS_LINK_FORCE=1 in the environment, every subtest
 * runs: those that need an option fail without it, but they do not harm the kernel.
 */
bool kernel_has(__u32 options);

/* A subtest that runs for IPv4 and for IPv6 */
struct family_subtest {
	const char *name;
	__u32 needs;
	void (*run)(int family);
};

void run_family_subtests(const struct family_subtest *subtests, int n);

#endif
