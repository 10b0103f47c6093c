// SPDX-License-Identifier: GPL-2.0-only
/* Whether ordinary users may choose a congestion control, over updates of its
 * link; all in the first network namespace, where the sysctl can be written
 */

#include <test_progs.h>
#include "struct_ops_link_guarantee.h"

#define ALLOWED	"/proc/sys/net/ipv4/tcp_allowed_congestion_control"

static char original[1024];

/* Allows what was allowed at first, and one more */
static bool allow(const char *more)
{
	char line[1100];

	snprintf(line, sizeof(line), "%s %s", original, more);
	return sysctl_put(ALLOWED, line);
}

/* What the sysctl says, and what happens to whoever has no privilege */
static bool is_allowed(int family, bool expected)
{
	char line[1024], *word, *rest = line;
	bool listed = false;
	bool ok;

	if (!ASSERT_TRUE(sysctl_get(ALLOWED, line, sizeof(line)), "allowed_read"))
		return false;
	while ((word = strsep(&rest, " ")))
		listed |= !strcmp(word, LINK_CC);

	ok = ASSERT_EQ(listed, expected, "listed");
	ok &= ASSERT_EQ(user_chooses(family, LINK_CC), expected ? 0 : -EPERM, "setsockopt");
	return ok;
}

/* The administrator's word is for the name, not for an implementation */
static void test_carried_over(int family)
{
	struct swap swap;

	if (!swap_start(&swap, 0, 0))
		goto out;
	is_allowed(family, false);
	if (!ASSERT_TRUE(allow(LINK_CC), "allow"))
		goto out;
	is_allowed(family, true);
	swap_forth(&swap);
	is_allowed(family, true);
	swap_back(&swap);
	is_allowed(family, true);
out:
	swap_end(&swap);
}

/* Nor does an implementation bring back what was taken away meanwhile */
static void test_taken_away(int family)
{
	struct swap swap;

	if (!swap_start(&swap, 0, 0))
		goto out;
	if (!ASSERT_TRUE(allow(LINK_CC), "allow"))
		goto out;
	swap_forth(&swap);
	if (!ASSERT_TRUE(allow(""), "take_away"))
		goto out;
	is_allowed(family, false);
	swap_back(&swap);
	is_allowed(family, false);
	swap_forth(&swap);
	is_allowed(family, false);
out:
	swap_end(&swap);
}

/* The author's word is for the implementation: it comes and stays with it */
static void test_by_author(int family)
{
	struct swap swap;

	if (!swap_start(&swap, 0, NON_RESTRICTED))
		goto out;
	is_allowed(family, false);
	swap_forth(&swap);
	is_allowed(family, true);
	if (!ASSERT_TRUE(allow(""), "take_away"))
		goto out;
	is_allowed(family, false);
	swap_back(&swap);
	is_allowed(family, false);
	swap_forth(&swap);
	is_allowed(family, true);
out:
	swap_end(&swap);
}

/* A map that is linked again is the same implementation, unlike another map */
static void test_relinked(int family)
{
	struct swap swap;

	if (!swap_start(&swap, 0, 0) || !ASSERT_TRUE(allow(LINK_CC), "allow"))
		goto out;
	is_allowed(family, true);
	if (!swap_relink(&swap, swap.old))
		goto out;
	is_allowed(family, true);
	if (swap_relink(&swap, swap.new))
		is_allowed(family, false);
out:
	swap_end(&swap);
}

/* What is made a default is allowed with that, and the name stays so */
static void test_by_default(int family)
{
	char before[CC_NAME_MAX];
	struct swap swap;

	if (!ASSERT_TRUE(default_get(before), "default_get"))
		return;
	if (!swap_start(&swap, 0, 0))
		goto out;
	is_allowed(family, false);
	if (!ASSERT_TRUE(default_set(LINK_CC), "default_set"))
		goto out;
	is_allowed(family, true);
	swap_forth(&swap);
	is_allowed(family, true);
	ASSERT_TRUE(default_set(before), "default_reset");
	is_allowed(family, true);
out:
	swap_end(&swap);
}

void serial_test_struct_ops_link_guarantee_allowed(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	if (!ASSERT_TRUE(sysctl_get(ALLOWED, original, sizeof(original)), "allowed_read"))
		return;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (family_subtest("carried_over", families[i]))
			test_carried_over(families[i]);
		if (family_subtest("taken_away", families[i]))
			test_taken_away(families[i]);
		if (family_subtest("by_author", families[i]))
			test_by_author(families[i]);
		if (family_subtest("relinked", families[i]))
			test_relinked(families[i]);
		if (family_subtest("by_default", families[i]))
			test_by_default(families[i]);
	}
}
