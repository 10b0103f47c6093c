// SPDX-License-Identifier: GPL-2.0-only
/* A congestion control that tells when it was used; loaded several times, each
 * object is another implementation of the same two names.
 */

#include "bpf_tracing_net.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "bpf_misc.h"
#include "struct_ops_link_wait.h"

#define TCP_CONG_NON_RESTRICTED	0x1
#define TCP_CONG_NEEDS_ECN	0x2
#define TCP_CONG_NEEDS_ACCECN	0x4

char _license[] SEC("license") = "GPL";

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

/* Sockets that came, those that left, and every call that was made */
__u64 inits;
__u64 releases;
__u64 calls;
/* Sockets whose private memory was not zero when they came, or was of another
 * implementation when they left
 */
__u64 strangers;
/* The update that brought this implementation, as user space counts them */
__u64 generation;

/* The oldest generation that a socket has come by; all objects share the map */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} oldest SEC(".maps");

static void called(struct sock *sk)
{
	__u64 *old;

	__sync_fetch_and_add(&calls, 1);
	old = bpf_sk_storage_get(&oldest, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (old && (!*old || generation < *old))
		*old = generation;
}

#define MARK	0x6b72616d	/* in the private memory of what is initialised */

SEC("struct_ops")
void BPF_PROG(init, struct sock *sk)
{
	struct inet_connection_sock *icsk = inet_csk(sk);
	int i;

#pragma unroll
	for (i = 0; i < ARRAY_SIZE(icsk->icsk_ca_priv); i++)
		if (icsk->icsk_ca_priv[i]) {
			__sync_fetch_and_add(&strangers, 1);
			break;
		}
	icsk->icsk_ca_priv[0] = MARK;
	__sync_fetch_and_add(&inits, 1);
	called(sk);
}

SEC("struct_ops")
void BPF_PROG(release, struct sock *sk)
{
	if (inet_csk(sk)->icsk_ca_priv[0] != MARK)
		__sync_fetch_and_add(&strangers, 1);
	__sync_fetch_and_add(&releases, 1);
	called(sk);
}

SEC("struct_ops")
void BPF_PROG(set_state, struct sock *sk, __u8 new_state)
{
	called(sk);
}

SEC("struct_ops")
void BPF_PROG(cwnd_event, struct sock *sk, enum tcp_ca_event event)
{
	called(sk);
}

SEC("struct_ops")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	called(sk);
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops")
__u32 BPF_PROG(ssthresh, struct sock *sk)
{
	called(sk);
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(undo_cwnd, struct sock *sk)
{
	called(sk);
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

/* Asks for ECN, accurate if it can be had, too */
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

/* Has the key of link_cc, and is for the privileged only */
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

/* What to choose in which network namespaces, by their cookies */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16);
	__type(key, __u64);
	__type(value, struct cc_name);
} choices SEC(".maps");

/* Lets an update come between the choice, which initialises, and the SYN */
bool dawdle;

/* Chooses for both ends of a connection */
SEC("sockops")
int choose(struct bpf_sock_ops *ctx)
{
	struct cc_name *cc;
	__u64 netns;

	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB &&
	    ctx->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	netns = bpf_get_netns_cookie(ctx);
	cc = bpf_map_lookup_elem(&choices, &netns);
	if (cc)
		bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, cc->name, sizeof(cc->name));
	if (dawdle && ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		wait_to_go_on();
	return 1;
}
