// SPDX-License-Identifier: GPL-2.0-only
/* struct_ops types other than tcp_congestion_ops: bpf_testmod's and sched_ext */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "../test_kmods/bpf_testmod.h"
#include "bpf_arena_common.h"
#include "struct_ops_link_pause.h"

char _license[] SEC("license") = "GPL";

/* bpf_testmod calls test_1 when it registers a table: these count registrations */
int ops_regs;
int ops2_regs;

SEC("struct_ops")
int BPF_PROG(ops_test_1)
{
	ops_regs++;
	return 0;
}

SEC("struct_ops")
int BPF_PROG(ops_pause_test_1)
{
	pause_first();
	return 0;
}

SEC("fentry/bpf_testmod:bpf_dummy_unreg")
int BPF_PROG(pause_in_unreg)
{
	pause_first();
	return 0;
}

SEC("fentry/bpf_tcp_ca_unreg")
int BPF_PROG(pause_in_tcp_unreg)
{
	pause_first();
	return 0;
}

SEC("fentry/bpf_scx_unreg")
int BPF_PROG(pause_in_scx_unreg)
{
	pause_first();
	return 0;
}

struct {
	__uint(type, BPF_MAP_TYPE_ARENA);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);		/* page */
} arena SEC(".maps");

/* sched_ext_ops_cid requires an arena */
SEC("struct_ops.s")
int BPF_PROG(scx_cid_init)
{
	return bpf_arena_alloc_pages(&arena, NULL, 1, NUMA_NO_NODE, 0) ? 0 : -12;
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
struct bpf_testmod_ops ops_pause = {
	.test_1 = (void *)ops_pause_test_1,
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
struct bpf_testmod_ops3 ops3_second = {
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

/* Cannot be registered: bpf_testmod requires test_1 */
SEC(".struct_ops.link")
struct bpf_testmod_multi_st_ops multi_empty = {
};

/* The type has an update, which always fails */
SEC(".struct_ops.link")
struct sched_ext_ops scx = {
	.name = "link_scx",
};

SEC(".struct_ops.link")
struct sched_ext_ops_cid scx_cid = {
	.init = (void *)scx_cid_init,
	.name = "link_scx_cid",
};
