// SPDX-License-Identifier: GPL-2.0-only
/* The errors of struct_ops links. A call that fails changes nothing. */

#include <sys/resource.h>
#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"

#define BAD_FD		9999	/* never open */
#define BAD_FLAG	0x8000	/* unknown to BPF_LINK_UPDATE */

static struct cc_fixture f;
static int a, b, other, unready, no_link, array;
static __u32 a_id;
static int links;		/* in the system, with that of the fixture */

static bool setup(void)
{
	array = -1;
	if (!cc_setup_link(&f))
		return false;

	a = f.a;
	b = f.b;
	other = f.other;
	unready = bpf_map__fd(f.skel->maps.cc_unready);
	no_link = bpf_map__fd(f.skel->maps.cc_no_link);
	a_id = map_id(a);
	links = count_links();
	array = bpf_map_create(BPF_MAP_TYPE_ARRAY, "link_array", 4, 4, 1, NULL);
	return ASSERT_OK_FD(array, "array");
}

/* After all failed calls, the link can still be updated, unless it is detached */
static void teardown(void)
{
	if (f.link >= 0 && cc_listed(LINK_CC)) {
		ASSERT_OK(link_update(f.link, b), "update_after_errors");
		check_link_map(f.link, map_id(b));
	}
	cc_teardown(&f);
	if (array >= 0)
		close(array);
}

/* Checks the error that a call returned, and that it changed nothing */
static void check_error(int got, int err, const char *name)
{
	bool detached = !cc_listed(LINK_CC);

	if (!ASSERT_EQ(got, -err, name) && got >= 0)
		close(got);
	ASSERT_EQ(cc_listed(LINK_CC), detached ? 0 : 1, name);
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 0, name);
	ASSERT_EQ(count_links(), links, name);
	if (!check_link_map(f.link, detached ? 0 : a_id))
		ASSERT_FAIL("%s changed the link", name);
}

static void test_create(void)
{
	struct bpf_link *registered;
	int null;

	check_error(link_create(BAD_FD), EBADF, "bad_fd");

	null = open("/dev/null", O_RDONLY);
	check_error(link_create(null), EINVAL, "not_a_map");
	close(null);

	check_error(link_create(array), EINVAL, "not_a_struct_ops_map");
	check_error(link_create(unready), EINVAL, "not_ready");
	check_error(link_create(no_link), EINVAL, "no_f_link");

	registered = bpf_map__attach_struct_ops(f.skel->maps.cc_no_link);
	if (ASSERT_OK_PTR(registered, "attach_no_link")) {
		check_error(link_create(no_link), EINVAL, "registered_no_f_link");
		bpf_link__destroy(registered);
	}
}

/* The name is registered already, with another map or with the same one */
static void test_create_exists(void)
{
	check_error(link_create(b), EEXIST, "other_map");
	check_error(link_create(a), EEXIST, "same_map");

	/* The map can be linked when the name is unregistered */
	cc_close_link(&f);
	f.link = link_create(b);
	if (!ASSERT_OK_FD(f.link, "create"))
		return;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	check_link_map(f.link, map_id(b));
	ASSERT_OK(link_update(f.link, a), "update");
	check_link_map(f.link, a_id);
}

/* No fd is left for the link, which is allocated before the fd */
static void test_create_no_fd(void)
{
	struct rlimit old, none;
	int lowest, got;

	lowest = dup(f.link);
	close(lowest);
	getrlimit(RLIMIT_NOFILE, &old);
	none = old;
	none.rlim_cur = lowest;
	if (!ASSERT_OK(setrlimit(RLIMIT_NOFILE, &none), "setrlimit"))
		return;
	got = link_create(other);
	setrlimit(RLIMIT_NOFILE, &old);
	check_error(got, EMFILE, "create");

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

	check_error(update(BAD_FD, b, 0, 0), EBADF, "bad_link_fd");
	check_error(update(a, b, 0, 0), EINVAL, "not_a_link");
	check_error(update(f.link, BAD_FD, 0, 0), EBADF, "bad_map_fd");
	check_error(update(f.link, f.link, 0, 0), EINVAL, "not_a_map");
	check_error(update(f.link, array, 0, 0), EINVAL, "not_a_struct_ops_map");
	check_error(update(f.link, unready, 0, 0), EINVAL, "not_ready");
	check_error(update(f.link, no_link, 0, 0), EINVAL, "no_f_link");
	check_error(update(f.link, other, 0, 0), EINVAL, "other_name");
	check_error(update(f.link, b, BAD_FLAG, 0), EINVAL, "unknown_flag");

	registered = bpf_map__attach_struct_ops(f.skel->maps.cc_no_link);
	if (ASSERT_OK_PTR(registered, "attach_no_link")) {
		check_error(update(f.link, no_link, 0, 0), EINVAL, "registered_no_f_link");
		bpf_link__destroy(registered);
	}
}

static void test_update_replace(void)
{
	check_error(update(f.link, b, 0, a), EINVAL, "old_map_without_replace");
	check_error(update(f.link, b, BPF_F_REPLACE, BAD_FD), EBADF, "bad_old_map_fd");
	check_error(update(f.link, b, BPF_F_REPLACE, f.link), EINVAL, "old_is_not_a_map");
	check_error(update(f.link, b, BPF_F_REPLACE, b), EPERM, "expected_is_the_new");
	check_error(update(f.link, b, BPF_F_REPLACE, unready), EPERM, "expected_unready");
	check_error(update(f.link, b, BPF_F_REPLACE, array), EPERM, "expected_an_array");
	check_error(update(f.link, b, BPF_F_REPLACE | BAD_FLAG, a), EINVAL, "unknown_flag");
	check_error(update(f.link, other, BPF_F_REPLACE, a), EINVAL, "other_name");
}

/* A map with the name of another link cannot replace a map, even if it is linked */
static void test_update_other_link(void)
{
	int second;

	second = link_create(other);
	if (!ASSERT_OK_FD(second, "create_other"))
		return;
	ASSERT_EQ(update(f.link, other, 0, 0), -EINVAL, "update_to_other");
	ASSERT_EQ(update(second, a, 0, 0), -EINVAL, "update_other");
	ASSERT_EQ(update(second, b, 0, 0), -EINVAL, "update_other_to_b");
	check_link_map(f.link, a_id);
	check_link_map(second, map_id(other));
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 1, "other_listed");
	close(second);
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 0, "other_not_listed");
}

static void test_update_detached(void)
{
	if (!ASSERT_OK(bpf_link_detach(f.link), "detach"))
		return;
	check_error(update(f.link, a, 0, 0), ENOLINK, "same_map");
	check_error(update(f.link, b, 0, 0), ENOLINK, "other_map");
	check_error(update(f.link, b, BPF_F_REPLACE, a), ENOLINK, "replace");
	check_error(update(f.link, b, BPF_F_REPLACE, b), ENOLINK, "replace_wrong");
	check_error(update(f.link, other, 0, 0), ENOLINK, "other_name");
}

/* Which of two errors is returned */
static void test_first_error(void)
{
	check_error(update(BAD_FD, b, BAD_FLAG, 0), EINVAL, "flag_before_link_fd");
	check_error(update(BAD_FD, BAD_FD, 0, a), EBADF, "link_fd_before_old_map");
	check_error(update(f.link, BAD_FD, 0, a), EBADF, "map_fd_before_old_map");
	check_error(update(f.link, array, BPF_F_REPLACE, BAD_FD), EBADF, "old_map_fd_before_type");
	check_error(update(f.link, unready, BPF_F_REPLACE, b), EINVAL, "ready_before_expected");
	check_error(update(f.link, other, BPF_F_REPLACE, b), EPERM, "expected_before_name");

	if (!ASSERT_OK(bpf_link_detach(f.link), "detach"))
		return;
	check_error(update(f.link, unready, 0, 0), EINVAL, "ready_before_detached");
	check_error(update(f.link, b, BPF_F_REPLACE, BAD_FD), EBADF, "old_map_fd_before_detached");
	check_error(update(f.link, b, BPF_F_REPLACE, other), ENOLINK, "detached_before_expected");
}

static void test_detach(void)
{
	check_error(bpf_link_detach(BAD_FD), EBADF, "bad_fd");
	check_error(bpf_link_detach(a), EINVAL, "not_a_link");
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
