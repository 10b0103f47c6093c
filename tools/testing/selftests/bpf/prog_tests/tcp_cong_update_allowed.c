// SPDX-License-Identifier: GPL-2.0-only
/* Whether unprivileged users may select a congestion control after updates of its
 * link. Runs in the first network namespace, where the sysctl can be written.
 */

#include <test_progs.h>
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"

#define ALLOWED	"/proc/sys/net/ipv4/tcp_allowed_congestion_control"

static char original[1024];

/* Allows what was allowed before the test, and one more */
static bool allow(const char *more)
{
	char line[1100];

	snprintf(line, sizeof(line), "%s %s", original, more);
	return sysctl_write(ALLOWED, line);
}

/* Checks the sysctl, and setsockopt() without privilege */
static void check_allowed(int family, bool expected)
{
	char line[1024], *word, *rest = line;
	bool listed = false;

	if (!ASSERT_TRUE(sysctl_read(ALLOWED, line, sizeof(line)), "sysctl_read"))
		return;
	while ((word = strsep(&rest, " ")))
		listed |= !strcmp(word, LINK_CC);

	ASSERT_EQ(listed, expected, "listed");
	ASSERT_EQ(set_cc_unprivileged(family, LINK_CC), expected ? 0 : -EPERM, "setsockopt");
}

/* The sysctl allows the name, whatever the implementation */
static void test_kept(int family)
{
	struct impls impls;

	if (!impls_setup(&impls, 0, 0))
		goto out;
	check_allowed(family, false);
	if (!ASSERT_TRUE(allow(LINK_CC), "allow"))
		goto out;
	check_allowed(family, true);
	impls_update(&impls);
	check_allowed(family, true);
	impls_revert(&impls);
	check_allowed(family, true);
out:
	impls_teardown(&impls);
}

/* What the sysctl has revoked stays revoked, also for earlier implementations */
static void test_revoked(int family)
{
	struct impls impls;

	if (!impls_setup(&impls, 0, 0))
		goto out;
	if (!ASSERT_TRUE(allow(LINK_CC), "allow"))
		goto out;
	impls_update(&impls);
	if (!ASSERT_TRUE(allow(""), "revoke"))
		goto out;
	check_allowed(family, false);
	impls_revert(&impls);
	check_allowed(family, false);
	impls_update(&impls);
	check_allowed(family, false);
out:
	impls_teardown(&impls);
}

/* The flag TCP_CONG_NON_RESTRICTED allows the implementation that has it */
static void test_by_flag(int family)
{
	struct impls impls;

	if (!impls_setup(&impls, 0, NON_RESTRICTED))
		goto out;
	check_allowed(family, false);
	impls_update(&impls);
	check_allowed(family, true);
	if (!ASSERT_TRUE(allow(""), "revoke"))
		goto out;
	check_allowed(family, false);
	impls_revert(&impls);
	check_allowed(family, false);
	impls_update(&impls);
	check_allowed(family, true);
out:
	impls_teardown(&impls);
}

/* A map stays allowed when it is linked again; another map is not allowed */
static void test_relinked(int family)
{
	struct impls impls;

	if (!impls_setup(&impls, 0, 0) || !ASSERT_TRUE(allow(LINK_CC), "allow"))
		goto out;
	check_allowed(family, true);
	if (!impls_relink(&impls, impls.old))
		goto out;
	check_allowed(family, true);
	if (impls_relink(&impls, impls.new))
		check_allowed(family, false);
out:
	impls_teardown(&impls);
}

/* Becoming the default allows the name for good */
static void test_by_default(int family)
{
	char before[CC_NAME_MAX];
	struct impls impls;

	if (!ASSERT_TRUE(default_get(before), "default_get"))
		return;
	if (!impls_setup(&impls, 0, 0))
		goto out;
	check_allowed(family, false);
	if (!ASSERT_TRUE(default_set(LINK_CC), "default_set"))
		goto out;
	check_allowed(family, true);
	impls_update(&impls);
	check_allowed(family, true);
	ASSERT_TRUE(default_set(before), "default_reset");
	check_allowed(family, true);
out:
	impls_teardown(&impls);
}

static const struct family_subtest subtests[] = {
	{ "kept", TCP_RUST, test_kept },
	{ "revoked", TCP_RUST, test_revoked },
	{ "by_flag", TCP_RUST, test_by_flag },
	{ "relinked", ANY_KERNEL, test_relinked },
	{ "by_default", TCP_RUST, test_by_default },
};

void serial_test_tcp_cong_update_allowed(void)
{
	if (ASSERT_TRUE(sysctl_read(ALLOWED, original, sizeof(original)), "sysctl_read"))
		run_family_subtests(subtests, ARRAY_SIZE(subtests));
}
