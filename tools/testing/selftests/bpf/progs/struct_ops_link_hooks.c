// SPDX-License-Identifier: GPL-2.0-only
/* Programs that come between a socket and its congestion control; a test loads
 * the one that it wants
 */

#include "bpf_tracing_net.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "struct_ops_link_wait.h"

char _license[] SEC("license") = "GPL";

/* What to choose */
char cc[TCP_CA_NAME_MAX];
/* Of which no route leads anywhere */
__u32 lost_mark;
/* The callback of a socket that connects in which to wait */
__u32 wait_op;

/* Chooses, which initialises, and then lets connect() fail */
SEC("?sockops")
int choose_and_lose(struct bpf_sock_ops *ctx)
{
	if (ctx->op != BPF_SOCK_OPS_TCP_CONNECT_CB)
		return 1;
	bpf_setsockopt(ctx, SOL_TCP, TCP_CONGESTION, cc, sizeof(cc));
	bpf_setsockopt(ctx, SOL_SOCKET, SO_MARK, &lost_mark, sizeof(lost_mark));
	return 1;
}

SEC("?sockops")
int wait_in_callback(struct bpf_sock_ops *ctx)
{
	if (ctx->op == wait_op && ctx->state == BPF_TCP_SYN_SENT)
		wait_to_go_on();
	return 1;
}

/* The SYN is allocated, and not made yet */
SEC("?fexit/tcp_stream_alloc_skb")
int BPF_PROG(wait_after_alloc, struct sock *sk)
{
	if (sk->__sk_common.skc_state == BPF_TCP_SYN_SENT)
		wait_to_go_on();
	return 0;
}

SEC("?lsm_cgroup/inet_csk_clone")
int BPF_PROG(choose_for_child, struct sock *child, const struct request_sock *req)
{
	bpf_setsockopt(child, SOL_TCP, TCP_CONGESTION, cc, sizeof(cc));
	return 1;
}
