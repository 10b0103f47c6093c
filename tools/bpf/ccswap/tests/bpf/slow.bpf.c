// SPDX-License-Identifier: GPL-2.0-only
/* A version that a guard should stop: its window never opens. */
#include "congestion.h"

#define WINDOW	2

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct tcp_sock {
	__u32 snd_cwnd;
};

#pragma clang attribute pop

SEC("struct_ops")
void BPF_PROG(slow_init, struct sock *sk)
{
	((struct tcp_sock *)sk)->snd_cwnd = WINDOW;
}

SEC("struct_ops")
void BPF_PROG(slow_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	((struct tcp_sock *)sk)->snd_cwnd = WINDOW;
}

SEC("struct_ops")
__u32 BPF_PROG(slow_ssthresh, struct sock *sk)
{
	return WINDOW;
}

SEC("struct_ops")
__u32 BPF_PROG(slow_undo_cwnd, struct sock *sk)
{
	return WINDOW;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops slow = {
	.init = (void *)slow_init,
	.ssthresh = (void *)slow_ssthresh,
	.cong_avoid = (void *)slow_cong_avoid,
	.undo_cwnd = (void *)slow_undo_cwnd,
	.name = "ccswap_test",
};
