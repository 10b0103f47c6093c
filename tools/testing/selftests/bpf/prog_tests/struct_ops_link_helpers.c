// SPDX-License-Identifier: GPL-2.0-only
/* Helpers for the tests of struct_ops links: links, maps, threads, timing */

#include <poll.h>
#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"

#define NS_PER_MS	1000000ULL

bool start_family_subtest(const char *name, int family)
{
	char subtest[64];

	snprintf(subtest, sizeof(subtest), "%s_ipv%c", name, family == AF_INET ? '4' : '6');
	return test__start_subtest(subtest);
}

int link_create(int map_fd)
{
	return bpf_link_create(map_fd, 0, BPF_STRUCT_OPS, NULL);
}

int link_update(int link_fd, int map_fd)
{
	return bpf_link_update(link_fd, map_fd, NULL);
}

int link_replace(int link_fd, int map_fd, int old_map_fd)
{
	LIBBPF_OPTS(bpf_link_update_opts, opts,
		    .flags = BPF_F_REPLACE,
		    .old_map_fd = old_map_fd);

	return bpf_link_update(link_fd, map_fd, &opts);
}

bool map_make_ready(struct bpf_map *map)
{
	struct bpf_link *link;

	/* Only libbpf can build the value, and it sets the value when it attaches */
	link = bpf_map__attach_struct_ops(map);
	if (!ASSERT_OK_PTR(link, bpf_map__name(map)))
		return false;
	return ASSERT_OK(bpf_link__destroy(link), bpf_map__name(map));
}

__u32 map_id(int map_fd)
{
	struct bpf_map_info info = {};
	__u32 len = sizeof(info);

	if (!ASSERT_OK(bpf_map_get_info_by_fd(map_fd, &info, &len), "map_info"))
		return 0;
	return info.id;
}

bool map_exists(__u32 id)
{
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool map_freed(__u32 id)
{
	return wait_until(!map_exists(id));
}

int cc_listed(const char *name)
{
	char line[4096], *word, *rest = line;
	int count = 0;
	FILE *f;

	f = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "r");
	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);

	while ((word = strsep(&rest, "\n ")))
		count += !strcmp(word, name);
	return count;
}

int count_links(void)
{
	struct bpf_link_info info;
	__u32 id = 0, len;
	int fd, count = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (!bpf_link_get_info_by_fd(fd, &info, &len))
			count += info.type == BPF_LINK_TYPE_STRUCT_OPS;
		close(fd);
	}
	return count;
}

/* The map_id line of a link's fdinfo, or 0 if there is none */
static __u32 fdinfo_map_id(int link_fd)
{
	char path[64], line[128];
	__u32 id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", link_fd);
	f = fopen(path, "r");
	if (!ASSERT_OK_PTR(f, "open_fdinfo"))
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "map_id:\t%u", &id) == 1)
			break;
	fclose(f);
	return id;
}

bool check_link_map(int link_fd, __u32 id)
{
	struct pollfd pfd = { .fd = link_fd, .events = POLLIN };
	struct bpf_link_info info = {};
	__u32 len = sizeof(info);
	bool ok;

	if (!ASSERT_OK(bpf_link_get_info_by_fd(link_fd, &info, &len), "link_info"))
		return false;

	ok = ASSERT_EQ(info.type, BPF_LINK_TYPE_STRUCT_OPS, "info_type");
	ok &= ASSERT_EQ(info.prog_id, 0, "info_prog_id");
	ok &= ASSERT_EQ(info.struct_ops.map_id, id, "info_map_id");
	ok &= ASSERT_EQ(fdinfo_map_id(link_fd), id, "fdinfo_map_id");
	ok &= ASSERT_EQ(poll(&pfd, 1, 0), id ? 0 : 1, "poll");
	ok &= ASSERT_EQ(pfd.revents, id ? 0 : POLLHUP, "poll_revents");
	return ok;
}

void check_link_without_update(struct bpf_map *map, int err_detached)
{
	int fd = bpf_map__fd(map), link;
	__u32 id = map_id(fd);

	if (!map_make_ready(map))
		return;

	link = link_create(fd);
	if (!ASSERT_OK_FD(link, "create"))
		return;
	check_link_map(link, id);

	ASSERT_EQ(link_update(link, fd), -EOPNOTSUPP, "update");
	ASSERT_EQ(link_replace(link, fd, fd), -EOPNOTSUPP, "replace");
	check_link_map(link, id);

	ASSERT_OK(bpf_link_detach(link), "detach");
	check_link_map(link, 0);
	ASSERT_OK(bpf_link_detach(link), "detach_twice");
	check_link_map(link, 0);
	ASSERT_EQ(link_update(link, fd), err_detached, "update_detached");
	close(link);

	link = link_create(fd);
	if (ASSERT_OK_FD(link, "create_again")) {
		check_link_map(link, id);
		close(link);
	}
}

void destroy_check_freed(struct bpf_object *obj, void (*destroy)(void *skel),
			 void *skel, int link_fd)
{
	__u32 ids[256], linked = 0;
	struct bpf_map *map;
	int i, n = 0;

	bpf_object__for_each_map(map, obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    n < ARRAY_SIZE(ids))
			ids[n++] = map_id(bpf_map__fd(map));

	if (link_fd >= 0)
		linked = fdinfo_map_id(link_fd);
	destroy(skel);

	/* Only the link holds its map now: fails if the link has no reference */
	if (linked)
		ASSERT_TRUE(map_exists(linked), "link_holds_map");
	if (link_fd >= 0)
		close(link_fd);

	/* Fails if a reference has leaked */
	for (i = 0; i < n; i++)
		if (!ASSERT_TRUE(map_freed(ids[i]), "map_freed"))
			break;
}

static void destroy_cc(void *skel)
{
	struct_ops_link_cc__destroy(skel);
}

bool cc_setup(struct cc_fixture *f)
{
	*f = (struct cc_fixture) { .link = -1 };
	f->skel = struct_ops_link_cc__open_and_load();
	if (!ASSERT_OK_PTR(f->skel, "load"))
		return false;

	f->a = bpf_map__fd(f->skel->maps.cc_a);
	f->b = bpf_map__fd(f->skel->maps.cc_b);
	f->other = bpf_map__fd(f->skel->maps.cc_other);
	return map_make_ready(f->skel->maps.cc_a) &&
	       map_make_ready(f->skel->maps.cc_b) &&
	       map_make_ready(f->skel->maps.cc_other) &&
	       ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed_yet");
}

bool cc_setup_link(struct cc_fixture *f)
{
	if (!cc_setup(f))
		return false;
	f->link = link_create(f->a);
	return ASSERT_OK_FD(f->link, "create");
}

void cc_teardown(struct cc_fixture *f)
{
	if (f->skel)
		destroy_check_freed(f->skel->obj, destroy_cc, f->skel, f->link);
	else
		cc_close_link(f);
	ASSERT_EQ(cc_listed(LINK_CC), 0, "unregistered");
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 0, "other_unregistered");
}

void cc_close_link(struct cc_fixture *f)
{
	if (f->link >= 0)
		close(f->link);
	f->link = -1;
}

void cc_destroy_object(struct cc_fixture *f)
{
	struct_ops_link_cc__destroy(f->skel);
	f->skel = NULL;
}

bool workers_stop;

int workers_start(struct worker *workers, int n)
{
	int i;

	WRITE_ONCE(workers_stop, false);
	for (i = 0; i < n; i++)
		if (!ASSERT_OK(pthread_create(&workers[i].thread, NULL, workers[i].run,
					      &workers[i]), "thread"))
			break;
	return i;
}

void workers_end(struct worker *workers, int started)
{
	int i;

	WRITE_ONCE(workers_stop, true);
	for (i = 0; i < started; i++) {
		pthread_join(workers[i].thread, NULL);
		printf("worker %d: done %d, failed %d\n", i, workers[i].done,
		       workers[i].failed);
		ASSERT_GT(workers[i].done, 0, "done");
		ASSERT_EQ(workers[i].failed, 0, "failed");
	}
}

struct call {
	int (*call)(int fd);
	int fd;
	int ret;
};

static void *make_call(void *arg)
{
	struct call *call = arg;

	call->ret = call->call(call->fd);
	return NULL;
}

int work_during_call(const struct pause *pause, int (*call)(int fd), int fd,
		     void (*work)(void), bool blocks)
{
	struct call paused = { .call = call, .fd = fd, .ret = -1 };
	pthread_t thread;

	/* Work that blocks always takes as long as the pause does; work that does not
	 * block must be done by then.
	 */
	*pause->timeout_ns = (blocks ? 100 : 2000) * NS_PER_MS;
	*pause->timeouts = 0;
	*pause->paused = false;
	WRITE_ONCE(*pause->resume, 0);
	if (!ASSERT_OK(pthread_create(&thread, NULL, make_call, &paused), "thread"))
		return -1;
	if (ASSERT_TRUE(wait_until(READ_ONCE(*pause->paused)), "paused"))
		work();
	WRITE_ONCE(*pause->resume, 1);
	pthread_join(thread, NULL);
	ASSERT_EQ(*pause->timeouts, blocks, "blocks");
	return paused.ret;
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

void check_median(__u64 *durations, int n, __u64 limit, const char *name)
{
	qsort(durations, n, sizeof(durations[0]), compare);
	printf("%s: min %llu, median %llu, max %llu ns\n", name, durations[0],
	       durations[n / 2], durations[n - 1]);
	ASSERT_LT(durations[n / 2], limit, name);
}
