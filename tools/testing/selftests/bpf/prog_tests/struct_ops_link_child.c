// SPDX-License-Identifier: GPL-2.0-only
/* A child that comes to nothing takes nothing of its listener's with it: the
 * table stays, also where the listener alone holds it
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

#define PATIENT_S	60	/* longer than the test takes */

struct path {
	const char *name;
	int family;
	const char *server;
	const char *client;
	const char *ip;
	const char *client_route;
};

static const struct path paths[] = {
	{ "ipv4", AF_INET, "127.0.0.1", "127.0.0.2", "ip -4", "127.0.0.2" },
	{ "ipv6", AF_INET6, "::1", "fd00::2", "ip -6", "fd00::2" },
	{ "ipv4_mapped", AF_INET6, "::ffff:127.0.0.1", "::ffff:127.0.0.2", "ip -4", "127.0.0.2" },
};

/* Makes a child when the first data comes, not with the handshake */
static int prepare_listener(int fd, void *opts)
{
	int patient = PATIENT_S;

	return setsockopt(fd, SOL_TCP, TCP_DEFER_ACCEPT, &patient, sizeof(patient)) ||
	       setsockopt(fd, SOL_TCP, TCP_CONGESTION, LINK_CC, strlen(LINK_CC));
}

static int listener_make(const struct path *path)
{
	struct network_helper_opts opts = { .post_socket_cb = prepare_listener };

	return start_server_str(path->family, SOCK_STREAM, path->server, 0, &opts);
}

static int client_make(const struct path *path, int listener)
{
	int fd = socket_bound(path->family, path->client);

	if (fd >= 0 && connect_fd_to_fd(fd, listener, 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Children that came to nothing, in this network namespace */
static bool dropped(void)
{
	char names[8192] = {}, counts[8192] = {}, *n = names, *c = counts;
	char *name, *count;
	FILE *f;

	f = fopen("/proc/thread-self/net/netstat", "r");
	if (!f)
		return false;
	if (!fgets(names, sizeof(names), f) || !fgets(counts, sizeof(counts), f))
		names[0] = '\0';
	fclose(f);
	while ((name = strsep(&n, "\n ")) && (count = strsep(&c, "\n ")))
		if (!strcmp(name, "ListenDrops"))
			return atoi(count);
	return false;
}

static void test_no_route(const struct path *path)
{
	int listener = -1, client = -1;
	struct netns_obj *ns = NULL;
	struct linked t;
	__u32 id;

	if (!linked_start(&t))
		goto out;
	id = map_id(t.a);
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;
	SYS(out, "%s addr add %s dev lo", path->ip, path->client_route);
	listener = listener_make(path);
	if (!ASSERT_OK_FD(listener, "listen"))
		goto out;
	client = client_make(path, listener);
	if (!ASSERT_OK_FD(client, "connect"))
		goto out;

	close(t.link);
	t.link = -1;
	struct_ops_link_cc__destroy(t.skel);
	t.skel = NULL;
	ASSERT_TRUE(map_alive(id), "listener_holds_map");
	ASSERT_FALSE(dropped(), "not_dropped_yet");

	SYS(out, "%s route del local %s dev lo table local", path->ip, path->client_route);
	SYS(out, "%s route add unreachable %s table local", path->ip, path->client_route);
	ASSERT_EQ(send(client, "", 1, MSG_NOSIGNAL), 1, "send");
	ASSERT_TRUE(wait_until(dropped()), "dropped");
	ASSERT_TRUE(map_alive(id), "map_alive");
	close(listener);
	listener = -1;
	ASSERT_TRUE(map_gone(id), "map_gone");
out:
	if (client >= 0)
		close(client);
	if (listener >= 0)
		close(listener);
	netns_free(ns);
	linked_end(&t);
}

void serial_test_struct_ops_link_child(void)
{
	char name[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		snprintf(name, sizeof(name), "no_route_%s", paths[i].name);
		if (test__start_subtest(name))
			test_no_route(&paths[i]);
	}
}
