// SPDX-License-Identifier: GPL-2.0-only
/* Children of a listener, while allocations in softirq fail: a child that cannot be made
 * is made later, and no reference to the congestion control is left behind
 */

#include <fcntl.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_fail_helpers.h"
#include "tcp_cong_impl.skel.h"
#include "tcp_cong_update_helpers.h"

#define CLIENTS		16
/* First every allocation fails, then every second one, and so on: so the first one that
 * fails is any of those which a child needs
 */
#define INTERVALS	8

static int clients[CLIENTS], servers[CLIENTS];

static void close_all(int *fds)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		if (fds[i] < 0)
			continue;
		shutdown(fds[i], SHUT_WR);
		close(fds[i]);
		fds[i] = -1;
	}
}

static bool create_clients(int family)
{
	int i;

	for (i = 0; i < CLIENTS; i++) {
		clients[i] = socket(family, SOCK_STREAM | SOCK_NONBLOCK, 0);
		if (!ASSERT_OK_FD(clients[i], "socket"))
			return false;
	}
	return true;
}

/* May be called again, until it returns true */
static bool connected(int client, int listener)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	if (getsockname(listener, (struct sockaddr *)&addr, &len))
		return false;
	return !connect(client, (struct sockaddr *)&addr, len) || errno == EISCONN;
}

static bool connect_all(int listener)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (!ASSERT_TRUE(wait_until(connected(clients[i], listener)), "connected"))
			return false;
	return true;
}

static void send_all(void)
{
	int i;

	for (i = 0; i < CLIENTS; i++)
		ASSERT_EQ(send(clients[i], "", 1, MSG_NOSIGNAL), 1, "send");
}

/* The handshake makes no child: the data does, while allocations fail */
static bool fail_at_data(int listener, int interval)
{
	if (!connect_all(listener) || !fail_atomic_start(interval))
		return false;
	send_all();
	return ASSERT_GT(fail_atomic_stop(), 0, "failed");
}

/* Allocations fail while the handshake asks for a child, and makes it */
static bool fail_at_handshake(int listener, int interval)
{
	int i;

	if (!fail_atomic_start(interval))
		return false;
	for (i = 0; i < CLIENTS; i++)
		connected(clients[i], listener);
	if (!ASSERT_GT(fail_atomic_stop(), 0, "failed") || !connect_all(listener))
		return false;
	send_all();
	return true;
}

static bool accepted(int *server, int listener)
{
	*server = accept(listener, NULL, NULL);
	return *server >= 0;
}

/* What is lost is sent again, until there is a child */
static bool accept_all(int listener)
{
	char byte;
	int i;

	for (i = 0; i < CLIENTS; i++)
		if (!ASSERT_TRUE(wait_until(accepted(&servers[i], listener)), "accepted") ||
		    !check_sock_cc(servers[i], LINK_CC) ||
		    !ASSERT_EQ(recv(servers[i], &byte, 1, 0), 1, "recv"))
			return false;
	return true;
}

static const struct way {
	const char *name;
	bool defer;
	bool (*fail)(int listener, int interval);
} ways[] = {
	{ "data", true, fail_at_data },
	{ "handshake", false, fail_at_handshake },
};

static void test_children(const struct way *way, int family)
{
	const char *address = family == AF_INET ? "127.0.0.1" : "::1";
	struct impls impls = { .link = -1 };
	struct netns_obj *ns = NULL;
	int listener = -1, interval;
	bool ok = true;

	memset(clients, -1, sizeof(clients));
	memset(servers, -1, sizeof(servers));
	if (!impls_setup(&impls, NON_RESTRICTED, NON_RESTRICTED))
		goto out;
	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		goto out;
	listener = listen_with_cc(family, address, LINK_CC, way->defer);
	if (!ASSERT_OK_FD(listener, "listen") ||
	    !ASSERT_OK(fcntl(listener, F_SETFL, O_NONBLOCK), "nonblock"))
		goto out;

	for (interval = 1; ok && interval <= INTERVALS; interval++) {
		ok = create_clients(family) && way->fail(listener, interval) &&
		     accept_all(listener) &&
		     ASSERT_EQ(impls.old->bss->inits, interval * CLIENTS, "inits");
		close_all(clients);
		close_all(servers);
	}
	/* Fails if all children were made at once */
	ASSERT_GT(listen_drops(), 0, "dropped");
	printf("%d drops\n", listen_drops());
out:
	if (listener >= 0)
		close(listener);
	netns_free(ns);
	/* Fails if a reference has leaked, or an init has no release */
	impls_teardown(&impls);
}

void serial_test_tcp_cong_child_enomem(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct way *way;
	int i;

	if (!fail_setup())
		return;
	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (way = ways; way < ways + ARRAY_SIZE(ways); way++)
			if (start_family_subtest(way->name, families[i]))
				test_children(way, families[i]);
	fail_teardown();
}
