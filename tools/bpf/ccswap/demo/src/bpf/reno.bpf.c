// SPDX-License-Identifier: GPL-2.0-only
/* Reno under the name that the demo swaps: the kernel's own, counted. */
#include "reno.h"

SEC("struct_ops")
void BPF_PROG(reno_init, struct sock *sk)
{
	count_connection(sk);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops reno = {
	.init = (void *)reno_init,
	.ssthresh = (void *)reno_ssthresh,
	.cong_avoid = (void *)reno_cong_avoid,
	.undo_cwnd = (void *)reno_undo_cwnd,
	.name = "ccswap",
};
