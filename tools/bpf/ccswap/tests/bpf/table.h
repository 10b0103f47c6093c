/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations that the test tables share: Reno, and an account of the
 * connections that it starts.
 */
#ifndef CCSWAP_TEST_TABLE_H
#define CCSWAP_TEST_TABLE_H

#include "reno.h"

SEC("?struct_ops")
void BPF_PROG(table_init, struct sock *sk)
{
	count_connection(sk);
}

#define TABLE(NAME) {					\
	.init = (void *)table_init,			\
	.ssthresh = (void *)reno_ssthresh,		\
	.cong_avoid = (void *)reno_cong_avoid,		\
	.undo_cwnd = (void *)reno_undo_cwnd,		\
	.name = NAME,					\
}

#endif
