// SPDX-License-Identifier: GPL-2.0-only
/* Two congestion controls with one name, told apart by what they count */

#include "bpf_tracing_net.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

extern __u32 tcp_reno_ssthresh(struct sock *sk) __ksym;
extern void tcp_reno_cong_avoid(struct sock *sk, __u32 ack, __u32 acked) __ksym;
extern __u32 tcp_reno_undo_cwnd(struct sock *sk) __ksym;

__u64 a_inits;
__u64 a_releases;
__u64 a_acks;
__u64 b_inits;
__u64 b_releases;
__u64 b_acks;

SEC("struct_ops")
void BPF_PROG(a_init, struct sock *sk)
{
	__sync_fetch_and_add(&a_inits, 1);
}

SEC("struct_ops")
void BPF_PROG(a_release, struct sock *sk)
{
	__sync_fetch_and_add(&a_releases, 1);
}

SEC("struct_ops")
void BPF_PROG(a_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&a_acks, 1);
	tcp_reno_cong_avoid(sk, ack, acked);
}

SEC("struct_ops")
void BPF_PROG(b_init, struct sock *sk)
{
	__sync_fetch_and_add(&b_inits, 1);
}

SEC("struct_ops")
void BPF_PROG(b_release, struct sock *sk)
{
	__sync_fetch_and_add(&b_releases, 1);
}

SEC("struct_ops")
void BPF_PROG(b_cong_avoid, struct sock *sk, __u32 ack, __u32 acked)
{
	__sync_fetch_and_add(&b_acks, 1);
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

SEC(".struct_ops.link")
struct tcp_congestion_ops cc_a = {
	.init = (void *)a_init,
	.release = (void *)a_release,
	.cong_avoid = (void *)a_cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "link_cc",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops cc_b = {
	.init = (void *)b_init,
	.release = (void *)b_release,
	.cong_avoid = (void *)b_cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "link_cc",
};

/* Another name */
SEC(".struct_ops.link")
struct tcp_congestion_ops cc_other = {
	.cong_avoid = (void *)a_cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "link_cc_other",
};

/* Created, but its value is never set, so the map is not READY */
SEC(".struct_ops.link")
struct tcp_congestion_ops cc_unready = {
	.cong_avoid = (void *)a_cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "link_cc",
};

/* Cannot back a link: the map has no BPF_F_LINK */
SEC(".struct_ops")
struct tcp_congestion_ops cc_no_link = {
	.cong_avoid = (void *)a_cong_avoid,
	.ssthresh = (void *)ssthresh,
	.undo_cwnd = (void *)undo_cwnd,
	.name = "link_cc_no_link",
};
