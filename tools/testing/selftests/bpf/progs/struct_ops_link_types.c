// SPDX-License-Identifier: GPL-2.0-only
/* Struct_ops types other than congestion control: bpf_testmod's and sched_ext */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "../test_kmods/bpf_testmod.h"
#include "struct_ops_link_wait.h"

char _license[] SEC("license") = "GPL";

/* bpf_testmod calls these when it registers the type's table */
int ops_regs;
int ops2_regs;

SEC("struct_ops")
int BPF_PROG(ops_test_1)
{
	ops_regs++;
	return 0;
}

SEC("struct_ops")
int BPF_PROG(ops_slow_test_1)
{
	wait_alone();
	return 0;
}

SEC("fentry/bpf_testmod:bpf_dummy_unreg")
int BPF_PROG(slow_unreg)
{
	wait_alone();
	return 0;
}

SEC("fentry/bpf_tcp_ca_unreg")
int BPF_PROG(slow_tcp_unreg)
{
	wait_alone();
	return 0;
}

SEC("struct_ops")
int BPF_PROG(ops2_test_1)
{
	ops2_regs++;
	return 0;
}

SEC("struct_ops")
int BPF_PROG(ops3_test_1)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(st_ops_test_prologue, struct st_ops_args *args)
{
	return 0;
}

SEC("struct_ops")
int BPF_PROG(multi_test_1, struct st_ops_args *args)
{
	return 0;
}

SEC(".struct_ops.link")
struct bpf_testmod_ops ops = {
	.test_1 = (void *)ops_test_1,
};

SEC(".struct_ops.link")
struct bpf_testmod_ops ops_slow = {
	.test_1 = (void *)ops_slow_test_1,
};

SEC(".struct_ops.link")
struct bpf_testmod_ops2 ops2 = {
	.test_1 = (void *)ops2_test_1,
};

SEC(".struct_ops.link")
struct bpf_testmod_ops3 ops3 = {
	.test_1 = (void *)ops3_test_1,
};

SEC(".struct_ops.link")
struct bpf_testmod_ops3 ops3_too = {
	.test_1 = (void *)ops3_test_1,
};

SEC(".struct_ops.link")
struct bpf_testmod_st_ops st_ops = {
	.test_prologue = (void *)st_ops_test_prologue,
};

SEC(".struct_ops.link")
struct bpf_testmod_multi_st_ops multi = {
	.test_1 = (void *)multi_test_1,
};

/* Its registration fails: bpf_testmod wants a test_1 */
SEC(".struct_ops.link")
struct bpf_testmod_multi_st_ops multi_empty = {
};

/* Has an update, but one that refuses */
SEC(".struct_ops.link")
struct sched_ext_ops scx = {
	.name = "link_scx",
};
