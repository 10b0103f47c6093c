// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of struct_ops links */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_trace.skel.h"

#define BAD_FD	9999	/* never open */

static struct struct_ops_link_trace *trace;
static struct cc_fixture f;
static __u32 a_id, b_id;

static __u32 link_id(int link_fd)
{
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);

	if (!ASSERT_OK(bpf_link_get_info_by_fd(link_fd, &info, &len), "link_info"))
		return 0;
	return info.id;
}

/* Preparing the maps creates links, so the events are counted only after that */
static bool setup(void)
{
	trace = NULL;
	if (!cc_setup(&f))
		return false;
	a_id = map_id(f.a);
	b_id = map_id(f.b);

	trace = struct_ops_link_trace__open_and_load();
	if (!ASSERT_OK_PTR(trace, "load"))
		return false;
	trace->bss->pid = getpid();
	return ASSERT_OK(struct_ops_link_trace__attach(trace), "attach");
}

static void teardown(void)
{
	struct_ops_link_trace__destroy(trace);
	cc_teardown(&f);
}

/* Checks how many events there were. A call has its events before it returns. */
static void check_counts(int creates, int updates, int detaches, int releases,
			 int refusals, const char *after)
{
	ASSERT_EQ(trace->bss->creates, creates, after);
	ASSERT_EQ(trace->bss->updates, updates, after);
	ASSERT_EQ(trace->bss->detaches, detaches, after);
	ASSERT_EQ(trace->bss->releases, releases, after);
	ASSERT_EQ(trace->bss->refusals, refusals, after);
}

static void check_create(int link, __u32 map)
{
	ASSERT_EQ(trace->bss->create_link, link_id(link), "create_link");
	ASSERT_EQ(trace->bss->create_map, map, "create_map");
	ASSERT_STREQ(trace->bss->create_type, "tcp_congestion_ops", "create_type");
}

static void check_update(__u32 link, __u32 old_map, __u32 new_map)
{
	ASSERT_EQ(trace->bss->update_link, link, "update_link");
	ASSERT_EQ(trace->bss->update_old_map, old_map, "update_old_map");
	ASSERT_EQ(trace->bss->update_new_map, new_map, "update_new_map");
	ASSERT_GT(trace->bss->update_ns, 0, "update_ns");
	trace->bss->update_ns = 0;
}

static void check_release(__u32 link, __u32 map)
{
	ASSERT_EQ(trace->bss->release_link, link, "release_link");
	ASSERT_EQ(trace->bss->release_map, map, "release_map");
}

static void check_refused(__u32 cmd, __u32 link, __u32 map, int err)
{
	ASSERT_EQ(trace->bss->refused_cmd, cmd, "refused_cmd");
	ASSERT_EQ(trace->bss->refused_link, link, "refused_link");
	ASSERT_EQ(trace->bss->refused_map, map, "refused_map");
	ASSERT_EQ(trace->bss->refused_err, err, "refused_err");
}

static void test_life(void)
{
	__u32 id;

	f.link = link_create(f.a);
	if (!ASSERT_OK_FD(f.link, "create"))
		return;
	id = link_id(f.link);
	check_counts(1, 0, 0, 0, 0, "create");
	check_create(f.link, a_id);

	ASSERT_OK(link_update(f.link, f.b), "update");
	check_counts(1, 1, 0, 0, 0, "update");
	check_update(id, a_id, b_id);

	ASSERT_OK(link_replace(f.link, f.a, f.b), "replace");
	check_counts(1, 2, 0, 0, 0, "replace");
	check_update(id, b_id, a_id);

	ASSERT_OK(bpf_link_detach(f.link), "detach");
	check_counts(1, 2, 1, 0, 0, "detach");
	ASSERT_EQ(trace->bss->detach_link, id, "detach_link");
	ASSERT_EQ(trace->bss->detach_map, a_id, "detach_map");

	/* Changes nothing, so it is no event */
	ASSERT_OK(bpf_link_detach(f.link), "detach_twice");
	check_counts(1, 2, 1, 0, 0, "detach_twice");

	cc_close_link(&f);
	check_counts(1, 2, 1, 1, 0, "close");
	check_release(id, 0);
}

/* Closing a link that is not detached has one event, which names the map */
static void test_close(void)
{
	int second, other;
	__u32 id;

	f.link = link_create(f.a);
	other = link_create(f.other);
	if (!ASSERT_OK_FD(f.link, "create") || !ASSERT_OK_FD(other, "create_other"))
		goto out;
	check_counts(2, 0, 0, 0, 0, "create_other");
	check_create(other, map_id(f.other));

	ASSERT_OK(link_update(f.link, f.b), "update");
	id = link_id(f.link);
	second = dup(f.link);
	cc_close_link(&f);
	check_counts(2, 1, 0, 0, 0, "close_one");
	close(second);
	check_counts(2, 1, 0, 1, 0, "close_last");
	check_release(id, b_id);
out:
	if (other >= 0)
		close(other);
}

static void test_refused(void)
{
	int unready = bpf_map__fd(f.skel->maps.cc_unready);
	__u32 id;

	ASSERT_EQ(link_create(unready), -EINVAL, "create_unready");
	check_counts(0, 0, 0, 0, 1, "create_unready");
	check_refused(BPF_LINK_CREATE, 0, map_id(unready), -EINVAL);

	f.link = link_create(f.a);
	if (!ASSERT_OK_FD(f.link, "create"))
		return;
	id = link_id(f.link);

	/* There was a link, but it was never created for user space */
	ASSERT_EQ(link_create(f.b), -EEXIST, "create_exists");
	check_counts(1, 0, 0, 0, 2, "create_exists");
	check_refused(BPF_LINK_CREATE, 0, b_id, -EEXIST);

	ASSERT_EQ(link_update(f.link, unready), -EINVAL, "update_unready");
	check_counts(1, 0, 0, 0, 3, "update_unready");
	check_refused(BPF_LINK_UPDATE, id, map_id(unready), -EINVAL);

	ASSERT_EQ(link_replace(f.link, f.b, f.b), -EPERM, "replace");
	check_counts(1, 0, 0, 0, 4, "replace");
	check_refused(BPF_LINK_UPDATE, id, b_id, -EPERM);

	/* The subsystem refuses another name */
	ASSERT_EQ(link_update(f.link, f.other), -EINVAL, "update_other");
	check_counts(1, 0, 0, 0, 5, "update_other");
	check_refused(BPF_LINK_UPDATE, id, map_id(f.other), -EINVAL);

	ASSERT_OK(bpf_link_detach(f.link), "detach");
	ASSERT_EQ(link_update(f.link, f.b), -ENOLINK, "update_detached");
	check_counts(1, 0, 1, 0, 6, "update_detached");
	check_refused(BPF_LINK_UPDATE, id, b_id, -ENOLINK);

	/* These do not get as far as a link and a map */
	ASSERT_EQ(link_create(BAD_FD), -EBADF, "create_bad_fd");
	ASSERT_EQ(link_update(f.link, BAD_FD), -EBADF, "update_bad_fd");
	check_counts(1, 0, 1, 0, 6, "bad_fd");
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "life", test_life },
	{ "close", test_close },
	{ "refused", test_refused },
};

void serial_test_struct_ops_link_trace(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(tests[i].name) || !kernel_has(LINK_RUST))
			continue;
		if (setup())
			tests[i].run();
		teardown();
	}
}
