// SPDX-License-Identifier: GPL-2.0-only
/* Detaching and closing a struct_ops link, and who is told */

#include <poll.h>
#include <sys/epoll.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

static void test_detach(void)
{
	struct struct_ops_link_cc *skel;
	int a, b, link;

	skel = cc_load();
	if (!skel)
		return;

	a = bpf_map__fd(skel->maps.cc_a);
	b = bpf_map__fd(skel->maps.cc_b);
	link = link_create(a);
	if (!ASSERT_OK_FD(link, "create"))
		goto out;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	link_backed_by(link, map_id(a));

	ASSERT_OK(bpf_link_detach(link), "detach");
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	link_backed_by(link, 0);

	ASSERT_OK(bpf_link_detach(link), "detach_twice");
	link_backed_by(link, 0);

	ASSERT_EQ(link_update(link, b), -ENOLINK, "update");
	ASSERT_EQ(link_replace(link, b, a), -ENOLINK, "replace");
	ASSERT_EQ(cc_listed(LINK_CC), 0, "still_not_listed");
	link_backed_by(link, 0);
out:
	cc_unload(skel, link);
}

/* What BPF_LINK_CREATE does not look at for struct_ops does not keep it */
static void test_create_ignores(void)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = ~0);
	struct struct_ops_link_cc *skel;
	int a, link;

	skel = cc_load();
	if (!skel)
		return;

	a = bpf_map__fd(skel->maps.cc_a);
	link = bpf_link_create(a, 9999, BPF_STRUCT_OPS, &opts);
	if (ASSERT_OK_FD(link, "create"))
		link_backed_by(link, map_id(a));
	cc_unload(skel, link);
}

/* A detached link holds no map, and is no longer a party to the name */
static void test_detached_lets_go(void)
{
	struct struct_ops_link_cc *skel;
	int a, link, second = -1;
	__u32 a_id;

	skel = cc_load();
	if (!skel)
		return;

	a = bpf_map__fd(skel->maps.cc_a);
	a_id = map_id(a);
	link = link_create(a);
	if (!ASSERT_OK_FD(link, "create"))
		goto out;
	ASSERT_OK(bpf_link_detach(link), "detach");

	second = link_create(a);
	if (!ASSERT_OK_FD(second, "create_again"))
		goto out;
	close(link);
	link = -1;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "second_still_listed");
	link_backed_by(second, a_id);

	ASSERT_OK(bpf_link_detach(second), "detach_second");
	/* With the object gone too, the open link alone keeps no map */
	struct_ops_link_cc__destroy(skel);
	ASSERT_TRUE(map_gone(a_id), "map_gone");
	link_backed_by(second, 0);
	close(second);
	return;
out:
	if (second >= 0)
		close(second);
	cc_unload(skel, link);
}

/* The last close unregisters; a second fd of the link puts that off */
static void test_last_close(void)
{
	struct struct_ops_link_cc *skel;
	int link, again, held;

	skel = cc_load();
	if (!skel)
		return;

	held = links_held();
	link = link_create(bpf_map__fd(skel->maps.cc_a));
	if (!ASSERT_OK_FD(link, "create"))
		goto out;
	ASSERT_EQ(links_held(), held + 1, "one_more_link");

	again = dup(link);
	close(link);
	link = again;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");

	close(link);
	link = -1;
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	ASSERT_EQ(links_held(), held, "as_many_links");
out:
	cc_unload(skel, link);
}

/* A socket keeps the implementation that it runs, also without link and name */
static void test_close_in_use(void)
{
	struct conn conn = { .client = -1, .server = -1 };
	struct conn late = { .client = -1, .server = -1 };
	struct struct_ops_link_cc *skel;
	char name[16] = {};
	socklen_t len = sizeof(name);
	int link, listener;
	__u32 a_id;

	skel = cc_load();
	if (!skel)
		return;

	a_id = map_id(bpf_map__fd(skel->maps.cc_a));
	listener = start_server(AF_INET, SOCK_STREAM, "127.0.0.1", 0, 0);
	link = link_create(bpf_map__fd(skel->maps.cc_a));
	if (!ASSERT_OK_FD(listener, "listen") || !ASSERT_OK_FD(link, "create") ||
	    !ASSERT_TRUE(conn_open(&conn, listener, LINK_CC), "connect")) {
		cc_unload(skel, link);
		goto out;
	}
	ASSERT_TRUE(conn_send(&conn, 100000), "send");

	close(link);
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	ASSERT_FALSE(conn_open(&late, listener, LINK_CC), "name_gone");
	struct_ops_link_cc__destroy(skel);

	ASSERT_TRUE(map_alive(a_id), "socket_holds_map");
	ASSERT_TRUE(conn_send(&conn, 100000), "send_on");
	ASSERT_OK(getsockopt(conn.client, SOL_TCP, TCP_CONGESTION, name, &len), "getsockopt");
	ASSERT_STREQ(name, LINK_CC, "still_the_name");

	conn_close(&conn);
	ASSERT_TRUE(map_gone(a_id), "map_gone");
out:
	conn_close(&conn);
	if (listener >= 0)
		close(listener);
}

static void test_poll(void)
{
	struct struct_ops_link_cc *skel;
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pfd = {};
	int link, epoll = -1;

	skel = cc_load();
	if (!skel)
		return;

	link = link_create(bpf_map__fd(skel->maps.cc_a));
	epoll = epoll_create1(0);
	if (!ASSERT_OK_FD(link, "create") || !ASSERT_OK_FD(epoll, "epoll_create"))
		goto out;
	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, link, &ev), "epoll_ctl");

	pfd.fd = link;
	pfd.events = POLLIN | POLLOUT;
	ASSERT_EQ(poll(&pfd, 1, 50), 0, "nothing_yet");
	ASSERT_EQ(epoll_wait(epoll, &ev, 1, 0), 0, "epoll_nothing_yet");

	/* An update is nothing that a poller is told */
	ASSERT_OK(link_update(link, bpf_map__fd(skel->maps.cc_b)), "update");
	ASSERT_EQ(poll(&pfd, 1, 50), 0, "nothing_after_update");

	ASSERT_OK(bpf_link_detach(link), "detach");
	ASSERT_EQ(poll(&pfd, 1, 0), 1, "detached");
	ASSERT_EQ(pfd.revents, POLLHUP, "revents");
	ASSERT_EQ(epoll_wait(epoll, &ev, 1, 1000), 1, "epoll_detached");
	ASSERT_EQ(ev.events, EPOLLHUP, "epoll_events");
out:
	if (epoll >= 0)
		close(epoll);
	cc_unload(skel, link);
}

static void *poll_link(void *link)
{
	struct pollfd pfd = { .fd = *(int *)link, .events = POLLIN };

	return (void *)(long)(poll(&pfd, 1, 5000) == 1 ? pfd.revents : 0);
}

/* A poller that sleeps is woken by the detach, not by its timeout */
static void test_poll_waiting(void)
{
	struct struct_ops_link_cc *skel;
	pthread_t poller;
	void *revents;
	__u64 start;
	int link;

	skel = cc_load();
	if (!skel)
		return;

	link = link_create(bpf_map__fd(skel->maps.cc_a));
	if (!ASSERT_OK_FD(link, "create"))
		goto out;
	if (!ASSERT_OK(pthread_create(&poller, NULL, poll_link, &link), "thread"))
		goto out;

	usleep(200 * 1000);	/* for it to fall asleep */
	start = get_time_ns();
	ASSERT_OK(bpf_link_detach(link), "detach");
	pthread_join(poller, &revents);
	ASSERT_EQ((long)revents, POLLHUP, "revents");
	ASSERT_LT((get_time_ns() - start) / 1000000, 2000, "ms_until_woken");
out:
	cc_unload(skel, link);
}

void serial_test_struct_ops_link_life(void)
{
	struct netns_obj *ns;

	ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(ns, "netns"))
		return;

	if (test__start_subtest("create_ignores"))
		test_create_ignores();
	if (test__start_subtest("detach"))
		test_detach();
	if (test__start_subtest("detached_lets_go"))
		test_detached_lets_go();
	if (test__start_subtest("last_close"))
		test_last_close();
	if (test__start_subtest("close_in_use"))
		test_close_in_use();
	if (test__start_subtest("poll"))
		test_poll();
	if (test__start_subtest("poll_waiting"))
		test_poll_waiting();

	netns_free(ns);
}
