// SPDX-License-Identifier: GPL-2.0-only
/* What selects or starts a congestion control, while allocations fail: an error
 * changes nothing, and leaves no reference behind
 */

#include <fcntl.h>
#include <sched.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_fail_helpers.h"
#include "tcp_cong_update_helpers.h"

#define OTHER		"reno"

static struct netns_listener netns;
static struct conn conn;
static int fd = -1;		/* a socket, a sysctl or a namespace */

static void close_fd(void)
{
	close(fd);
	fd = -1;
}

static int result(int ret)
{
	return ret < 0 ? -errno : ret;
}

static bool open_socket(void)
{
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	return ASSERT_OK_FD(fd, "socket") &&
	       ASSERT_OK(setsockopt(fd, SOL_TCP, TCP_CONGESTION, OTHER, strlen(OTHER)),
			 "other");
}

static int select_name(void)
{
	return result(setsockopt(fd, SOL_TCP, TCP_CONGESTION, LINK_CC, strlen(LINK_CC)));
}

static void check_select(int ret)
{
	check_sock_cc(fd, ret ? OTHER : LINK_CC);
	close_fd();
}

static bool open_default(void)
{
	fd = open(DEFAULT_CC, O_WRONLY);
	return ASSERT_OK_FD(fd, "open_default") && ASSERT_TRUE(default_set(OTHER), "other");
}

static int write_default(void)
{
	int ret = result(write(fd, LINK_CC, strlen(LINK_CC)));

	return ret < 0 ? ret : 0;
}

static void check_default(int ret)
{
	ASSERT_TRUE(default_is(ret ? OTHER : LINK_CC), "default");
	close_fd();
}

static bool open_namespace(void)
{
	fd = open("/proc/thread-self/ns/net", O_RDONLY);
	return ASSERT_OK_FD(fd, "open_namespace");
}

static int create_namespace(void)
{
	return result(unshare(CLONE_NEWNET));
}

/* A new namespace has the default of the first one */
static void check_namespace(int ret)
{
	if (!ret) {
		ASSERT_TRUE(default_is(LINK_CC), "inherited");
		ASSERT_OK(setns(fd, CLONE_NEWNET), "setns");
	}
	close_fd();
}

static bool open_client(void)
{
	return ASSERT_TRUE(default_set(LINK_CC), "default") && open_socket() &&
	       ASSERT_OK(select_name(), "select");
}

static int connect_client(void)
{
	struct sockaddr_storage addr;
	socklen_t len = sizeof(addr);

	/* A system call without allocations */
	if (getsockname(netns.listener, (struct sockaddr *)&addr, &len))
		return -EINVAL;
	if (!connect(fd, (struct sockaddr *)&addr, len) || errno == EINPROGRESS)
		return 0;
	return -errno;
}

static void accept_all(void)
{
	int server;

	while ((server = accept4(netns.listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
		close(server);
}

static void check_connect(int ret)
{
	check_sock_cc(fd, LINK_CC);
	close_fd();
	accept_all();
}

static bool connect_only(void)
{
	conn = CONN_CLOSED;
	conn.client = connect_to_fd(netns.listener, 0);
	return ASSERT_OK_FD(conn.client, "connect");
}

static int accept_only(void)
{
	return conn.server = result(accept(netns.listener, NULL, NULL));
}

/* A connection that could not be accepted can be accepted later */
static void check_accept(int ret)
{
	if (ret < 0)
		ASSERT_TRUE(conn_accept(&conn, netns.listener), "accept_later");
	if (conn.server >= 0) {
		check_sock_cc(conn.server, LINK_CC);
		ASSERT_TRUE(conn_exchange(&conn), "exchange");
	}
	conn_shutdown(&conn);
}

static const struct {
	const char *name;
	struct fail_call call;
} calls[] = {
	{ "setsockopt", { open_socket, select_name, check_select } },
	{ "sysctl", { open_default, write_default, check_default, .may_refuse = true } },
	/* Makes some 700 allocations; the error path is the same for most of them */
	{ "namespace", { open_namespace, create_namespace, check_namespace, .may_refuse = true,
			 .step = 16 } },
	{ "connect", { open_client, connect_client, check_connect, .may_refuse = true } },
	{ "accept", { connect_only, accept_only, check_accept, .may_refuse = true } },
};

static void test_call(const struct fail_call *call)
{
	char original[CC_NAME_MAX];
	struct impls impls = { .link = -1 };
	bool was_set;

	was_set = ASSERT_TRUE(default_get(original), "default_get");
	if (was_set && impls_setup(&impls, NON_RESTRICTED, NON_RESTRICTED) &&
	    ASSERT_TRUE(default_set(LINK_CC), "default_set")) {
		if (netns_listener_setup(&netns) &&
		    ASSERT_OK(fcntl(netns.listener, F_SETFL, O_NONBLOCK), "nonblock") &&
		    ASSERT_TRUE(default_set(LINK_CC), "default_in_namespace"))
			fail_each(call);
		netns_listener_teardown(&netns);
	}
	if (was_set)
		ASSERT_TRUE(default_set(original), "default_reset");
	/* Fails if a reference has leaked, or an init has no release */
	impls_teardown(&impls);
}

void serial_test_tcp_cong_enomem(void)
{
	int i;

	if (!fail_setup())
		return;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (test__start_subtest(calls[i].name))
			test_call(&calls[i].call);
	fail_teardown();
}
