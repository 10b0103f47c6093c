/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The operations that the test tables share: Reno, from the kernel. The
 * question mark lets a table leave one out.
 */
#ifndef CCSWAP_TEST_TABLE_H
#define CCSWAP_TEST_TABLE_H

#include "congestion.h"

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;

SEC("?struct_ops")
void BPF_PROG(table_init, struct sock *sk)
{
	count_connection(sk);
}

SEC("?struct_ops")
__u32 BPF_PROG(table_ssthresh, struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

SEC("?struct_ops")
void BPF_PROG(table_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("?struct_ops")
__u32 BPF_PROG(table_undo_cwnd, struct sock *sk)
{
	return tcp_reno_undo_cwnd(sk);
}

#define TABLE(NAME) {					\
	.init = (void *)table_init,			\
	.ssthresh = (void *)table_ssthresh,		\
	.cong_avoid = (void *)table_cong_avoid,		\
	.undo_cwnd = (void *)table_undo_cwnd,		\
	.name = NAME,					\
}

#endif
