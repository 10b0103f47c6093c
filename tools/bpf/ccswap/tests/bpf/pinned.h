/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A table that counts in a map pinned by name, with a program of another type beside it. The
 * name has a dot.
 */
#ifndef CCSWAP_TEST_PINNED_H
#define CCSWAP_TEST_PINNED_H

#include "reno.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, COUNTER);
	__uint(pinning, LIBBPF_PIN_BY_NAME);
} ccswap_counters SEC(".maps");

SEC("?struct_ops")
void BPF_PROG(pinned_init, struct sock *sk)
{
	__u32 first = 0;
	COUNTER *counter = bpf_map_lookup_elem(&ccswap_counters, &first);

	if (counter)
		__sync_fetch_and_add((__u64 *)counter, 1);
}

/* The verifier refuses it, so that it must not be loaded. */
SEC("socket")
int unrelated(void *ctx)
{
	return *(volatile int *)connections.begun;
}

#define PINNED {					\
	.init = (void *)pinned_init,			\
	.ssthresh = (void *)reno_ssthresh,		\
	.cong_avoid = (void *)reno_cong_avoid,		\
	.undo_cwnd = (void *)reno_undo_cwnd,		\
	.name = "ccswap.test",				\
}

#endif
