// SPDX-License-Identifier: GPL-2.0-only
/* What struct_ops_bench registers and swaps: 64 names, two tables for each. */
#include "congestion.h"

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;

SEC("struct_ops")
__u32 BPF_PROG(bench_ssthresh, struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops")
void BPF_PROG(bench_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops")
__u32 BPF_PROG(bench_undo_cwnd, struct sock *sk)
{
	return tcp_reno_undo_cwnd(sk);
}

#define TABLE(table, id)					\
	SEC(".struct_ops.link")					\
	struct tcp_congestion_ops table##id = {			\
		.ssthresh = (void *)bench_ssthresh,		\
		.cong_avoid = (void *)bench_cong_avoid,		\
		.undo_cwnd = (void *)bench_undo_cwnd,		\
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
