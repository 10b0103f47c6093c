// SPDX-License-Identifier: GPL-2.0-only
/* Links of the kernel's own struct_ops types that no other test covers */

#include <test_progs.h>
#include <io_uring/mini_liburing.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_subsystems.skel.h"

static struct struct_ops_link_subsystems *skel;

static void test_qdisc(void)
{
	check_link_without_update(skel->maps.qdisc, -EOPNOTSUPP);
}

static void test_binfmt_misc(void)
{
	check_link_without_update(skel->maps.binfmt_misc, -EOPNOTSUPP);
}

static void test_io_uring(void)
{
	check_link_without_update(skel->maps.io_uring, -EOPNOTSUPP);
}

/* SMC registers only maps without BPF_F_LINK */
static void test_smc(void)
{
	int smc = bpf_map__fd(skel->maps.smc), links = count_links();
	struct bpf_link *link;

	link = bpf_map__attach_struct_ops(skel->maps.smc);
	if (!ASSERT_ERR_PTR(link, "attach"))
		bpf_link__destroy(link);
	/* The map is READY now, so the subsystem returns the error */
	ASSERT_EQ(link_create(smc), -EOPNOTSUPP, "create");
	ASSERT_EQ(count_links(), links, "no_link");
}

static void destroy(void *obj)
{
	struct_ops_link_subsystems__destroy(obj);
}

static void run(void (*test)(void))
{
	struct io_uring ring;

	/* The flags of a ring that can have a BPF program */
	if (!ASSERT_OK(io_uring_queue_init(1, &ring, IORING_SETUP_SINGLE_ISSUER |
					   IORING_SETUP_DEFER_TASKRUN), "ring"))
		return;
	skel = struct_ops_link_subsystems__open();
	if (ASSERT_OK_PTR(skel, "open")) {
		skel->struct_ops.io_uring->ring_fd = ring.ring_fd;
		if (ASSERT_OK(struct_ops_link_subsystems__load(skel), "load"))
			test();
		destroy_check_freed(skel->obj, destroy, skel, -1);
	}
	io_uring_queue_exit(&ring);
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "qdisc", test_qdisc },
	{ "binfmt_misc", test_binfmt_misc },
	{ "io_uring", test_io_uring },
	{ "smc", test_smc },
};

void serial_test_struct_ops_link_subsystems(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++)
		if (test__start_subtest(tests[i].name))
			run(tests[i].run);
}
