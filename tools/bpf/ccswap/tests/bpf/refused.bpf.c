// SPDX-License-Identifier: GPL-2.0-only
/* A table whose program the verifier refuses: it reads through a number. */
#include "table.h"

SEC("struct_ops")
__u32 BPF_PROG(refused_ssthresh, struct sock *sk)
{
	return *(volatile __u32 *)connections.begun;
}

SEC(".struct_ops.link")
struct tcp_congestion_ops refused = {
	.ssthresh = (void *)refused_ssthresh,
	.cong_avoid = (void *)reno_cong_avoid,
	.undo_cwnd = (void *)reno_undo_cwnd,
	.name = "ccswap_test",
};
