// SPDX-License-Identifier: GPL-2.0-only
/* A listener that is initialised, since a program chose for it when it wanted to
 * connect instead, which failed: its private memory is not its children's, nor
 * are they initialised with it
 */

#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"
#include "struct_ops_link_hooks.skel.h"

#define LOST_MARK	1

struct path {
	const char *ip;
	const char *here;
	const char *there;	/* not with the mark */
};

static const struct way way = {
	.client = { RENO },
	.server = { NAME, true },
};

static bool connect_fails(int fd, int family, const char *there)
{
	struct sockaddr_storage addr;
	socklen_t len;

	return ASSERT_OK(make_sockaddr(family, there, 1, &addr, &len), "make_sockaddr") &&
	       ASSERT_ERR(connect(fd, (struct sockaddr *)&addr, len), "connect") &&
	       ASSERT_EQ(errno, EHOSTUNREACH, "errno");
}

/* Without the mark, the way to there is open */
static bool routes_add(const struct path *path)
{
	SYS(fail, "%s route add %s dev lo", path->ip, path->there);
	SYS(fail, "%s rule add pref 1 fwmark %d unreachable", path->ip, LOST_MARK);
	return true;
fail:
	return false;
}

/* In place of what scene_prepare() does */
static bool listener_initialised(struct scene *scene, const struct path *path)
{
	struct struct_ops_link_hooks *hooks;
	bool ok = false;
	int no_mark = 0;

	hooks = struct_ops_link_hooks__open();
	if (!ASSERT_OK_PTR(hooks, "open"))
		return false;
	snprintf(hooks->bss->cc, sizeof(hooks->bss->cc), "%s", scene->cc);
	hooks->bss->lost_mark = LOST_MARK;
	if (!hook_attach(hooks, hooks->progs.choose_and_lose, &hooks->links.choose_and_lose))
		goto out;
	scene->listener = socket_bound(scene->family, path->here);
	ok = ASSERT_OK_FD(scene->listener, "socket") &&
	     connect_fails(scene->listener, scene->family, path->there) &&
	     ASSERT_OK(setsockopt(scene->listener, SOL_SOCKET, SO_MARK, &no_mark,
				  sizeof(no_mark)), "mark") &&
	     ASSERT_OK(listen(scene->listener, 1), "listen");
out:
	struct_ops_link_hooks__destroy(hooks);
	return ok;
}

static bool child_comes(struct scene *scene)
{
	struct conn conn;
	bool ok;

	if (!ASSERT_TRUE(scene_open(scene, &conn), "open"))
		return false;
	ok = ASSERT_TRUE(conn_exchange(&conn), "exchange");
	conn_close(&conn);
	return ok;
}

static const struct path *path_of(int family)
{
	static const struct path ipv4 = { "ip -4", "127.0.0.1", "192.0.2.1" };
	static const struct path ipv6 = { "ip -6", "::1", "2001:db8::1" };

	return family == AF_INET ? &ipv4 : &ipv6;
}

static bool start(struct stage *stage, int family)
{
	return stage_start(stage, &way, family, NON_RESTRICTED, NON_RESTRICTED) &&
	       routes_add(path_of(family)) &&
	       listener_initialised(&stage->scene, path_of(family));
}

/* A child that keeps the listener's choice */
static void test_inherits(int family)
{
	struct stage stage;

	if (start(&stage, family) && child_comes(&stage.scene))
		ASSERT_EQ(stage.swap.old->bss->inits, 2, "inits");
	stage_end(&stage);
}

/* One that follows an update, and one that goes by the default as the name is gone */
static void test_leaves(int family)
{
	struct scene other = scene_make(&way, LINK_CC, family);
	struct stage stage;
	int link = -1;

	if (!start(&stage, family) || !listener_initialised(&other, path_of(family)) ||
	    !swap_forth(&stage.swap))
		goto out;
	child_comes(&stage.scene);
	ASSERT_EQ(stage.swap.new->bss->inits, 1, "follows");

	link = link_create(bpf_map__fd(stage.swap.new->maps.cc_other));
	if (!ASSERT_OK_FD(link, "create_default") ||
	    !ASSERT_TRUE(default_set(LINK_CC_OTHER), "default_set") ||
	    !ASSERT_OK(bpf_link_detach(stage.swap.link), "detach"))
		goto out;
	child_comes(&other);
	ASSERT_EQ(stage.swap.new->bss->inits, 2, "falls_back");
	ASSERT_EQ(stage.swap.old->bss->inits, 2, "listeners");
out:
	if (link >= 0)
		close(link);
	scene_close(&other);
	stage_end(&stage);
}

void serial_test_struct_ops_link_memory(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (family_subtest("inherits", families[i]))
			test_inherits(families[i]);
		if (family_subtest("leaves", families[i]))
			test_leaves(families[i]);
	}
}
