// SPDX-License-Identifier: GPL-2.0-only
/* One way of coming by a name, and a link that is updated meanwhile */

#include <test_progs.h>
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

bool stage_start(struct stage *stage, const struct way *way, int family,
		 __u32 old_flags, __u32 new_flags)
{
	stage->ns = NULL;
	stage->scene = scene_make(way, LINK_CC, family);
	if (!swap_start(&stage->swap, old_flags, new_flags))
		return false;
	stage->ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(stage->ns, "netns"))
		return false;
	stage->scene.choices = bpf_map__fd(stage->swap.new->maps.choices);
	return !way->by_program || program_attach(stage->swap.new);
}

bool stage_prepare(struct stage *stage)
{
	return ASSERT_TRUE(scene_prepare(&stage->scene), "prepare");
}

bool stage_open(struct stage *stage, struct conn *conn)
{
	return ASSERT_TRUE(scene_open(&stage->scene, conn), "open");
}

void stage_end(struct stage *stage)
{
	scene_close(&stage->scene);
	netns_free(stage->ns);
	swap_end(&stage->swap);
}

void old_unload(struct stage *stage)
{
	struct_ops_link_guarantee__destroy(stage->swap.old);
	stage->swap.old = NULL;
	kern_sync_rcu();
}
