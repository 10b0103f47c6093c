// SPDX-License-Identifier: GPL-2.0-only
/* A link that is updated as late as can be in a connect(): the SYN is made by the
 * new implementation, whatever was called before
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"
#include "struct_ops_link_hooks.skel.h"

#define NEEDS_ECN	0x2	/* TCP_CONG_NEEDS_ECN */

static const struct way ways[] = {
	{ "socket", .client = { NAME, true }, .server = { RENO, true } },
	{ "route", .route = "", .client = { INHERIT }, .server = { RENO, true } },
};

/* When a program waits for the update: in a callback, or after the SYN was allocated */
struct moment {
	const char *name;
	__u32 op;
};

static const struct moment moments[] = {
	{ "rwnd_init", BPF_SOCK_OPS_RWND_INIT },
	{ "timeout_init", BPF_SOCK_OPS_TIMEOUT_INIT },
	{ "syn_alloc" },
};

static bool wait_at(struct struct_ops_link_hooks *hooks, const struct moment *moment)
{
	if (!moment->op)
		return hook_attach(hooks, hooks->progs.wait_after_alloc,
				   &hooks->links.wait_after_alloc);
	hooks->bss->wait_op = moment->op;
	return hook_attach(hooks, hooks->progs.wait_in_callback,
			   &hooks->links.wait_in_callback);
}

struct connect {
	struct scene *scene;
	pthread_t thread;
	bool ok;
	bool asks;	/* for ECN, in the SYN */
};

static void *run(void *arg)
{
	struct connect *connect = arg;
	struct conn conn;
	bool capable;

	connect->ok = scene_open(connect->scene, &conn) &&
		      saved_syn(conn.server, connect->scene->family, &connect->asks, &capable) &&
		      conn_exchange(&conn);
	conn_close(&conn);
	return NULL;
}

/* Goes from the old one to the new one while the SYN is about to be made */
static void overtake(struct struct_ops_link_hooks *hooks, struct stage *stage,
		     const struct way *way)
{
	struct scene scene = scene_make(way, LINK_CC, stage->scene.family);
	struct connect connect = { .scene = &scene };
	__u64 inits = stage->swap.new->bss->inits;
	int save = 1;

	WRITE_ONCE(hooks->bss->waiting, false);
	WRITE_ONCE(hooks->bss->go_on, 0);
	if (!ASSERT_TRUE(scene_prepare(&scene), "prepare") ||
	    !ASSERT_OK(setsockopt(scene.listener, SOL_TCP, TCP_SAVE_SYN, &save, sizeof(save)),
		       "save_syn") ||
	    !ASSERT_OK(pthread_create(&connect.thread, NULL, run, &connect), "thread"))
		goto out;
	ASSERT_TRUE(wait_until(READ_ONCE(hooks->bss->waiting)), "waiting");
	swap_forth(&stage->swap);
	WRITE_ONCE(hooks->bss->go_on, 1);
	pthread_join(connect.thread, NULL);
	ASSERT_TRUE(connect.ok, way->name);
	ASSERT_TRUE(connect.asks, "asks_for_ecn");
	ASSERT_EQ(stage->swap.old->bss->inits, 0, "old_inits");
	ASSERT_GT(stage->swap.new->bss->inits, inits, "new_inits");
out:
	scene_close(&scene);
}

static void test_late(const struct moment *moment, int family)
{
	struct struct_ops_link_hooks *hooks;
	struct stage stage;
	int i;

	hooks = struct_ops_link_hooks__open();
	if (!ASSERT_OK_PTR(hooks, "open"))
		return;
	if (!stage_start(&stage, ways, family, NON_RESTRICTED, NON_RESTRICTED | NEEDS_ECN) ||
	    !wait_at(hooks, moment))
		goto out;
	for (i = 0; i < ARRAY_SIZE(ways); i++) {
		overtake(hooks, &stage, &ways[i]);
		swap_back(&stage.swap);
	}
out:
	struct_ops_link_hooks__destroy(hooks);
	stage_end(&stage);
}

void serial_test_struct_ops_link_late(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i, m;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (m = 0; m < ARRAY_SIZE(moments); m++)
			if (family_subtest(moments[m].name, families[i]))
				test_late(&moments[m], families[i]);
}
