// SPDX-License-Identifier: GPL-2.0-only
/*
 * A congestion control that counts the connections that it starts and those that
 * leave it. Each load of this object is an implementation with counters of its own.
 */
#include "reno.h"

/* How many connections left this implementation. A section becomes a map of its own. */
__u64 released SEC(".bss.released");

SEC("struct_ops")
void BPF_PROG(cc_init, struct sock *sk)
{
	count_connection(sk);
}

SEC("struct_ops")
void BPF_PROG(cc_release, struct sock *sk)
{
	__sync_fetch_and_add(&released, 1);
}

SEC(".struct_ops.link")
struct tcp_congestion_ops table = {
	.init = (void *)cc_init,
	.release = (void *)cc_release,
	.ssthresh = (void *)reno_ssthresh,
	.cong_avoid = (void *)reno_cong_avoid,
	.undo_cwnd = (void *)reno_undo_cwnd,
	.name = "unnamed",
};
