// SPDX-License-Identifier: GPL-2.0-only
/* Which operations block while a subsystem registers or unregisters another link */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_types.skel.h"

static struct struct_ops_link_types *types;
static struct cc_fixture tcp;

static void destroy(void *skel)
{
	struct_ops_link_types__destroy(skel);
}

static int paused_call(int (*call)(int fd), int fd, void (*work)(void), bool blocks)
{
	struct pause pause = pause_of(types);

	return work_during_call(&pause, call, fd, work, blocks);
}

static void work_during_reg(void (*work)(void), bool blocks)
{
	int link = paused_call(link_create, bpf_map__fd(types->maps.ops_pause), work, blocks);

	if (ASSERT_OK_FD(link, "create_paused"))
		close(link);
}

static void work_during_unreg(int link, struct bpf_program *prog, void (*work)(void),
			      bool blocks)
{
	struct bpf_link *attached = bpf_program__attach(prog);

	if (ASSERT_OK_PTR(attached, "attach"))
		ASSERT_OK(paused_call(bpf_link_detach, link, work, blocks), "detach_paused");
	bpf_link__destroy(attached);
}

static void create_and_detach(struct bpf_map *map)
{
	int link = link_create(bpf_map__fd(map));

	if (!ASSERT_OK_FD(link, "create"))
		return;
	ASSERT_OK(bpf_link_detach(link), "detach");
	close(link);
}

static void create_of_other_type(void)
{
	create_and_detach(types->maps.ops2);
}

/* Links of another type do not block */
static void test_reg(void)
{
	work_during_reg(create_of_other_type, false);
}

static void update_and_create_tcp(void)
{
	ASSERT_OK(link_update(tcp.link, tcp.b), "update");
	create_and_detach(tcp.skel->maps.cc_other);
}

/* Nor do they block for a grace period, which the pause delays */
static void test_reg_and_tcp(void)
{
	work_during_reg(update_and_create_tcp, false);
}

static void create_of_type(void)
{
	create_and_detach(types->maps.ops);
}

/* Links of the same type block: not every subsystem allows concurrent calls ... */
static void test_reg_of_type(void)
{
	work_during_reg(create_of_type, true);
}

static void test_unreg_of_type(void)
{
	int link = link_create(bpf_map__fd(types->maps.ops_pause));

	if (!ASSERT_OK_FD(link, "create"))
		return;
	work_during_unreg(link, types->progs.pause_in_unreg, create_of_type, true);
	close(link);
}

static void create_scx_of_other_form(void)
{
	create_and_detach(types->maps.scx_cid);
}

/* So do those of types that have one state in common */
static void test_unreg_of_sched_ext(void)
{
	int link;

	if (!map_make_ready(types->maps.scx) || !map_make_ready(types->maps.scx_cid))
		return;
	link = link_create(bpf_map__fd(types->maps.scx));
	if (!ASSERT_OK_FD(link, "create"))
		return;
	work_during_unreg(link, types->progs.pause_in_scx_unreg, create_scx_of_other_form, true);
	close(link);
}

static void create_other_cc(void)
{
	create_and_detach(tcp.skel->maps.cc_other);
}

/* ... but TCP does */
static void test_unreg_of_tcp(void)
{
	work_during_unreg(tcp.link, types->progs.pause_in_tcp_unreg, create_other_cc, false);
}

static int same_map, same_type;

static void close_both(void)
{
	close(same_map);
	close(same_type);
}

/* Closing a link of the same map or type does not block */
static void test_close(void)
{
	same_map = link_create(bpf_map__fd(types->maps.ops_pause));
	same_type = link_create(bpf_map__fd(types->maps.ops));
	if (ASSERT_OK_FD(same_map, "same_map") && ASSERT_OK_FD(same_type, "same_type"))
		work_during_reg(close_both, false);
}

static void set_value(void)
{
	const struct bpf_map *map = types->maps.ops_pause;
	void *value = calloc(1, bpf_map__value_size(map));
	int zero = 0;

	ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(map), &zero, value, 0), -EBUSY, "set_value");
	free(value);
}

/* Setting the value of the map that is being registered fails at once */
static void test_map_update(void)
{
	work_during_reg(set_value, false);
}

static const struct {
	const char *name;
	__u32 needs;
	void (*run)(void);
} tests[] = {
	{ "reg", LINK_RUST, test_reg },
	{ "reg_and_tcp", LINK_RUST | TCP_RUST, test_reg_and_tcp },
	{ "reg_of_type", ANY_KERNEL, test_reg_of_type },
	{ "unreg_of_type", ANY_KERNEL, test_unreg_of_type },
	{ "unreg_of_sched_ext", ANY_KERNEL, test_unreg_of_sched_ext },
	{ "unreg_of_tcp", LINK_RUST | TCP_RUST, test_unreg_of_tcp },
	{ "close", ANY_KERNEL, test_close },
	{ "map_update", ANY_KERNEL, test_map_update },
};

void serial_test_struct_ops_link_parallel(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(tests[i].name) || !kernel_has(tests[i].needs))
			continue;
		types = struct_ops_link_types__open_and_load();
		if (!ASSERT_OK_PTR(types, "load"))
			continue;
		/* map_make_ready() registers the map, which must not pause */
		types->bss->resume = 1;
		if (map_make_ready(types->maps.ops) && map_make_ready(types->maps.ops2) &&
		    map_make_ready(types->maps.ops_pause)) {
			if (cc_setup_link(&tcp))
				tests[i].run();
			cc_teardown(&tcp);
		}
		destroy_check_freed(types->obj, destroy, types, -1);
	}
}
