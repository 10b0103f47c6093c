// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gives a share of the new connections a second congestion control, and keeps an
 * account of those that run either.
 */
#include "types.h"

enum bpf_map_type {
	BPF_MAP_TYPE_SK_STORAGE = 24,
};

#include <bpf/bpf_helpers.h>

#define SOL_TCP			6
#define TCP_CONGESTION		13
#define TCP_CLOSE		7
#define TCP_CA_NAME_MAX		16
#define BPF_F_NO_PREALLOC	1
#define BPF_SK_STORAGE_GET_F_CREATE	1

#define BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB	4
#define BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB	5
#define BPF_SOCK_OPS_STATE_CB			10
#define BPF_SOCK_OPS_RTT_CB			12
#define BPF_SOCK_OPS_STATE_CB_FLAG		4
#define BPF_SOCK_OPS_RTT_CB_FLAG		8

/* As the kernel lays it out for programs; a part of its interface, so not relocated. */
struct bpf_sock_ops {
	__u32 op;
	__u32 args[4];
	__u32 family;
	__u32 remote_ip4;
	__u32 local_ip4;
	__u32 remote_ip6[4];
	__u32 local_ip6[4];
	__u32 remote_port;
	__u32 local_port;
	__u32 is_fullsock;
	__u32 snd_cwnd;
	__u32 srtt_us;
	__u32 bpf_sock_ops_cb_flags;
	__u32 state;
	__u32 rtt_min;
	__u32 snd_ssthresh;
	__u32 rcv_nxt;
	__u32 snd_nxt;
	__u32 snd_una;
	__u32 mss_cache;
	__u32 ecn_flags;
	__u32 rate_delivered;
	__u32 rate_interval_us;
	__u32 packets_out;
	__u32 retrans_out;
	__u32 total_retrans;
	__u32 segs_in;
	__u32 data_segs_in;
	__u32 segs_out;
	__u32 data_segs_out;
	__u32 lost_out;
	__u32 sacked_out;
	__u32 sk_txhash;
	__u64 bytes_received;
	__u64 bytes_acked;
	struct bpf_sock *sk __attribute__((aligned(8)));
};

/* What was seen of the connections that run one version; ccswap reads it. */
struct account {
	__u64 connections;
	__u64 ended;
	__u64 segments;
	__u64 retransmitted;
	__u64 bytes;
	/* Sums over all samples, and their numbers. */
	__u64 rtt_us;
	__u64 rtt_samples;
	__u64 bytes_per_second;
	__u64 rate_samples;
};

/* Written by ccswap. The names are as long as the kernel's, and padded with zeros. */
struct {
	__u64 name[TCP_CA_NAME_MAX / 8];
	__u64 trial[TCP_CA_NAME_MAX / 8];
	/* In ten thousandths. */
	__u64 share;
} choice SEC(".data.choice");

/* [0] is the old version. */
struct account accounts[2];

/* What the account already holds of a connection. */
struct connection {
	__u32 version;
	__u32 segments;
	__u32 retransmitted;
	__u32 unused;
	__u64 bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct connection);
} connections SEC(".maps");

static void begin(struct bpf_sock_ops *ops)
{
	struct bpf_sock *sk = ops->sk;
	struct connection *connection;
	__u64 name[TCP_CA_NAME_MAX / 8] = {};
	__u32 version = 0;

	if (!sk || bpf_getsockopt(ops, SOL_TCP, TCP_CONGESTION, name, sizeof(name)) ||
	    name[0] != choice.name[0] || name[1] != choice.name[1])
		return;
	if (bpf_get_prandom_u32() % 10000 < choice.share) {
		name[0] = choice.trial[0];
		name[1] = choice.trial[1];
		if (!bpf_setsockopt(ops, SOL_TCP, TCP_CONGESTION, name, sizeof(name)))
			version = 1;
	}
	connection = bpf_sk_storage_get(&connections, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (!connection)
		return;
	connection->version = version;
	bpf_sock_ops_cb_flags_set(ops, ops->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG |
				       BPF_SOCK_OPS_RTT_CB_FLAG);
	__sync_fetch_and_add(&accounts[version].connections, 1);
}

static void sample(struct bpf_sock_ops *ops, int ended)
{
	struct bpf_sock *sk = ops->sk;
	struct connection *connection;
	struct account *account;
	__u32 srtt_us, segments, retransmitted;
	__u64 bytes;

	connection = sk ? bpf_sk_storage_get(&connections, sk, 0, 0) : 0;
	if (!connection)
		return;
	account = &accounts[connection->version & 1];

	segments = ops->data_segs_out;
	retransmitted = ops->total_retrans;
	bytes = ops->bytes_acked;
	__sync_fetch_and_add(&account->segments, segments - connection->segments);
	__sync_fetch_and_add(&account->retransmitted, retransmitted - connection->retransmitted);
	__sync_fetch_and_add(&account->bytes, bytes - connection->bytes);
	connection->segments = segments;
	connection->retransmitted = retransmitted;
	connection->bytes = bytes;

	if (ended) {
		__sync_fetch_and_add(&account->ended, 1);
		return;
	}
	srtt_us = ops->srtt_us >> 3;
	if (srtt_us) {
		__sync_fetch_and_add(&account->rtt_us, srtt_us);
		__sync_fetch_and_add(&account->rtt_samples, 1);
	}
	if (ops->rate_interval_us) {
		__sync_fetch_and_add(&account->bytes_per_second,
				     (__u64)ops->rate_delivered * ops->mss_cache * 1000000 /
				     ops->rate_interval_us);
		__sync_fetch_and_add(&account->rate_samples, 1);
	}
}

SEC("sockops")
int choose(struct bpf_sock_ops *ops)
{
	switch (ops->op) {
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		begin(ops);
		break;
	case BPF_SOCK_OPS_RTT_CB:
		sample(ops, 0);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		if (ops->args[1] == TCP_CLOSE)
			sample(ops, 1);
		break;
	}
	return 1;
}

char _license[] SEC("license") = "GPL";
