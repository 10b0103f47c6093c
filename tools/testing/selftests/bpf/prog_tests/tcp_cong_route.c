// SPDX-License-Identifier: GPL-2.0-only
/* A route's congestion control replaces one that is initialised already: that one is
 * released, and the route's starts with zeroed private memory (icsk_ca_priv). With
 * TCP_FASTOPEN_CONNECT, setsockopt() can initialise one before the SYN is sent.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_impl.skel.h"

/* Both ends use the route */
static const struct source source = {
	.route = "",
	.client = { INHERIT },
	.server = { INHERIT, true },
};

/* Sends the SYN with the first data */
static int set_deferred(int fd, void *opts)
{
	int on = 1;

	return setsockopt(fd, SOL_TCP, TCP_FASTOPEN_NO_COOKIE, &on, sizeof(on)) ||
	       setsockopt(fd, SOL_TCP, TCP_FASTOPEN_CONNECT, &on, sizeof(on));
}

static int connect_deferred(int family, int listener)
{
	struct network_helper_opts opts = { .post_socket_cb = set_deferred };
	int fd;

	fd = client_socket(family, SOCK_STREAM, &opts);
	if (fd >= 0 && connect_fd_to_fd(fd, listener, 0)) {
		close(fd);
		return -1;
	}
	return fd;
}

static bool select_and_connect(struct sockets *sockets, const char *cc)
{
	struct conn conn = CONN_CLOSED;
	bool ok = false;
	char byte;

	conn.client = connect_deferred(sockets->family, sockets->listener);
	if (!ASSERT_OK_FD(conn.client, "connect") ||
	    !ASSERT_OK(setsockopt(conn.client, SOL_TCP, TCP_CONGESTION, cc, strlen(cc)),
		       "setsockopt") ||
	    !check_sock_cc(conn.client, cc) ||
	    !ASSERT_EQ(send(conn.client, "", 1, MSG_NOSIGNAL), 1, "send"))
		goto out;
	check_sock_cc(conn.client, sockets->cc);
	conn.server = accept(sockets->listener, NULL, NULL);
	ok = ASSERT_OK_FD(conn.server, "accept") &&
	     ASSERT_EQ(recv(conn.server, &byte, 1, 0), 1, "recv") &&
	     ASSERT_TRUE(conn_exchange(&conn), "exchange");
out:
	conn_close(&conn);
	return ok;
}

static void test_bpf(int family, const char *selected, const char *route, int inits)
{
	struct fixture f;

	if (fixture_setup(&f, &source, family, NON_RESTRICTED, NON_RESTRICTED)) {
		f.sockets.cc = route;
		if (fixture_prepare(&f) && select_and_connect(&f.sockets, selected))
			ASSERT_EQ(f.impls.old->bss->inits, inits, "inits");
	}
	fixture_teardown(&f);
}

/* CDG frees a pointer that it finds in its private memory */
static void test_cdg(int family)
{
	struct sockets sockets = sockets_init(&source, "cdg", family);
	struct netns_obj *ns;

	ns = netns_new("struct_ops_link", true);
	if (ASSERT_OK_PTR(ns, "netns") && ASSERT_TRUE(sockets_prepare(&sockets), "prepare"))
		select_and_connect(&sockets, "vegas");
	sockets_close(&sockets);
	netns_free(ns);
}

void serial_test_tcp_cong_route(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (start_family_subtest("from_bpf", families[i]))
			test_bpf(families[i], LINK_CC, "bic", 1);
		/* The server uses the route, too */
		if (start_family_subtest("to_bpf", families[i]))
			test_bpf(families[i], "vegas", LINK_CC, 2);
		if (start_family_subtest("to_cdg", families[i]))
			test_cdg(families[i]);
	}
}
