// SPDX-License-Identifier: GPL-2.0-only
/* More congestion controls than the sysctls that list them have room for */

#include "bpf_tracing_net.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TCP_CONG_NON_RESTRICTED	0x1

char _license[] SEC("license") = "GPL";

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

SEC("struct_ops")
void BPF_PROG(cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops")
__u32 BPF_PROG(ssthresh, struct sock *sk)
{
	return tcp_reno_ssthresh(sk);
}

SEC("struct_ops")
__u32 BPF_PROG(undo_cwnd, struct sock *sk)
{
	return tcp_reno_undo_cwnd(sk);
}

/* Names of the maximum length */
#define CC(n)								\
	SEC(".struct_ops.link")						\
	struct tcp_congestion_ops cc_##n = {				\
		.cong_avoid = (void *)cong_avoid,			\
		.ssthresh = (void *)ssthresh,				\
		.undo_cwnd = (void *)undo_cwnd,				\
		.flags = TCP_CONG_NON_RESTRICTED,			\
		.name = "link_cc_many" #n,				\
	}

#define TEN_CC(n)							\
	CC(n##0); CC(n##1); CC(n##2); CC(n##3); CC(n##4);		\
	CC(n##5); CC(n##6); CC(n##7); CC(n##8); CC(n##9)

TEN_CC(10); TEN_CC(11); TEN_CC(12); TEN_CC(13); TEN_CC(14); TEN_CC(15); TEN_CC(16);
TEN_CC(17); TEN_CC(18); TEN_CC(19); TEN_CC(20); TEN_CC(21); TEN_CC(22); TEN_CC(23);
