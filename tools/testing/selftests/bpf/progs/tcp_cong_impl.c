// SPDX-License-Identifier: GPL-2.0-only
/* An implementation of two congestion controls, which counts its calls. A test loads
 * the object several times: each is another implementation of the same names.
 */

#include "bpf_tracing_net.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_misc.h"
#include "struct_ops_link_pause.h"

#define TCP_CONG_NON_RESTRICTED	0x1
#define TCP_CONG_NEEDS_ECN	0x2
#define TCP_CONG_NEEDS_ACCECN	0x4

char _license[] SEC("license") = "GPL";

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

/* Calls of init() and release(), and all calls */
__u64 inits;
__u64 releases;
__u64 calls;
/* Sockets whose private memory (icsk_ca_priv) was not zero in init(), or was not
 * that of this algorithm in release()
 */
__u64 bad_priv;
/* The number of the update to this implementation, set by user space */
__u64 generation;

/* The oldest generation that was called for a socket; all objects share the map */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} oldest SEC(".maps");

static void count_call(struct sock *sk)
{
	__u64 *old;

	__sync_fetch_and_add(&calls, 1);
	old = bpf_sk_storage_get(&oldest, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (old && (!*old || generation < *old))
		*old = generation;
}

#define MARK	0x6b72616d	/* written to the private memory by init() */

SEC("struct_ops")
void BPF_PROG(init, struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	int i;

#pragma unroll
	for (i = 0; i < ARRAY_SIZE(icsk->icsk_ca_priv); i++)
		if (icsk->icsk_ca_priv[i]) {
			__sync_fetch_and_add(&bad_priv, 1);
			break;
		}
	icsk->icsk_ca_priv[0] = MARK;
	__sync_fetch_and_add(&inits, 1);
	count_call(sk);
}

SEC("struct_ops")
void BPF_PROG(release, struct sock *sk)
{
	if (inet_csk(sk)->icsk_ca_priv[0] != MARK)
		__sync_fetch_and_add(&bad_priv, 1);
	__sync_fetch_and_add(&releases, 1);
	count_call(sk);
}

SEC("struct_ops")
void BPF_PROG(set_state, struct sock *sk, __u8 new_state)
{
	count_call(sk);
}

SEC("struct_ops")
void BPF_PROG(cwnd_event, struct sock *sk, enum tcp_ca_event event)
{
	count_call(sk);
}

SEC("struct_ops")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	count_call(sk);
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops")
__u32 BPF_PROG(ssthresh, struct sock *sk)
{
	count_call(sk);
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(undo_cwnd, struct sock *sk)
{
	count_call(sk);
	return tcp_reno_undo_cwnd(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops cc = {
	.init = (void *)init,
	.release = (void *)release,
	.set_state = (void *)set_state,
	.cwnd_event = (void *)cwnd_event,
	.cong_avoid = (void *)cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.flags = TCP_CONG_NON_RESTRICTED,
	.name = "link_cc",
};

/* Needs ECN, and accurate ECN */
SEC(".struct_ops.link")
struct tcp_congestion_ops cc_other = {
	.init = (void *)init,
	.release = (void *)release,
	.set_state = (void *)set_state,
	.cwnd_event = (void *)cwnd_event,
	.cong_avoid = (void *)cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.flags = TCP_CONG_NON_RESTRICTED | TCP_CONG_NEEDS_ECN | TCP_CONG_NEEDS_ACCECN,
	.name = "link_cc_other",
};

/* Has the key of link_cc; unprivileged users may not select it */
SEC(".struct_ops.link")
struct tcp_congestion_ops cc_same_key = {
	.init = (void *)init,
	.release = (void *)release,
	.set_state = (void *)set_state,
	.cwnd_event = (void *)cwnd_event,
	.cong_avoid = (void *)cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "link_cc_ijzzjea",
};

struct cc_name {
	char name[16];
};

/* The name to select in each network namespace, by its cookie */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, struct cc_name);
} selections SEC(".maps");

/* Pause a connect() between the selection, which initialises, and the SYN */
bool pause_connect;

/* Selects the congestion control of both ends of a connection */
SEC("sockops")
int select_cc(struct bpf_sock_ops *ctx)
{
	struct cc_name *cc;
	__u64 netns;

	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB &&
	    ctx->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	netns = bpf_get_netns_cookie(ctx);
	cc = bpf_map_lookup_elem(&selections, &netns);
	if (cc)
		bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, cc->name, sizeof(cc->name));
	if (pause_connect && ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		pause_until_resumed();
	return 1;
}
