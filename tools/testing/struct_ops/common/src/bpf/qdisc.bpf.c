// SPDX-License-Identifier: GPL-2.0-only
/* A queueing discipline that drops every packet, and counts what it is asked. */
#include "congestion.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sk_buff {
	unsigned int len;
};

struct Qdisc {
	int flags;
};

struct bpf_sk_buff_ptr {
	struct sk_buff *skb;
};

struct Qdisc_ops {
	char id[16];
	int (*enqueue)(struct sk_buff *skb, struct Qdisc *sch, struct sk_buff **to_free);
	struct sk_buff *(*dequeue)(struct Qdisc *sch);
	int (*init)(struct Qdisc *sch, void *arg, void *extack);
	void (*reset)(struct Qdisc *sch);
	void (*destroy)(struct Qdisc *sch);
};

#pragma clang attribute pop

/* How many packets came, and how often one was asked for. A section becomes a map of its own. */
__u64 enqueued SEC(".bss.enqueued");
__u64 dequeued SEC(".bss.dequeued");

extern void bpf_qdisc_skb_drop(struct sk_buff *skb, struct bpf_sk_buff_ptr *to_free) __ksym;

SEC("struct_ops")
int BPF_PROG(qdisc_enqueue, struct sk_buff *skb, struct Qdisc *sch,
	     struct bpf_sk_buff_ptr *to_free)
{
	__sync_fetch_and_add(&enqueued, 1);
	bpf_qdisc_skb_drop(skb, to_free);
	return 1; /* NET_XMIT_DROP */
}

SEC("struct_ops")
struct sk_buff *BPF_PROG(qdisc_dequeue, struct Qdisc *sch)
{
	__sync_fetch_and_add(&dequeued, 1);
	return 0;
}

SEC("struct_ops")
int BPF_PROG(qdisc_init, struct Qdisc *sch)
{
	return 0;
}

SEC("struct_ops")
void BPF_PROG(qdisc_reset, struct Qdisc *sch)
{
}

SEC("struct_ops")
void BPF_PROG(qdisc_destroy, struct Qdisc *sch)
{
}

SEC(".struct_ops.link")
struct Qdisc_ops table = {
	.enqueue = (void *)qdisc_enqueue,
	.dequeue = (void *)qdisc_dequeue,
	.init = (void *)qdisc_init,
	.reset = (void *)qdisc_reset,
	.destroy = (void *)qdisc_destroy,
	.id = "unnamed",
};
