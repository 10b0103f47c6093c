// SPDX-License-Identifier: GPL-2.0-only
/* What waits while the subsystem of a link is busy with it, and what does not */

#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_cc.skel.h"
#include "struct_ops_link_types.skel.h"

static struct struct_ops_link_types *types;
static struct linked tcp;

static int slowly(int (*call)(int fd), int fd, void (*work)(void), bool waits)
{
	struct waiter waiter = {
		.waiting = &types->bss->waiting,
		.go_on = &types->bss->go_on,
		.wait_ns = &types->data->wait_ns,
		.in_vain = &types->bss->in_vain,
	};

	return meanwhile(&waiter, call, fd, work, waits);
}

static void while_registering(void (*work)(void), bool waits)
{
	int link = slowly(link_create, bpf_map__fd(types->maps.ops_slow), work, waits);

	if (ASSERT_OK_FD(link, "create_slowly"))
		close(link);
}

static void while_unregistering(int link, struct bpf_program *slow, void (*work)(void),
				bool waits)
{
	struct bpf_link *attached = bpf_program__attach(slow);

	if (ASSERT_OK_PTR(attached, "attach"))
		ASSERT_OK(slowly(bpf_link_detach, link, work, waits), "detach_slowly");
	bpf_link__destroy(attached);
}

static void create(struct bpf_map *map)
{
	int link = link_create(bpf_map__fd(map));

	if (!ASSERT_OK_FD(link, "create"))
		return;
	ASSERT_OK(bpf_link_detach(link), "detach");
	close(link);
}

static void use_tcp(void)
{
	ASSERT_OK(link_update(tcp.link, tcp.b), "update");
	create(tcp.skel->maps.cc_other);
}

/* Links of another type are created, updated and detached */
static void test_reg(void)
{
	while_registering(use_tcp, false);
}

static void create_of_type(void)
{
	create(types->maps.ops);
}

/* Another map of the type waits: not every subsystem keeps them apart ... */
static void test_reg_of_type(void)
{
	while_registering(create_of_type, true);
}

static void test_unreg_of_type(void)
{
	int link = link_create(bpf_map__fd(types->maps.ops_slow));

	if (!ASSERT_OK_FD(link, "create"))
		return;
	while_unregistering(link, types->progs.slow_unreg, create_of_type, true);
	close(link);
}

static void create_other_cc(void)
{
	create(tcp.skel->maps.cc_other);
}

/* ... but TCP does */
static void test_unreg_of_tcp(void)
{
	while_unregistering(tcp.link, types->progs.slow_tcp_unreg, create_other_cc, false);
}

static int same_map, same_type;

static void close_both(void)
{
	close(same_map);
	close(same_type);
}

/* Links of the same map and of the same type are closed */
static void test_close(void)
{
	same_map = link_create(bpf_map__fd(types->maps.ops_slow));
	same_type = link_create(bpf_map__fd(types->maps.ops));
	if (ASSERT_OK_FD(same_map, "same_map") && ASSERT_OK_FD(same_type, "same_type"))
		while_registering(close_both, false);
}

static void set_map(void)
{
	const struct bpf_map *map = types->maps.ops_slow;
	void *value = calloc(1, bpf_map__value_size(map));
	int zero = 0;

	ASSERT_EQ(bpf_map_update_elem(bpf_map__fd(map), &zero, value, 0), -EBUSY, "set_map");
	free(value);
}

/* The map that is being registered is found to have its value */
static void test_map_update(void)
{
	while_registering(set_map, false);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "reg", test_reg },
	{ "reg_of_type", test_reg_of_type },
	{ "unreg_of_type", test_unreg_of_type },
	{ "unreg_of_tcp", test_unreg_of_tcp },
	{ "close", test_close },
	{ "map_update", test_map_update },
};

void serial_test_struct_ops_link_parallel(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(tests[i].name))
			continue;
		types = struct_ops_link_types__open_and_load();
		if (!ASSERT_OK_PTR(types, "load"))
			continue;
		/* This registers them, too */
		types->bss->go_on = 1;
		if (map_make_ready(types->maps.ops) && map_make_ready(types->maps.ops_slow)) {
			if (linked_start(&tcp))
				tests[i].run();
			linked_end(&tcp);
		}
		types_unload(types);
	}
}
