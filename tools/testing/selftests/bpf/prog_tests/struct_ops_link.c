// SPDX-License-Identifier: GPL-2.0-only
/* What the tests of struct_ops links share */

#include <poll.h>
#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_hooks.skel.h"
#include "struct_ops_link_types.skel.h"

bool family_subtest(const char *what, int family)
{
	char name[64];

	snprintf(name, sizeof(name), "%s_ipv%c", what, family == AF_INET ? '4' : '6');
	return test__start_subtest(name);
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

	/* Only libbpf knows the value, and it sets it when it attaches */
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

bool map_alive(__u32 id)
{
	int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

bool map_gone(__u32 id)
{
	return wait_until(!map_alive(id));
}

int cc_listed(const char *name)
{
	char line[4096], *word, *rest = line;
	int times = 0;
	FILE *f;

	f = fopen("/proc/sys/net/ipv4/tcp_available_congestion_control", "r");
	if (!f)
		return -errno;
	if (!fgets(line, sizeof(line), f))
		line[0] = '\0';
	fclose(f);

	while ((word = strsep(&rest, "\n ")))
		times += !strcmp(word, name);
	return times;
}

int links_held(void)
{
	struct bpf_link_info info;
	__u32 id = 0, len;
	int fd, held = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		fd = bpf_link_get_fd_by_id(id);
		if (fd < 0)
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (!bpf_link_get_info_by_fd(fd, &info, &len))
			held += info.type == BPF_LINK_TYPE_STRUCT_OPS;
		close(fd);
	}
	return held;
}

/* The map_id line of a link's fdinfo, 0 where there is none */
static __u32 fdinfo_map_id(int link_fd)
{
	char path[64], line[128];
	__u32 id = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", link_fd);
	f = fopen(path, "r");
	if (!ASSERT_OK_PTR(f, "fdinfo"))
		return 0;
	while (fgets(line, sizeof(line), f))
		if (sscanf(line, "map_id:\t%u", &id) == 1)
			break;
	fclose(f);
	return id;
}

bool link_backed_by(int link_fd, __u32 id)
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
	ok &= ASSERT_EQ(pfd.revents, id ? 0 : POLLHUP, "revents");
	return ok;
}

void link_life(struct bpf_map *map, int when_detached)
{
	int fd = bpf_map__fd(map), link;
	__u32 id = map_id(fd);

	if (!map_make_ready(map))
		return;

	link = link_create(fd);
	if (!ASSERT_OK_FD(link, "create"))
		return;
	link_backed_by(link, id);

	ASSERT_EQ(link_update(link, fd), -EOPNOTSUPP, "update");
	ASSERT_EQ(link_replace(link, fd, fd), -EOPNOTSUPP, "replace");
	link_backed_by(link, id);

	ASSERT_OK(bpf_link_detach(link), "detach");
	link_backed_by(link, 0);
	ASSERT_OK(bpf_link_detach(link), "detach_twice");
	link_backed_by(link, 0);
	ASSERT_EQ(link_update(link, fd), when_detached, "update_detached");
	close(link);

	link = link_create(fd);
	if (ASSERT_OK_FD(link, "create_again")) {
		link_backed_by(link, id);
		close(link);
	}
}

struct struct_ops_link_cc *cc_load(void)
{
	struct struct_ops_link_cc *skel;

	skel = struct_ops_link_cc__open_and_load();
	if (!ASSERT_OK_PTR(skel, "load"))
		return NULL;

	if (!map_make_ready(skel->maps.cc_a) ||
	    !map_make_ready(skel->maps.cc_b) ||
	    !map_make_ready(skel->maps.cc_other) ||
	    !ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed_yet")) {
		struct_ops_link_cc__destroy(skel);
		return NULL;
	}
	return skel;
}

static void destroy_cc(void *skel)
{
	struct_ops_link_cc__destroy(skel);
}

void cc_unload(struct struct_ops_link_cc *skel, int link_fd)
{
	object_left_nothing(skel->obj, destroy_cc, skel, link_fd);
	ASSERT_EQ(cc_listed(LINK_CC), 0, "unregistered");
	ASSERT_EQ(cc_listed(LINK_CC_OTHER), 0, "other_unregistered");
}

static void destroy_types(void *types)
{
	struct_ops_link_types__destroy(types);
}

void types_unload(struct struct_ops_link_types *types)
{
	object_left_nothing(types->obj, destroy_types, types, -1);
}

void object_left_nothing(struct bpf_object *obj, void (*destroy)(void *skel),
			 void *skel, int link_fd)
{
	__u32 ids[16], backing = 0;
	struct bpf_map *map;
	int i, n = 0;

	bpf_object__for_each_map(map, obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS &&
		    n < ARRAY_SIZE(ids))
			ids[n++] = map_id(bpf_map__fd(map));

	if (link_fd >= 0)
		backing = fdinfo_map_id(link_fd);
	destroy(skel);

	/* A reference too few shows here: now only the link holds its map */
	if (backing)
		ASSERT_TRUE(map_alive(backing), "link_holds_map");
	if (link_fd >= 0)
		close(link_fd);

	/* And one too many here */
	for (i = 0; i < n; i++)
		if (!ASSERT_TRUE(map_gone(ids[i]), "map_gone"))
			break;
}

bool linked_start(struct linked *t)
{
	*t = (struct linked) { .a = -1, .b = -1, .link = -1 };
	t->skel = cc_load();
	if (!t->skel)
		return false;

	t->a = bpf_map__fd(t->skel->maps.cc_a);
	t->b = bpf_map__fd(t->skel->maps.cc_b);
	t->link = link_create(t->a);
	return ASSERT_OK_FD(t->link, "create");
}

void linked_end(struct linked *t)
{
	if (t->skel)
		cc_unload(t->skel, t->link);
}

int socket_bound(int family, const char *address)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd;

	fd = client_socket(family, SOCK_STREAM, NULL);
	if (fd >= 0 && (make_sockaddr(family, address, 0, &addr, &len) ||
			bind(fd, (struct sockaddr *)&addr, len))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int set_cc(int fd, void *name)
{
	return setsockopt(fd, SOL_TCP, TCP_CONGESTION, name, strlen(name));
}

bool conn_open(struct conn *conn, int listener, const char *cc)
{
	struct network_helper_opts opts = {
		.post_socket_cb = set_cc,
		.cb_opts = (void *)cc,
	};

	conn->server = -1;
	conn->client = connect_to_fd_opts(listener, &opts);
	if (conn->client < 0)
		return false;
	conn->server = accept(listener, NULL, NULL);
	if (conn->server < 0 || settimeo(conn->server, 0)) {
		conn_close(conn);
		return false;
	}
	return true;
}

/* Small enough for the buffers, so that one thread can do both ends */
bool conn_send(const struct conn *conn, int bytes)
{
	char buf[4096] = {};
	ssize_t n;

	for (; bytes > 0; bytes -= n) {
		n = send(conn->client, buf, MIN(bytes, (int)sizeof(buf)), MSG_NOSIGNAL);
		if (n <= 0 || recv(conn->server, buf, n, MSG_WAITALL) != n)
			return false;
	}
	return true;
}

void conn_close(struct conn *conn)
{
	if (conn->client >= 0)
		close(conn->client);
	if (conn->server >= 0)
		close(conn->server);
	conn->client = -1;
	conn->server = -1;
}

void conn_end(struct conn *conn)
{
	shutdown(conn->client, SHUT_WR);
	shutdown(conn->server, SHUT_WR);
	conn_close(conn);
}

bool sock_runs(int fd, const char *cc)
{
	char name[16] = {};
	socklen_t len = sizeof(name);

	return ASSERT_OK(getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &len), "getsockopt") &&
	       ASSERT_STREQ(name, cc, "congestion_control");
}

bool place_enter(struct place *place)
{
	place->listener = -1;
	place->ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(place->ns, "netns"))
		return false;
	place->listener = start_server(AF_INET, SOCK_STREAM, "127.0.0.1", 0, 0);
	return ASSERT_OK_FD(place->listener, "listen");
}

void place_leave(struct place *place)
{
	if (place->listener >= 0)
		close(place->listener);
	netns_free(place->ns);
}

bool hook_attach(struct struct_ops_link_hooks *hooks, struct bpf_program *prog,
		 struct bpf_link **link)
{
	int cgroup;

	if (!ASSERT_OK(bpf_program__set_autoload(prog, true), "set_autoload") ||
	    !ASSERT_OK(struct_ops_link_hooks__load(hooks), "load"))
		return false;
	if (bpf_program__type(prog) == BPF_PROG_TYPE_TRACING) {
		*link = bpf_program__attach(prog);
	} else {
		cgroup = test__join_cgroup("/struct_ops_link");
		if (!ASSERT_OK_FD(cgroup, "cgroup"))
			return false;
		*link = bpf_program__attach_cgroup(prog, cgroup);
		close(cgroup);
	}
	return ASSERT_OK_PTR(*link, "attach");
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

#define NS_PER_MS	1000000ULL

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

int meanwhile(const struct waiter *waiter, int (*call)(int fd), int fd,
	      void (*work)(void), bool waits)
{
	struct call slow = { .call = call, .fd = fd, .ret = -1 };
	pthread_t thread;

	/* Enough to see that the work waits, or for any work that does not */
	*waiter->wait_ns = (waits ? 100 : 2000) * NS_PER_MS;
	*waiter->in_vain = 0;
	*waiter->waiting = false;
	WRITE_ONCE(*waiter->go_on, 0);
	if (!ASSERT_OK(pthread_create(&thread, NULL, make_call, &slow), "thread"))
		return -1;
	if (ASSERT_TRUE(wait_until(READ_ONCE(*waiter->waiting)), "waiting"))
		work();
	WRITE_ONCE(*waiter->go_on, 1);
	pthread_join(thread, NULL);
	ASSERT_EQ(*waiter->in_vain, waits, "waits");
	return slow.ret;
}

static int compare(const void *a, const void *b)
{
	__u64 x = *(const __u64 *)a, y = *(const __u64 *)b;

	return x < y ? -1 : x > y;
}

void median_below(__u64 *took, int n, __u64 limit, const char *what)
{
	qsort(took, n, sizeof(took[0]), compare);
	printf("%s: min %llu, median %llu, max %llu ns\n", what, took[0], took[n / 2],
	       took[n - 1]);
	ASSERT_LT(took[n / 2], limit, what);
}
