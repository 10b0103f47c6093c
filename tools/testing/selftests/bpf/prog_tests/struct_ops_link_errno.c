// SPDX-License-Identifier: GPL-2.0-only
/* What struct_ops links refuse, with which error, and that it changes nothing */

#include <sys/resource.h>
#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define NO_FD		9999	/* never open */
#define NO_FLAG		0x8000	/* means nothing to BPF_LINK_UPDATE */

static struct struct_ops_link_cc *skel;
static int a, b, other, unready, no_link, array;
static int link_fd;		/* on a */
static __u32 a_id;
static int held;		/* links, with link_fd */

static bool setup(void)
{
	link_fd = -1;
	array = -1;
	skel = cc_load();
	if (!skel)
		return false;

	a = bpf_map__fd(skel->maps.cc_a);
	b = bpf_map__fd(skel->maps.cc_b);
	other = bpf_map__fd(skel->maps.cc_other);
	unready = bpf_map__fd(skel->maps.cc_unready);
	no_link = bpf_map__fd(skel->maps.cc_no_link);
	a_id = map_id(a);

	array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "link_array", 4, 4, 1, NULL);
	link_fd = link_create(a);
	held = links_held();
	return ASSERT_OK_FD(array, "array") && ASSERT_OK_FD(link_fd, "create");
}

/* Whatever was refused, the maps are as good as before */
static void teardown(void)
{
	if (!skel)
		return;
	if (link_fd >= 0 && cc_listed(LINK_CC)) {
		ASSERT_OK(link_update(link_fd, b), "update_in_the_end");
		link_backed_by(link_fd, map_id(b));
	}
	cc_unload(skel, link_fd);
	if (array >= 0)
		close(array);
}

/* Ends every attempt: the error is this one, and all else as it was */
static void refused(int got, int err, const char *name)
{
	bool detached = !cc_listed(LINK_CC);

	if (!ASSERT_EQ(got, -err, name) && got >= 0)
		close(got);
	ASSERT_EQ(cc_listed(LINK_CC), detached ? 0 : 1, name);
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 0, name);
	ASSERT_EQ(links_held(), held, name);
	if (!link_backed_by(link_fd, detached ? 0 : a_id))
		ASSERT_FAIL("%s changed the link", name);
}

static void test_create(void)
{
	struct bpf_link *registered;
	int null;

	refused(link_create(NO_FD), EBADF, "bad_fd");

	null = open("/dev/null", O_RDONLY);
	refused(link_create(null), EINVAL, "not_a_map");
	close(null);

	refused(link_create(array), EINVAL, "not_a_struct_ops_map");
	refused(link_create(unready), EINVAL, "not_ready");
	refused(link_create(no_link), EINVAL, "no_f_link");

	registered = bpf_map__attach_struct_ops(skel->maps.cc_no_link);
	if (ASSERT_OK_PTR(registered, "attach_no_link")) {
		refused(link_create(no_link), EINVAL, "registered_no_f_link");
		bpf_link__destroy(registered);
	}
}

/* The name is taken, by another map or by the same */
static void test_create_exists(void)
{
	refused(link_create(b), EEXIST, "other_map");
	refused(link_create(a), EEXIST, "same_map");

	/* What was refused can be had once the name is free */
	close(link_fd);
	link_fd = link_create(b);
	if (!ASSERT_OK_FD(link_fd, "create"))
		return;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	link_backed_by(link_fd, map_id(b));
	ASSERT_OK(link_update(link_fd, a), "update");
	link_backed_by(link_fd, a_id);
}

/* No fd is left for the link: it has gone half the way by then */
static void test_create_no_fd(void)
{
	struct rlimit old, none;
	int lowest, got;

	lowest = dup(link_fd);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = lowest;
	if (!ASSERT_OK(setrlimit(RLIMIT_NOFILE, &none), "setrlimit"))
		return;
	got = link_create(other);
	setrlimit(RLIMIT_NOFILE, &old);
	refused(got, EMFILE, "create");

	got = link_create(other);
	if (ASSERT_OK_FD(got, "create_later"))
		close(got);
}

static int update(int link, int map, __u32 flags, int old_map)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts,
		    .flags = flags,
		    .old_map_fd = old_map);

	return bpf_link_update(link, map, &opts);
}

static void test_update(void)
{
	struct bpf_link *registered;

	refused(update(NO_FD, b, 0, 0), EBADF, "bad_link_fd");
	refused(update(a, b, 0, 0), EINVAL, "not_a_link");
	refused(update(link_fd, NO_FD, 0, 0), EBADF, "bad_map_fd");
	refused(update(link_fd, link_fd, 0, 0), EINVAL, "not_a_map");
	refused(update(link_fd, array, 0, 0), EINVAL, "not_a_struct_ops_map");
	refused(update(link_fd, unready, 0, 0), EINVAL, "not_ready");
	refused(update(link_fd, no_link, 0, 0), EINVAL, "no_f_link");
	refused(update(link_fd, other, 0, 0), EINVAL, "other_name");
	refused(update(link_fd, b, NO_FLAG, 0), EINVAL, "unknown_flag");

	registered = bpf_map__attach_struct_ops(skel->maps.cc_no_link);
	if (ASSERT_OK_PTR(registered, "attach_no_link")) {
		refused(update(link_fd, no_link, 0, 0), EINVAL, "registered_no_f_link");
		bpf_link__destroy(registered);
	}
}

static void test_update_replace(void)
{
	refused(update(link_fd, b, 0, a), EINVAL, "old_map_without_replace");
	refused(update(link_fd, b, BPF_F_REPLACE, NO_FD), EBADF, "bad_old_map_fd");
	refused(update(link_fd, b, BPF_F_REPLACE, link_fd), EINVAL, "old_is_not_a_map");
	refused(update(link_fd, b, BPF_F_REPLACE, b), EPERM, "expected_is_the_new");
	refused(update(link_fd, b, BPF_F_REPLACE, unready), EPERM, "expected_unready");
	refused(update(link_fd, b, BPF_F_REPLACE, array), EPERM, "expected_an_array");
	refused(update(link_fd, b, BPF_F_REPLACE | NO_FLAG, a), EINVAL, "unknown_flag");
	refused(update(link_fd, other, BPF_F_REPLACE, a), EINVAL, "other_name");
}

/* A name that another link holds is another name, also for a map in use */
static void test_update_other_link(void)
{
	int second;

	second = link_create(other);
	if (!ASSERT_OK_FD(second, "create_other"))
		return;
	ASSERT_EQ(update(link_fd, other, 0, 0), -EINVAL, "update_to_other");
	ASSERT_EQ(update(second, a, 0, 0), -EINVAL, "update_other");
	ASSERT_EQ(update(second, b, 0, 0), -EINVAL, "update_other_to_b");
	link_backed_by(link_fd, a_id);
	link_backed_by(second, map_id(other));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 1, "other_listed");
	close(second);
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 0, "other_not_listed");
}

static void test_update_detached(void)
{
	if (!ASSERT_OK(bpf_link_detach(link_fd), "detach"))
		return;
	refused(update(link_fd, a, 0, 0), ENOLINK, "same_map");
	refused(update(link_fd, b, 0, 0), ENOLINK, "other_map");
	refused(update(link_fd, b, BPF_F_REPLACE, a), ENOLINK, "replace");
	refused(update(link_fd, b, BPF_F_REPLACE, b), ENOLINK, "replace_wrong");
	refused(update(link_fd, other, 0, 0), ENOLINK, "other_name");
}

/* Where two errors are due, the one that upstream finds first */
static void test_first_error(void)
{
	refused(update(NO_FD, b, NO_FLAG, 0), EINVAL, "flag_before_link_fd");
	refused(update(NO_FD, NO_FD, 0, a), EBADF, "link_fd_before_old_map");
	refused(update(link_fd, NO_FD, 0, a), EBADF, "map_fd_before_old_map");
	refused(update(link_fd, array, BPF_F_REPLACE, NO_FD), EBADF, "old_map_fd_before_type");
	refused(update(link_fd, unready, BPF_F_REPLACE, b), EINVAL, "ready_before_expected");
	refused(update(link_fd, other, BPF_F_REPLACE, b), EPERM, "expected_before_name");

	if (!ASSERT_OK(bpf_link_detach(link_fd), "detach"))
		return;
	refused(update(link_fd, unready, 0, 0), EINVAL, "ready_before_detached");
	refused(update(link_fd, b, BPF_F_REPLACE, NO_FD), EBADF, "old_map_fd_before_detached");
	refused(update(link_fd, b, BPF_F_REPLACE, other), ENOLINK, "detached_before_expected");
}

static void test_detach(void)
{
	refused(bpf_link_detach(NO_FD), EBADF, "bad_fd");
	refused(bpf_link_detach(a), EINVAL, "not_a_link");
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "create", test_create },
	{ "create_exists", test_create_exists },
	{ "create_no_fd", test_create_no_fd },
	{ "update", test_update },
	{ "update_replace", test_update_replace },
	{ "update_other_link", test_update_other_link },
	{ "update_detached", test_update_detached },
	{ "first_error", test_first_error },
	{ "detach", test_detach },
};

void serial_test_struct_ops_link_errno(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(tests[i].name))
			continue;
		if (setup())
			tests[i].run();
		teardown();
	}
}
