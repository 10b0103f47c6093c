// SPDX-License-Identifier: GPL-2.0-only
/* Subtests that need an option of the kernel */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "struct_ops_link_kconfig.skel.h"

#define FORCE	"BPF_STRUCT_OPS_LINK_FORCE"

static bool forced(void)
{
	const char *value = getenv(FORCE);

	return value && !strcmp(value, "1");
}

static bool check_option(__u32 needed, bool has, const char *name)
{
	if (!needed || has)
		return true;
	printf("SKIP: the kernel lacks %s (" FORCE "=1 runs the subtest)\n", name);
	return false;
}

bool kernel_has(__u32 options)
{
	struct struct_ops_link_kconfig *skel;
	bool ok;

	if (!options || forced())
		return true;

	skel = struct_ops_link_kconfig__open_and_load();
	if (!ASSERT_OK_PTR(skel, "load_kconfig"))
		return false;
	ok = check_option(options & LINK_RUST, skel->kconfig->CONFIG_BPF_STRUCT_OPS_LINK_RUST,
			  "CONFIG_BPF_STRUCT_OPS_LINK_RUST");
	ok &= check_option(options & TCP_RUST, skel->kconfig->CONFIG_TCP_CONG_REGISTRY_RUST,
			   "CONFIG_TCP_CONG_REGISTRY_RUST");
	struct_ops_link_kconfig__destroy(skel);
	if (!ok)
		test__skip();
	return ok;
}

void run_family_subtests(const struct family_subtest *subtests, int n)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct family_subtest *subtest;
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++)
		for (subtest = subtests; subtest < subtests + n; subtest++)
			if (start_family_subtest(subtest->name, families[i]) &&
			    kernel_has(subtest->needs))
				subtest->run(families[i]);
}
