// SPDX-License-Identifier: GPL-2.0-only
/* A child socket that is dropped before it is accepted does not put its listener's
 * reference to the congestion control, even if that is the last one.
 */

#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"

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

static int create_client(const struct path *path, int listener)
{
	int fd = socket_bound(path->family, path->client);

	if (fd >= 0 && connect_fd_to_fd(fd, listener, 0)) {
		close(fd);
		return -1;
	}
	return fd;
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
	listener = listen_with_cc(path->family, path->server, LINK_CC, true);
	if (!ASSERT_OK_FD(listener, "listen"))
		goto out;
	client = create_client(path, listener);
	if (!ASSERT_OK_FD(client, "connect"))
		goto out;

	cc_close_link(&f);
	cc_destroy_object(&f);
	ASSERT_TRUE(map_exists(id), "listener_holds_map");
	ASSERT_EQ(listen_drops(), 0, "not_dropped_yet");

	SYS(out, "%s route del local %s dev lo table local", path->ip, path->client_route);
	SYS(out, "%s route add unreachable %s table local", path->ip, path->client_route);
	ASSERT_EQ(send(client, "", 1, MSG_NOSIGNAL), 1, "send");
	ASSERT_TRUE(wait_until(listen_drops() > 0), "dropped");
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
