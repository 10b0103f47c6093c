// SPDX-License-Identifier: GPL-2.0-only
/* Minimal tables of the kernel's own struct_ops types */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

extern void bpf_qdisc_skb_drop(struct sk_buff *skb, struct bpf_sk_buff_ptr *to_free) __ksym;

SEC("struct_ops")
int BPF_PROG(enqueue, struct sk_buff *skb, struct Qdisc *sch, struct bpf_sk_buff_ptr *to_free)
{
	bpf_qdisc_skb_drop(skb, to_free);
	return 0;
}

SEC("struct_ops")
struct sk_buff *BPF_PROG(dequeue, struct Qdisc *sch)
{
	return NULL;
}

SEC("struct_ops")
int BPF_PROG(init, struct Qdisc *sch)
{
	return 0;
}

SEC("struct_ops")
void BPF_PROG(reset, struct Qdisc *sch)
{
}

SEC("struct_ops")
void BPF_PROG(destroy, struct Qdisc *sch)
{
}

SEC("struct_ops.s")
bool BPF_PROG(match, struct linux_binprm *bprm)
{
	return false;
}

SEC("struct_ops.s")
int BPF_PROG(load, struct linux_binprm *bprm)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(loop_step, struct iou_ctx *iou, struct iou_loop_params *params)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(syn_option, struct tcp_sock *tp)
{
	return 0;
}

SEC(".struct_ops.link")
struct Qdisc_ops qdisc = {
	.enqueue = (void *)enqueue,
	.dequeue = (void *)dequeue,
	.init = (void *)init,
	.reset = (void *)reset,
	.destroy = (void *)destroy,
	.id = "link_qdisc",
};

SEC(".struct_ops.link")
struct binfmt_misc_ops binfmt_misc = {
	.match = (void *)match,
	.load = (void *)load,
	.name = "link_binfmt",
};

SEC(".struct_ops.link")
struct io_uring_bpf_ops io_uring = {
	.loop_step = (void *)loop_step,
};

SEC(".struct_ops.link")
struct smc_hs_ctrl smc = {
	.syn_option = (void *)syn_option,
	.name = "link_smc",
};
