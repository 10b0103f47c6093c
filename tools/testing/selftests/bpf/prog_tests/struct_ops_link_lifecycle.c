// SPDX-License-Identifier: GPL-2.0-only
/* Detaching, closing and polling a struct_ops link */

#include <poll.h>
#include <sys/epoll.h>
#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"

static struct netns_listener netns;

static void test_detach(void)
{
	struct cc_fixture f;

	if (!cc_setup_link(&f))
		goto out;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	check_link_map(f.link, map_id(f.a));

	ASSERT_OK(bpf_link_detach(f.link), "detach");
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	check_link_map(f.link, 0);

	ASSERT_OK(bpf_link_detach(f.link), "detach_twice");
	check_link_map(f.link, 0);

	ASSERT_EQ(link_update(f.link, f.b), -ENOLINK, "update");
	ASSERT_EQ(link_replace(f.link, f.b, f.a), -ENOLINK, "replace");
	ASSERT_EQ(cc_listed(LINK_CC), 0, "still_not_listed");
	check_link_map(f.link, 0);
out:
	cc_teardown(&f);
}

/* BPF_LINK_CREATE ignores the flags and the target fd for struct_ops */
static void test_create_ignores(void)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = ~0);
	struct cc_fixture f;

	if (cc_setup(&f)) {
		f.link = bpf_link_create(f.a, 9999, BPF_STRUCT_OPS, &opts);
		if (ASSERT_OK_FD(f.link, "create"))
			check_link_map(f.link, map_id(f.a));
	}
	cc_teardown(&f);
}

/* A detached link holds no map, and its name can be registered again */
static void test_detached_reference(void)
{
	int second = -1;
	struct cc_fixture f;
	__u32 a_id;

	if (!cc_setup_link(&f))
		goto out;
	a_id = map_id(f.a);
	ASSERT_OK(bpf_link_detach(f.link), "detach");

	second = link_create(f.a);
	if (!ASSERT_OK_FD(second, "create_again"))
		goto out;
	cc_close_link(&f);
	ASSERT_EQ(cc_listed(LINK_CC), 1, "second_still_listed");
	check_link_map(second, a_id);

	ASSERT_OK(bpf_link_detach(second), "detach_second");
	/* Only the link is left, and it has no reference to the map */
	cc_destroy_object(&f);
	ASSERT_TRUE(map_freed(a_id), "map_freed");
	check_link_map(second, 0);
out:
	if (second >= 0)
		close(second);
	cc_teardown(&f);
}

/* Only closing the last fd of the link unregisters */
static void test_last_close(void)
{
	int second, links = count_links();
	struct cc_fixture f;

	if (!cc_setup_link(&f))
		goto out;
	ASSERT_EQ(count_links(), links + 1, "links_created");

	second = dup(f.link);
	close(f.link);
	f.link = second;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");

	cc_close_link(&f);
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	ASSERT_EQ(count_links(), links, "links_closed");
out:
	cc_teardown(&f);
}

/* A socket keeps its congestion control after the link is closed */
static void test_close_in_use(void)
{
	struct conn conn = CONN_CLOSED;
	struct conn second = CONN_CLOSED;
	struct cc_fixture f;
	__u32 a_id;

	if (!cc_setup_link(&f) ||
	    !ASSERT_TRUE(conn_open(&conn, netns.listener, LINK_CC), "connect"))
		goto out;
	a_id = map_id(f.a);
	ASSERT_TRUE(conn_send(&conn, 100000), "send");

	cc_close_link(&f);
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	ASSERT_FALSE(conn_open(&second, netns.listener, LINK_CC), "connect_unregistered");
	cc_destroy_object(&f);

	ASSERT_TRUE(map_exists(a_id), "socket_holds_map");
	ASSERT_TRUE(conn_send(&conn, 100000), "send_unregistered");
	check_sock_cc(conn.client, LINK_CC);

	conn_close(&conn);
	ASSERT_TRUE(map_freed(a_id), "map_freed");
out:
	cc_teardown(&f);
	conn_close(&conn);
}

static void test_poll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pfd = {};
	struct cc_fixture f;
	int epoll = -1;

	if (!cc_setup_link(&f))
		goto out;
	epoll = epoll_create1(0);
	if (!ASSERT_OK_FD(epoll, "epoll_create"))
		goto out;
	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, f.link, &ev), "epoll_ctl");

	pfd.fd = f.link;
	pfd.events = POLLIN | POLLOUT;
	ASSERT_EQ(poll(&pfd, 1, 50), 0, "no_event");
	ASSERT_EQ(epoll_wait(epoll, &ev, 1, 0), 0, "epoll_no_event");

	/* An update is no event */
	ASSERT_OK(link_update(f.link, f.b), "update");
	ASSERT_EQ(poll(&pfd, 1, 50), 0, "no_event_after_update");

	ASSERT_OK(bpf_link_detach(f.link), "detach");
	ASSERT_EQ(poll(&pfd, 1, 0), 1, "detached");
	ASSERT_EQ(pfd.revents, POLLHUP, "revents");
	ASSERT_EQ(epoll_wait(epoll, &ev, 1, 1000), 1, "epoll_detached");
	ASSERT_EQ(ev.events, EPOLLHUP, "epoll_events");
out:
	if (epoll >= 0)
		close(epoll);
	cc_teardown(&f);
}

static void *poll_link(void *link)
{
	struct pollfd pfd = { .fd = *(int *)link, .events = POLLIN };

	return (void *)(long)(poll(&pfd, 1, 5000) == 1 ? pfd.revents : 0);
}

/* A sleeping poll() is woken by the detach, not by its timeout */
static void test_poll_waiting(void)
{
	struct cc_fixture f;
	pthread_t poller;
	void *revents;
	__u64 start;

	if (!cc_setup_link(&f))
		goto out;
	if (!ASSERT_OK(pthread_create(&poller, NULL, poll_link, &f.link), "thread"))
		goto out;

	usleep(200 * 1000);	/* time for it to sleep */
	start = get_time_ns();
	ASSERT_OK(bpf_link_detach(f.link), "detach");
	pthread_join(poller, &revents);
	ASSERT_EQ((long)revents, POLLHUP, "revents");
	ASSERT_LT((get_time_ns() - start) / 1000000, 2000, "wakeup_ms");
out:
	cc_teardown(&f);
}

void serial_test_struct_ops_link_lifecycle(void)
{
	if (!netns_listener_setup(&netns))
		goto out;

	if (test__start_subtest("create_ignores"))
		test_create_ignores();
	if (test__start_subtest("detach"))
		test_detach();
	if (test__start_subtest("detached_reference"))
		test_detached_reference();
	if (test__start_subtest("last_close"))
		test_last_close();
	if (test__start_subtest("close_in_use"))
		test_close_in_use();
	if (test__start_subtest("poll"))
		test_poll();
	if (test__start_subtest("poll_waiting"))
		test_poll_waiting();
out:
	netns_listener_teardown(&netns);
}
