// SPDX-License-Identifier: GPL-2.0-only
/* A user namespace gets as far with struct_ops links as its BPF token lets it make maps
 * and load programs. The link itself asks for nothing.
 */

#include <linux/bpf.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"

#define ANY	(~0ULL)

/* What a BPF file system delegates to the tokens that are made from it */
struct delegated {
	__u64 commands, maps, programs;
};

/* Sets that, which takes privilege, and makes the file system */
static int delegate(int fs, const struct delegated *delegated)
{
	const struct {
		const char *option;
		__u64 mask;
	} options[] = {
		{ "delegate_cmds", delegated->commands },
		{ "delegate_maps", delegated->maps },
		{ "delegate_progs", delegated->programs },
		{ "delegate_attachs", ANY },
	};
	char mask[32];
	int i;

	for (i = 0; i < ARRAY_SIZE(options); i++) {
		snprintf(mask, sizeof(mask), "0x%llx", options[i].mask);
		if (syscall(__NR_fsconfig, fs, FSCONFIG_SET_STRING, options[i].option, mask, 0))
			return -errno;
	}
	return syscall(__NR_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) ? -errno : 0;
}

static bool write_line(const char *path, const char *line)
{
	FILE *f = fopen(path, "w");

	return f && fputs(line, f) >= 0 && !fclose(f);
}

/* Puts this process into a user namespace, as its root */
static bool enter_namespace(void)
{
	return !unshare(CLONE_NEWUSER | CLONE_NEWNS) &&
	       write_line("/proc/self/setgroups", "deny") &&
	       write_line("/proc/self/uid_map", "0 0 1") &&
	       write_line("/proc/self/gid_map", "0 0 1");
}

/* Uses a link from its creation to its end. Returns what did not work, or "nothing". */
static const char *use_link(struct struct_ops_link_cc *skel)
{
	int a = bpf_map__fd(skel->maps.cc_a), b = bpf_map__fd(skel->maps.cc_b), link;

	if (!map_make_ready(skel->maps.cc_a) || !map_make_ready(skel->maps.cc_b))
		return "value";
	link = link_create(a);
	if (link < 0 || cc_listed(LINK_CC) != 1)
		return "create";
	if (link_update(link, b) || link_replace(link, a, b) || !check_link_map(link, map_id(a)))
		return "update";
	if (bpf_link_detach(link) || cc_listed(LINK_CC))
		return "detach";
	close(link);
	link = link_create(b);
	if (link < 0 || cc_listed(LINK_CC) != 1)
		return "create again";
	return "nothing";
}

/* Does that in the namespace, by a token of this file system */
static const char *use_token(int fs)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	LIBBPF_OPTS(bpf_map_create_opts, map_opts,
		    .map_flags = BPF_F_LINK,
		    .btf_vmlinux_value_type_id = 1);
	struct struct_ops_link_cc *skel;
	char path[64];
	int mount;

	mount = syscall(__NR_fsmount, fs, 0, 0);
	if (mount < 0)
		return "mount";
	if (bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, "map", 4, 64, 1, &map_opts) != -EPERM)
		return "map without a token";
	snprintf(path, sizeof(path), "/proc/self/fd/%d", mount);
	opts.bpf_token_path = path;
	skel = struct_ops_link_cc__open_opts(&opts);
	if (!skel)
		return "open";
	if (struct_ops_link_cc__load(skel))
		return "load";
	return use_link(skel);
}

static void run_in_namespace(int socket)
{
	const char *failed;
	int fs = -1;

	if (enter_namespace())
		fs = syscall(__NR_fsopen, "bpf", 0);
	if (fs < 0)
		_exit(1);
	write(socket, &fs, sizeof(fs));
	read(socket, &fs, sizeof(fs));
	failed = use_token(fs);
	write(socket, failed, strlen(failed) + 1);
	_exit(0);
}

/* Delegates to the namespace of a process what it waits for */
static bool serve(pid_t pid, int socket, const struct delegated *delegated)
{
	int theirs, pidfd, fs, err;

	if (!ASSERT_EQ(read(socket, &theirs, sizeof(theirs)), sizeof(theirs), "file_system"))
		return false;
	pidfd = syscall(__NR_pidfd_open, pid, 0);
	if (!ASSERT_OK_FD(pidfd, "pidfd_open"))
		return false;
	fs = syscall(__NR_pidfd_getfd, pidfd, theirs, 0);
	close(pidfd);
	if (!ASSERT_OK_FD(fs, "pidfd_getfd"))
		return false;
	err = delegate(fs, delegated);
	close(fs);
	return ASSERT_OK(err, "delegate") &&
	       ASSERT_EQ(write(socket, &theirs, sizeof(theirs)), sizeof(theirs), "go_on");
}

/* Checks what does not work in a user namespace with such a token */
static void check_fails(const struct delegated *delegated, const char *what)
{
	char failed[64] = "";
	int pair[2];
	pid_t pid;

	if (!ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair"))
		return;
	pid = fork();
	if (!pid) {
		close(pair[0]);
		run_in_namespace(pair[1]);
	}
	close(pair[1]);
	if (ASSERT_GT(pid, 0, "fork")) {
		if (serve(pid, pair[0], delegated)) {
			read(pair[0], failed, sizeof(failed) - 1);
			ASSERT_STREQ(failed, what, "what_fails");
		}
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		ASSERT_TRUE(wait_until(!cc_listed(LINK_CC)), "unregistered");
	}
	close(pair[0]);
}

void serial_test_struct_ops_link_token(void)
{
	if (test__start_subtest("all"))
		check_fails(&(struct delegated) { ANY, ANY, ANY }, "nothing");
	if (test__start_subtest("no_struct_ops_maps"))
		check_fails(&(struct delegated) {
			ANY, ~(1ULL << BPF_MAP_TYPE_STRUCT_OPS), ANY }, "load");
	if (test__start_subtest("no_struct_ops_programs"))
		check_fails(&(struct delegated) {
			ANY, ANY, ~(1ULL << BPF_PROG_TYPE_STRUCT_OPS) }, "load");
	/* What is asked for a link is not a matter of the token */
	if (test__start_subtest("no_link_commands"))
		check_fails(&(struct delegated) {
			~(1ULL << BPF_LINK_CREATE | 1ULL << BPF_LINK_UPDATE |
			  1ULL << BPF_LINK_DETACH), ANY, ANY }, "nothing");
}
