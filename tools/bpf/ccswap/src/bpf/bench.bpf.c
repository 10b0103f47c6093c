// SPDX-License-Identifier: GPL-2.0-only
/* What struct_ops_bench registers and swaps: 64 names, two tables for each. */
#include "reno.h"

#define TABLE(table, id)					\
	SEC(".struct_ops.link")					\
	struct tcp_congestion_ops table##id = {			\
		.ssthresh = (void *)reno_ssthresh,		\
		.cong_avoid = (void *)reno_cong_avoid,		\
		.undo_cwnd = (void *)reno_undo_cwnd,		\
		.name = "bench" #id,				\
	};
#define PAIR(id) TABLE(a, id) TABLE(b, id)
#define EIGHT(n)						\
	PAIR(n##0) PAIR(n##1) PAIR(n##2) PAIR(n##3)		\
	PAIR(n##4) PAIR(n##5) PAIR(n##6) PAIR(n##7)

EIGHT(0)
EIGHT(1)
EIGHT(2)
EIGHT(3)
EIGHT(4)
EIGHT(5)
EIGHT(6)
EIGHT(7)
