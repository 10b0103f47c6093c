// SPDX-License-Identifier: GPL-2.0-only
/* A table without ssthresh, which the kernel refuses. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops incomplete = {
	.cong_avoid = (void *)reno_cong_avoid,
	.undo_cwnd = (void *)reno_undo_cwnd,
	.name = "ccswap_test",
};
