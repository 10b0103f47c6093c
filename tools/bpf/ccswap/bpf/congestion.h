/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel types that the demo's congestion controls need, and the account
 * that each implementation keeps of the connections it starts.
 *
 * The types are relocated against the running kernel (CO-RE), so a field that
 * is not used here does not have to be named.
 */
#ifndef CCSWAP_CONGESTION_H
#define CCSWAP_CONGESTION_H

#include "types.h"

enum bpf_map_type {
	BPF_MAP_TYPE_ARRAY = 2,
	BPF_MAP_TYPE_SK_STORAGE = 24,
};

enum {
	BPF_F_NO_PREALLOC = 1,
	BPF_SK_STORAGE_GET_F_CREATE = 1,
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sock {
	unsigned long sk_pacing_rate;
};

struct ack_sample {
	__s32 rtt_us;
};

struct tcp_congestion_ops {
	void (*cong_avoid)(struct sock *sk, __u32 ack, __u32 acked);
	__u32 (*ssthresh)(struct sock *sk);
	void (*set_state)(struct sock *sk, __u8 new_state);
	void (*cwnd_event_tx_start)(struct sock *sk);
	void (*pkts_acked)(struct sock *sk, const struct ack_sample *sample);
	__u32 (*undo_cwnd)(struct sock *sk);
	char name[16];
	void (*init)(struct sock *sk);
	void (*release)(struct sock *sk);
};

#pragma clang attribute pop

extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

/* How many connections began their life on this implementation, and how many of
 * them could not be marked: the kernel has memory for a mark, or not, at once.
 */
struct {
	__u64 begun;
	__u64 unmarked;
} connections;

/* Marks those sockets, so that each can be asked which one it got. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u32);
} started SEC(".maps");

static inline void count_connection(struct sock *sk)
{
	__u32 yes = 1;

	__sync_fetch_and_add(&connections.begun, 1);
	if (!bpf_sk_storage_get(&started, sk, &yes, BPF_SK_STORAGE_GET_F_CREATE))
		__sync_fetch_and_add(&connections.unmarked, 1);
}

char _license[] SEC("license") = "GPL";

#endif
