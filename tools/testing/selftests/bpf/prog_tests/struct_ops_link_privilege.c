// SPDX-License-Identifier: GPL-2.0-only
/* Who may use a struct_ops link. Making the map takes capabilities; after that, a
 * descriptor is the permission, in whichever process it is.
 */

#include <ctype.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <test_progs.h>
#include "cap_helpers.h"
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_lsm.skel.h"

#define EVERY_CAPABILITY	(~0ULL)
#define ADDRESS_DIGITS		12	/* of a kernel address, at least */

/* A thread without capabilities */
static void test_ordinary_user(void)
{
	/* Whichever type it is, the permission is tested first */
	LIBBPF_OPTS(bpf_map_create_opts, opts,
		    .map_flags = BPF_F_LINK,
		    .btf_vmlinux_value_type_id = 1);
	struct bpf_link_info info = {};
	__u32 len = sizeof(info), id = 0;
	struct cc_fixture f;
	__u64 caps;

	if (!cc_setup(&f) ||
	    !ASSERT_OK(cap_disable_effective(EVERY_CAPABILITY, &caps), "drop"))
		goto out;

	ASSERT_EQ(bpf_map_create(BPF_MAP_TYPE_STRUCT_OPS, "map", 4, 64, 1, &opts), -EPERM,
		  "map");
	f.link = link_create(f.a);
	if (ASSERT_OK_FD(f.link, "create")) {
		ASSERT_OK(link_update(f.link, f.b), "update");
		ASSERT_OK(link_replace(f.link, f.a, f.b), "replace");
		ASSERT_OK(bpf_link_get_info_by_fd(f.link, &info, &len), "info");
		ASSERT_EQ(bpf_link_get_fd_by_id(info.id), -EPERM, "by_id");
		ASSERT_EQ(bpf_link_get_next_id(id, &id), -EPERM, "next_id");
		ASSERT_OK(bpf_link_detach(f.link), "detach");
	}
	ASSERT_OK(cap_enable_effective(caps, NULL), "restore");
out:
	cc_teardown(&f);
}

static struct struct_ops_link_lsm *watch_hooks(void)
{
	struct struct_ops_link_lsm *skel;

	skel = struct_ops_link_lsm__open_and_load();
	if (!ASSERT_OK_PTR(skel, "load_lsm"))
		return NULL;
	skel->bss->tid = sys_gettid();
	if (!ASSERT_OK(struct_ops_link_lsm__attach(skel), "attach_lsm")) {
		struct_ops_link_lsm__destroy(skel);
		return NULL;
	}
	return skel;
}

static void forget_asked(struct struct_ops_link_lsm *skel)
{
	skel->bss->commands = 0;
	skel->bss->maps = 0;
	skel->bss->capabilities = 0;
}

/* Checks what was asked since the last check: about one command, and nothing else */
static void check_asked(struct struct_ops_link_lsm *skel, const char *name)
{
	ASSERT_EQ(skel->bss->commands, 1, name);
	ASSERT_EQ(skel->bss->maps, 0, name);
	ASSERT_EQ(skel->bss->capabilities, 0, name);
	forget_asked(skel);
}

/* The security hooks are asked where C asks them */
static void test_asked(void)
{
	struct struct_ops_link_lsm *skel = NULL;
	struct cc_fixture f;

	if (!cc_setup(&f))
		goto out;
	skel = watch_hooks();
	if (!skel)
		goto out;

	forget_asked(skel);
	f.link = link_create(f.a);
	check_asked(skel, "create");
	ASSERT_EQ(link_create(f.b), -EEXIST, "exists");
	check_asked(skel, "create_exists");
	link_update(f.link, f.b);
	check_asked(skel, "update");
	link_replace(f.link, f.a, f.b);
	check_asked(skel, "replace");
	link_replace(f.link, f.a, f.b);
	check_asked(skel, "replace_other");
	bpf_link_detach(f.link);
	check_asked(skel, "detach");
out:
	struct_ops_link_lsm__destroy(skel);
	cc_teardown(&f);
}

/* A call that a security hook denies changes nothing */
static void test_denied(void)
{
	struct struct_ops_link_lsm *skel = NULL;
	struct cc_fixture f;
	int links;

	if (!cc_setup_link(&f))
		goto out;
	links = count_links();
	skel = watch_hooks();
	if (!skel)
		goto out;

	skel->data->denied = BPF_LINK_CREATE;
	ASSERT_EQ(link_create(f.other), -EACCES, "create");
	skel->data->denied = BPF_LINK_UPDATE;
	ASSERT_EQ(link_update(f.link, f.b), -EACCES, "update");
	ASSERT_EQ(link_replace(f.link, f.b, f.a), -EACCES, "replace");
	skel->data->denied = BPF_LINK_DETACH;
	ASSERT_EQ(bpf_link_detach(f.link), -EACCES, "detach");
	skel->data->denied = -1;

	ASSERT_EQ(count_links(), links, "links");
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 0, "other_not_listed");
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	check_link_map(f.link, map_id(f.a));
out:
	struct_ops_link_lsm__destroy(skel);
	cc_teardown(&f);
}

/* A message of one byte, with a descriptor */
struct fd_message {
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec data;
	struct msghdr msg;
};

static struct msghdr *fd_message(struct fd_message *m)
{
	memset(m, 0, sizeof(*m));
	m->data = (struct iovec) { .iov_base = &m->byte, .iov_len = 1 };
	m->msg = (struct msghdr) {
		.msg_iov = &m->data,
		.msg_iovlen = 1,
		.msg_control = m->control,
		.msg_controllen = sizeof(m->control),
	};
	return &m->msg;
}

static int send_fd(int socket, int fd)
{
	struct fd_message m;
	struct msghdr *msg = fd_message(&m);
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	return sendmsg(socket, msg, 0) == 1 ? 0 : -errno;
}

static int receive_fd(int socket)
{
	struct fd_message m;
	struct msghdr *msg = fd_message(&m);
	struct cmsghdr *cmsg;
	int fd;

	if (recvmsg(socket, msg, 0) != 1)
		return -errno;
	cmsg = CMSG_FIRSTHDR(msg);
	if (!cmsg || cmsg->cmsg_type != SCM_RIGHTS)
		return -ENOMSG;
	memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

/* Creates a link that only a message between two sockets holds. cc_teardown() must be
 * called, even if this failed.
 */
static bool send_link(struct cc_fixture *f, int *pair)
{
	if (!cc_setup_link(f) ||
	    !ASSERT_OK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), "socketpair"))
		return false;
	ASSERT_OK(send_fd(pair[0], f->link), "send");
	cc_close_link(f);
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed_in_flight");
	return true;
}

/* Receives a link, updates it, says so, and keeps it until it is killed */
static void keep_received(int socket, int map)
{
	int link = receive_fd(socket);
	char done = link >= 0 && !link_update(link, map);

	write(socket, &done, 1);
	pause();
	_exit(0);
}

/* Another process gets the link over a socket, and is the last to have it */
static void test_passed(void)
{
	struct cc_fixture f;
	int pair[2];
	char done;
	pid_t pid;

	if (!send_link(&f, pair))
		goto out;

	pid = fork();
	if (!pid) {
		close(pair[0]);
		keep_received(pair[1], f.b);
	}
	close(pair[1]);
	if (ASSERT_GT(pid, 0, "fork")) {
		ASSERT_EQ(read(pair[0], &done, 1), 1, "answer");
		ASSERT_EQ(done, 1, "update");
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		ASSERT_TRUE(wait_until(!cc_listed(LINK_CC)), "unregistered");
	}
	close(pair[0]);
out:
	cc_teardown(&f);
}

/* Nobody takes the link out of the socket */
static void test_never_received(void)
{
	struct cc_fixture f;
	int pair[2];

	if (!send_link(&f, pair))
		goto out;
	close(pair[0]);
	close(pair[1]);
	ASSERT_TRUE(wait_until(!cc_listed(LINK_CC)), "unregistered");
out:
	cc_teardown(&f);
}

/* A child has the link after its parent has closed it, until the child executes a
 * program
 */
static void test_exec(void)
{
	struct cc_fixture f;
	int wake[2];
	pid_t pid;
	char byte;

	if (!cc_setup_link(&f) || !ASSERT_OK(pipe(wake), "pipe"))
		goto out;
	pid = fork();
	if (!pid) {
		close(wake[1]);
		read(wake[0], &byte, 1);
		execl("/bin/sleep", "sleep", "1000", NULL);
		_exit(1);
	}
	close(wake[0]);
	cc_close_link(&f);
	if (ASSERT_GT(pid, 0, "fork")) {
		ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
		ASSERT_EQ(write(wake[1], "", 1), 1, "wake");
		ASSERT_TRUE(wait_until(!cc_listed(LINK_CC)), "unregistered");
		ASSERT_EQ(waitpid(pid, NULL, WNOHANG), 0, "still_runs");
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	}
	close(wake[1]);
out:
	cc_teardown(&f);
}

/* The most hexadecimal digits in a row */
static int most_digits(const char *text)
{
	int run = 0, most = 0;

	for (; *text; text++) {
		run = isxdigit(*text) ? run + 1 : 0;
		most = MAX(most, run);
	}
	return most;
}

/* fdinfo and info show ids, and no address */
static void test_no_address(void)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info), *words = (__u32 *)&info;
	char path[64], line[128];
	struct cc_fixture f;
	FILE *file;
	int i;

	if (!cc_setup_link(&f))
		goto out;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", f.link);
	file = fopen(path, "r");
	if (!ASSERT_OK_PTR(file, "fdinfo"))
		goto out;
	while (fgets(line, sizeof(line), file))
		ASSERT_LT(most_digits(line), ADDRESS_DIGITS, line);
	fclose(file);

	ASSERT_OK(bpf_link_get_info_by_fd(f.link, &info, &len), "info");
	for (i = 0; i < len / sizeof(*words); i++)
		ASSERT_LT(words[i], 1U << 31, "info_word");
out:
	cc_teardown(&f);
}

void serial_test_struct_ops_link_privilege(void)
{
	if (test__start_subtest("ordinary_user"))
		test_ordinary_user();
	if (test__start_subtest("asked"))
		test_asked();
	if (test__start_subtest("denied"))
		test_denied();
	if (test__start_subtest("passed"))
		test_passed();
	if (test__start_subtest("never_received"))
		test_never_received();
	if (test__start_subtest("exec"))
		test_exec();
	if (test__start_subtest("no_address"))
		test_no_address();
}
