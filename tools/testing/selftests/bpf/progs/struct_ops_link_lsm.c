// SPDX-License-Identifier: GPL-2.0-only
/* Counts what a thread asks the security hooks, and denies one bpf(2) command */

#include <vmlinux.h>
#include <errno.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

char _license[] SEC("license") = "GPL";

int tid;		/* the thread that is watched */
int denied = -1;	/* the command that it may not use */

int commands;		/* calls of bpf(2) */
int maps;		/* new descriptors of maps */
int capabilities;	/* tests of a capability */

static bool is_watched(void)
{
	return (int)bpf_get_current_pid_tgid() == tid;
}

SEC("lsm/bpf")
int BPF_PROG(on_command, int cmd, union bpf_attr *attr, unsigned int size, bool kernel)
{
	if (!is_watched())
		return 0;
	commands++;
	return cmd == denied ? -EACCES : 0;
}

SEC("lsm/bpf_map")
int BPF_PROG(on_map, struct bpf_map *map, fmode_t mode)
{
	if (is_watched())
		maps++;
	return 0;
}

SEC("lsm/capable")
int BPF_PROG(on_capable, const struct cred *cred, struct user_namespace *ns, int cap,
	     unsigned int opts)
{
	if (is_watched())
		capabilities++;
	return 0;
}
