// SPDX-License-Identifier: GPL-2.0-only
/* A child socket that is dropped before it is accepted does not put its listener's
 * reference to the congestion control, even if that is the last one.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"

#define DEFER_S		60	/* longer than the test takes */

struct path {
	const char *name;
	int family;
	const char *server;
	const char *client;
	const char *ip;
	const char *client_route;
	const char *option;	/* of the client's address */
};

static const struct path paths[] = {
	{ "ipv4", AF_INET, "127.0.0.1", "127.0.0.2", "ip -4", "127.0.0.2", "" },
	{ "ipv6", AF_INET6, "::1", "fd00::2", "ip -6", "fd00::2", "nodad" },
	{ "ipv4_mapped", AF_INET6, "::ffff:127.0.0.1", "::ffff:127.0.0.2", "ip -4", "127.0.0.2",
	  "" },
};

/* Creates the child when the first data arrives, not with the handshake */
static int prepare_listener(int fd, void *opts)
{
	int defer = DEFER_S;

	return setsockopt(fd, SOL_TCP, TCP_DEFER_ACCEPT, &defer, sizeof(defer)) ||
	       setsockopt(fd, SOL_TCP, TCP_CONGESTION, LINK_CC, strlen(LINK_CC));
}

static int create_listener(const struct path *path)
{
	struct network_helper_opts opts = { .post_socket_cb = prepare_listener };

	return start_server_str(path->family, SOCK_STREAM, path->server, 0, &opts);
}

static int create_client(const struct path *path, int listener)
{
	int fd = socket_bound(path->family, path->client);

	if (fd >= 0 && connect_fd_to_fd(fd, listener, 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Whether a child was dropped in this network namespace */
static bool child_dropped(void)
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
	struct cc_fixture f;
	__u32 id;

	if (!cc_setup_link(&f))
		goto out;
	id = map_id(f.a);
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;
	SYS(out, "%s addr add %s dev lo %s", path->ip, path->client_route, path->option);
	listener = create_listener(path);
	if (!ASSERT_OK_FD(listener, "listen"))
		goto out;
	client = create_client(path, listener);
	if (!ASSERT_OK_FD(client, "connect"))
		goto out;

	cc_close_link(&f);
	cc_destroy_object(&f);
	ASSERT_TRUE(map_exists(id), "listener_holds_map");
	ASSERT_FALSE(child_dropped(), "not_dropped_yet");

	SYS(out, "%s route del local %s dev lo table local", path->ip, path->client_route);
	SYS(out, "%s route add unreachable %s table local", path->ip, path->client_route);
	ASSERT_EQ(send(client, "", 1, MSG_NOSIGNAL), 1, "send");
	ASSERT_TRUE(wait_until(child_dropped()), "dropped");
	ASSERT_TRUE(map_exists(id), "map_exists");
	close(listener);
	listener = -1;
	ASSERT_TRUE(map_freed(id), "map_freed");
out:
	if (client >= 0)
		close(client);
	if (listener >= 0)
		close(listener);
	netns_free(ns);
	cc_teardown(&f);
}

void serial_test_tcp_cong_child(void)
{
	char name[64];
	int i;

	for (i = 0; i < ARRAY_SIZE(paths); i++) {
		snprintf(name, sizeof(name), "no_route_%s", paths[i].name);
		if (test__start_subtest(name))
			test_no_route(&paths[i]);
	}
}
