/* SPDX-License-Identifier: GPL-2.0-only */
/* Pauses a BPF program until user space resumes it */
#ifndef _STRUCT_OPS_LINK_PAUSE_H
#define _STRUCT_OPS_LINK_PAUSE_H

#include <bpf/bpf_helpers.h>

/* A pause ends after this time at the latest: user space may be blocked by it */
__u64 pause_timeout_ns = 500000000;

/* Set by the program when it pauses */
bool paused;
/* Set by user space to end the pause */
__u32 resume;
/* Pauses that user space did not end */
int pause_timeouts;

static int pause_ended(__u32 i, void *end)
{
	return resume || bpf_ktime_get_ns() > *(__u64 *)end;
}

/* Returns whether user space ended the pause */
static bool pause_until_resumed(void)
{
	__u64 end = bpf_ktime_get_ns() + pause_timeout_ns;

	paused = true;
	bpf_loop(1 << 23, pause_ended, &end, 0);
	return resume;
}

/* Pauses only if no program has paused yet: the call that this program belongs to
 * may be the one that is made during the pause.
 */
static inline void pause_first(void)
{
	if (!paused)
		pause_timeouts += !pause_until_resumed();
}

#endif
