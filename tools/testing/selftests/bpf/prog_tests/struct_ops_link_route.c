// SPDX-License-Identifier: GPL-2.0-only
/* A route's algorithm takes over from what has already initialised the socket:
 * that is released, and the next one finds no memory of it. Where connect() is put
 * off until there is data, setsockopt() comes in between.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

/* The route comes to both ends */
static const struct way way = {
	.route = "",
	.client = { INHERIT },
	.server = { INHERIT, true },
};

/* The SYN is to come with the data */
static int deferred(int fd, void *opts)
{
	int on = 1;

	return setsockopt(fd, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on)) ||
	       setsockopt(fd, SOL_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
}

static int connect_deferred(int family, int listener)
{
	struct network_helper_opts opts = { .post_socket_cb = deferred };
	int fd;

	fd = client_socket(family, SOCK_STREAM, &opts);
	if (fd >= 0 && connect_fd_to_fd(fd, listener, 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool choose_and_connect(struct scene *scene, const char *chosen)
{
	struct conn conn = { -1, -1 };
	bool ok = false;
	char byte;

	conn.client = connect_deferred(scene->family, scene->listener);
	if (!ASSERT_OK_FD(conn.client, "connect") ||
	    !ASSERT_OK(setsockopt(conn.client, SOL_TCP, TCP_CONGESTION, chosen, strlen(chosen)),
		       "setsockopt") ||
	    !sock_runs(conn.client, chosen) ||
	    !ASSERT_EQ(send(conn.client, "", 1, MSG_NOSIGNAL), 1, "send"))
		goto out;
	sock_runs(conn.client, scene->cc);
	conn.server = accept(scene->listener, NULL, NULL);
	ok = ASSERT_OK_FD(conn.server, "accept") &&
	     ASSERT_EQ(recv(conn.server, &byte, 1, 0), 1, "recv") &&
	     ASSERT_TRUE(conn_exchange(&conn), "exchange");
out:
	conn_close(&conn);
	return ok;
}

static void test_bpf(int family, const char *chosen, const char *cc, int inits)
{
	struct stage stage;

	if (stage_start(&stage, &way, family, NON_RESTRICTED, NON_RESTRICTED)) {
		stage.scene.cc = cc;
		if (stage_prepare(&stage) && choose_and_connect(&stage.scene, chosen))
			ASSERT_EQ(stage.swap.old->bss->inits, inits, "inits");
	}
	stage_end(&stage);
}

/* CDG frees what its memory leads to */
static void test_cdg(int family)
{
	struct scene scene = scene_make(&way, "cdg", family);
	struct netns_obj *ns;

	ns = netns_new("struct_ops_link", true);
	if (ASSERT_OK_PTR(ns, "netns") && ASSERT_TRUE(scene_prepare(&scene), "prepare"))
		choose_and_connect(&scene, "vegas");
	scene_close(&scene);
	netns_free(ns);
}

void serial_test_struct_ops_link_route(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (family_subtest("from_bpf", families[i]))
			test_bpf(families[i], LINK_CC, "bic", 1);
		/* The server's end comes by the route as well */
		if (family_subtest("to_bpf", families[i]))
			test_bpf(families[i], "vegas", LINK_CC, 2);
		if (family_subtest("to_cdg", families[i]))
			test_cdg(families[i]);
	}
}
