// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of struct_ops links: counts events, and keeps the last of each */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

/* Whose events are counted */
pid_t pid;

int creates;
__u32 create_link;
__u32 create_map;
char create_type[32];

int updates;
__u32 update_link;
__u32 update_old_map;
__u32 update_new_map;
__u64 update_ns;

int detaches;
__u32 detach_link;
__u32 detach_map;

int releases;
__u32 release_link;
__u32 release_map;

int refusals;
__u32 refused_cmd;
__u32 refused_link;
__u32 refused_map;
int refused_err;

static bool counted(void)
{
	return bpf_get_current_pid_tgid() >> 32 == pid;
}

SEC("tp_btf/struct_ops_link_create")
int BPF_PROG(on_create, __u32 link, __u32 map, const char *type)
{
	if (!counted())
		return 0;
	creates++;
	create_link = link;
	create_map = map;
	bpf_probe_read_kernel_str(create_type, sizeof(create_type), type);
	return 0;
}

SEC("tp_btf/struct_ops_link_update")
int BPF_PROG(on_update, __u32 link, __u32 old_map, __u32 new_map, __u64 ns)
{
	if (!counted())
		return 0;
	updates++;
	update_link = link;
	update_old_map = old_map;
	update_new_map = new_map;
	update_ns = ns;
	return 0;
}

SEC("tp_btf/struct_ops_link_detach")
int BPF_PROG(on_detach, __u32 link, __u32 map)
{
	if (!counted())
		return 0;
	detaches++;
	detach_link = link;
	detach_map = map;
	return 0;
}

SEC("tp_btf/struct_ops_link_release")
int BPF_PROG(on_release, __u32 link, __u32 map)
{
	if (!counted())
		return 0;
	releases++;
	release_link = link;
	release_map = map;
	return 0;
}

SEC("tp_btf/struct_ops_link_refused")
int BPF_PROG(on_refused, __u32 cmd, __u32 link, __u32 map, int err)
{
	if (!counted())
		return 0;
	refusals++;
	refused_cmd = cmd;
	refused_link = link;
	refused_map = map;
	refused_err = err;
	return 0;
}
