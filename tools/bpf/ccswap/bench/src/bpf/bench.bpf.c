// SPDX-License-Identifier: GPL-2.0-only
/*
 * The programs of the tables that struct_ops_bench registers and swaps. The
 * table here tells libbpf what the programs are for.
 */
#include "reno.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops table = {
	.ssthresh = (void *)reno_ssthresh,
	.cong_avoid = (void *)reno_cong_avoid,
	.undo_cwnd = (void *)reno_undo_cwnd,
	.name = "bench",
};
