// SPDX-License-Identifier: GPL-2.0-only
/* A table that lacks an operation, and comes with a map pinned by name. */
#define COUNTER __u64
#include "pinned.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops pinned_incomplete = {
	.init = (void *)pinned_init,
	.cong_avoid = (void *)reno_cong_avoid,
	.undo_cwnd = (void *)reno_undo_cwnd,
	.name = "ccswap.test",
};
