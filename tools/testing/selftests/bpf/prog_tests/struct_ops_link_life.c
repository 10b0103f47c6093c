// SPDX-License-Identifier: GPL-2.0-only
/* Detaching and closing a struct_ops link, and who is told */

#include <poll.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"

static struct place place;

static void test_detach(void)
{
	struct linked t;

	if (!linked_start(&t))
		goto out;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "listed");
	link_backed_by(t.link, map_id(t.a));

	ASSERT_OK(bpf_link_detach(t.link), "detach");
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	link_backed_by(t.link, 0);

	ASSERT_OK(bpf_link_detach(t.link), "detach_twice");
	link_backed_by(t.link, 0);

	ASSERT_EQ(link_update(t.link, t.b), -ENOLINK, "update");
	ASSERT_EQ(link_replace(t.link, t.b, t.a), -ENOLINK, "replace");
	ASSERT_EQ(cc_listed(LINK_CC), 0, "still_not_listed");
	link_backed_by(t.link, 0);
out:
	linked_end(&t);
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
	int second = -1;
	struct linked t;
	__u32 a_id;

	if (!linked_start(&t))
		goto out;
	a_id = map_id(t.a);
	ASSERT_OK(bpf_link_detach(t.link), "detach");

	second = link_create(t.a);
	if (!ASSERT_OK_FD(second, "create_again"))
		goto out;
	close(t.link);
	t.link = -1;
	ASSERT_EQ(cc_listed(LINK_CC), 1, "second_still_listed");
	link_backed_by(second, a_id);

	ASSERT_OK(bpf_link_detach(second), "detach_second");
	/* With the object gone too, the open link alone keeps no map */
	struct_ops_link_cc__destroy(t.skel);
	t.skel = NULL;
	ASSERT_TRUE(map_gone(a_id), "map_gone");
	link_backed_by(second, 0);
out:
	if (second >= 0)
		close(second);
	linked_end(&t);
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
	struct linked t;
	__u32 a_id;

	if (!linked_start(&t) ||
	    !ASSERT_TRUE(conn_open(&conn, place.listener, LINK_CC), "connect"))
		goto out;
	a_id = map_id(t.a);
	ASSERT_TRUE(conn_send(&conn, 100000), "send");

	close(t.link);
	t.link = -1;
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	ASSERT_FALSE(conn_open(&late, place.listener, LINK_CC), "name_gone");
	struct_ops_link_cc__destroy(t.skel);
	t.skel = NULL;

	ASSERT_TRUE(map_alive(a_id), "socket_holds_map");
	ASSERT_TRUE(conn_send(&conn, 100000), "send_on");
	sock_runs(conn.client, LINK_CC);

	conn_close(&conn);
	ASSERT_TRUE(map_gone(a_id), "map_gone");
out:
	linked_end(&t);
	conn_close(&conn);
}

static void test_poll(void)
{
	struct epoll_event ev = { .events = EPOLLIN };
	struct pollfd pfd = {};
	struct linked t;
	int epoll = -1;

	if (!linked_start(&t))
		goto out;
	epoll = epoll_create1(0);
	if (!ASSERT_OK_FD(epoll, "epoll_create"))
		goto out;
	ASSERT_OK(epoll_ctl(epoll, EPOLL_CTL_ADD, t.link, &ev), "epoll_ctl");

	pfd.fd = t.link;
	pfd.events = POLLIN | POLLOUT;
	ASSERT_EQ(poll(&pfd, 1, 50), 0, "nothing_yet");
	ASSERT_EQ(epoll_wait(epoll, &ev, 1, 0), 0, "epoll_nothing_yet");

	/* An update is nothing that a poller is told */
	ASSERT_OK(link_update(t.link, t.b), "update");
	ASSERT_EQ(poll(&pfd, 1, 50), 0, "nothing_after_update");

	ASSERT_OK(bpf_link_detach(t.link), "detach");
	ASSERT_EQ(poll(&pfd, 1, 0), 1, "detached");
	ASSERT_EQ(pfd.revents, POLLHUP, "revents");
	ASSERT_EQ(epoll_wait(epoll, &ev, 1, 1000), 1, "epoll_detached");
	ASSERT_EQ(ev.events, EPOLLHUP, "epoll_events");
out:
	if (epoll >= 0)
		close(epoll);
	linked_end(&t);
}

static void *poll_link(void *link)
{
	struct pollfd pfd = { .fd = *(int *)link, .events = POLLIN };

	return (void *)(long)(poll(&pfd, 1, 5000) == 1 ? pfd.revents : 0);
}

/* A poller that sleeps is woken by the detach, not by its timeout */
static void test_poll_waiting(void)
{
	struct linked t;
	pthread_t poller;
	void *revents;
	__u64 start;

	if (!linked_start(&t))
		goto out;
	if (!ASSERT_OK(pthread_create(&poller, NULL, poll_link, &t.link), "thread"))
		goto out;

	usleep(200 * 1000);	/* for it to fall asleep */
	start = get_time_ns();
	ASSERT_OK(bpf_link_detach(t.link), "detach");
	pthread_join(poller, &revents);
	ASSERT_EQ((long)revents, POLLHUP, "revents");
	ASSERT_LT((get_time_ns() - start) / 1000000, 2000, "ms_until_woken");
out:
	linked_end(&t);
}

void serial_test_struct_ops_link_life(void)
{
	if (!place_enter(&place))
		goto out;

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
out:
	place_leave(&place);
}
