/* SPDX-License-Identifier: GPL-2.0-only */
/* A program that stays where it is until user space has done something */
#ifndef _STRUCT_OPS_LINK_WAIT_H
#define _STRUCT_OPS_LINK_WAIT_H

#include <bpf/bpf_helpers.h>

/* No longer than this, where what user space does waits for the program */
__u64 wait_ns = 500000000;

/* The program is there, and may go on */
bool waiting;
__u32 go_on;

static int waits_no_more(__u32 i, void *end)
{
	return go_on || bpf_ktime_get_ns() > *(__u64 *)end;
}

/* Whether it was told to go on in time */
static bool wait_to_go_on(void)
{
	__u64 end = bpf_ktime_get_ns() + wait_ns;

	waiting = true;
	bpf_loop(1 << 23, waits_no_more, &end, 0);
	return go_on;
}

/* How often nothing could be done while a program waited */
int in_vain;

/* Waits unless another program does, whose call this one may be to wait for */
static inline void wait_alone(void)
{
	if (!waiting)
		in_vain += !wait_to_go_on();
}

#endif
