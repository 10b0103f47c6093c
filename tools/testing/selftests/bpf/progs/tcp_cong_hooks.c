// SPDX-License-Identifier: GPL-2.0-only
/* Programs that run while a socket gets its congestion control. A test loads only
 * the one that it uses.
 */

#include "bpf_tracing_net.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "struct_ops_link_pause.h"

char _license[] SEC("license") = "GPL";

/* The congestion control to select */
char cc[TCP_CA_NAME_MAX];
/* Packets with this mark are unreachable */
__u32 unreachable_mark;
/* The callback of a connecting socket to pause in */
__u32 pause_op;

/* Selects the congestion control, which initialises it, and makes connect() fail */
SEC("?sockops")
int select_and_fail(struct bpf_sock_ops *ctx)
{
	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB)
		return 1;
	bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, cc, sizeof(cc));
	bpf_setsockopt(ctx, SOL_SOCKET, SO_MARK, &unreachable_mark, sizeof(unreachable_mark));
	return 1;
}

SEC("?sockops")
int pause_in_callback(struct bpf_sock_ops *ctx)
{
	if (ctx->op == pause_op && ctx->state == BPF_TCP_SYN_SENT)
		pause_until_resumed();
	return 1;
}

/* Pauses after the SYN is allocated, before its header is written */
SEC("?fexit/tcp_stream_alloc_skb")
int BPF_PROG(pause_after_alloc, struct sock *sk)
{
	if (sk->__sk_common.skc_state == BPF_TCP_SYN_SENT)
		pause_until_resumed();
	return 0;
}

/* Pauses after the child is copied from its listener, before it has a reference of
 * its own on the congestion control
 */
SEC("?fentry/tcp_clone_congestion_control")
int BPF_PROG(pause_in_clone)
{
	pause_first();
	return 0;
}

SEC("?lsm_cgroup/inet_csk_clone")
int BPF_PROG(select_for_child, struct sock *child, const struct request_sock *req)
{
	bpf_setsockopt(child, SOL_TCP, TCP_CONGESTION, cc, sizeof(cc));
	return 1;
}
