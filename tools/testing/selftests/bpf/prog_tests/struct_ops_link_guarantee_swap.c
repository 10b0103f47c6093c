// SPDX-License-Identifier: GPL-2.0-only
/* Implementations of one name, and a link that goes from one to another */

#include <test_progs.h>
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

struct struct_ops_link_guarantee *impl_load(__u32 flags, int oldest)
{
	struct struct_ops_link_guarantee *impl;

	impl = struct_ops_link_guarantee__open();
	if (!ASSERT_OK_PTR(impl, "open"))
		return NULL;
	impl->struct_ops.cc->flags = flags;
	if (oldest >= 0 &&
	    !ASSERT_OK(bpf_map__reuse_fd(impl->maps.oldest, oldest), "reuse_fd"))
		goto destroy;
	if (!ASSERT_OK(struct_ops_link_guarantee__load(impl), "load"))
		goto destroy;
	if (!map_make_ready(impl->maps.cc) || !map_make_ready(impl->maps.cc_other))
		goto destroy;
	return impl;

destroy:
	struct_ops_link_guarantee__destroy(impl);
	return NULL;
}

static void destroy(void *impl)
{
	struct_ops_link_guarantee__destroy(impl);
}

void impl_unload(struct struct_ops_link_guarantee *impl)
{
	if (!impl)
		return;
	/* Who was initialised is released. The last ones may still be on their way out. */
	wait_until(READ_ONCE(impl->bss->releases) == READ_ONCE(impl->bss->inits));
	ASSERT_EQ(impl->bss->releases, impl->bss->inits, "released");
	ASSERT_EQ(impl->bss->strangers, 0, "strangers");
	object_left_nothing(impl->obj, destroy, impl, -1);
}

int impl_map(struct struct_ops_link_guarantee *impl)
{
	return bpf_map__fd(impl->maps.cc);
}

bool program_attach(struct struct_ops_link_guarantee *impl)
{
	struct bpf_link *link;
	int cgroup;

	cgroup = test__join_cgroup("/struct_ops_link");
	if (!ASSERT_OK_FD(cgroup, "cgroup"))
		return false;
	link = bpf_program__attach_cgroup(impl->progs.choose, cgroup);
	close(cgroup);
	impl->links.choose = link;
	return ASSERT_OK_PTR(link, "attach");
}

bool swap_start(struct swap *swap, __u32 old_flags, __u32 new_flags)
{
	swap->link = -1;
	swap->old = impl_load(old_flags, -1);
	swap->new = impl_load(new_flags, -1);
	if (!swap->old || !swap->new)
		return false;
	swap->link = link_create(impl_map(swap->old));
	return ASSERT_OK_FD(swap->link, "create");
}

bool swap_forth(struct swap *swap)
{
	return ASSERT_OK(link_update(swap->link, impl_map(swap->new)), "forth");
}

bool swap_back(struct swap *swap)
{
	return ASSERT_OK(link_update(swap->link, impl_map(swap->old)), "back");
}

bool swap_relink(struct swap *swap, struct struct_ops_link_guarantee *impl)
{
	if (!ASSERT_OK(bpf_link_detach(swap->link), "detach"))
		return false;
	close(swap->link);
	swap->link = link_create(impl_map(impl));
	return ASSERT_OK_FD(swap->link, "relink");
}

void swap_end(struct swap *swap)
{
	if (swap->link >= 0)
		close(swap->link);
	ASSERT_EQ(cc_listed(LINK_CC), 0, "not_listed");
	impl_unload(swap->old);
	impl_unload(swap->new);
}
