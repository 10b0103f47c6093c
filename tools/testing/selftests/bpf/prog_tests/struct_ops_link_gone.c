// SPDX-License-Identifier: GPL-2.0-only
/* A link is updated and detached, so the name is gone: sockets that are still on
 * the old table go by the default of their network namespace. A listener forgets
 * nothing, and has the name again with the map; no other map will do.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "cap_helpers.h"
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

/* Neither the name nor Reno, and other namespaces than the first may have it */
#define DEFAULT	"cubic"

static const struct way chosen[] = {
	{ "socket", .client = { NAME, true }, .server = { RENO } },
	{ "listener", .client = { RENO }, .server = { NAME, true } },
	{ "mptcp_listener", .proto = IPPROTO_MPTCP,
	  .client = { RENO }, .server = { NAME, true } },
};

/* The name was the default when the socket was made */
static const struct way by_default[] = {
	{ "socket_default", .by_default = true,
	  .client = { INHERIT, true }, .server = { RENO } },
	{ "listener_default", .by_default = true,
	  .client = { RENO }, .server = { INHERIT, true } },
	{ "mptcp_socket_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { INHERIT, true }, .server = { RENO } },
	{ "mptcp_listener_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { RENO }, .server = { INHERIT, true } },
};

#define WAYS_MAX	ARRAY_SIZE(by_default)

/* Several ways in one network namespace */
struct sockets {
	struct stage stage;
	struct scene scenes[WAYS_MAX];
	int n;
};

/* sockets_end() is to follow in any case */
static bool sockets_start(struct sockets *sockets, const struct way *ways, int n, int family)
{
	int i;

	sockets->n = n;
	for (i = 0; i < n; i++)
		sockets->scenes[i] = scene_make(&ways[i], LINK_CC, family);
	return stage_start(&sockets->stage, ways, family, NON_RESTRICTED, NON_RESTRICTED);
}

static bool sockets_prepare(struct sockets *sockets)
{
	int i;

	for (i = 0; i < sockets->n; i++)
		if (!ASSERT_TRUE(scene_prepare(&sockets->scenes[i]), "prepare"))
			return false;
	return true;
}

static void sockets_end(struct sockets *sockets)
{
	int i;

	for (i = 0; i < sockets->n; i++)
		scene_close(&sockets->scenes[i]);
	stage_end(&sockets->stage);
}

static bool detach(struct swap *swap)
{
	return ASSERT_TRUE(default_set(DEFAULT), "default_set") &&
	       ASSERT_OK(bpf_link_detach(swap->link), "detach");
}

static bool name_goes(struct sockets *sockets)
{
	return swap_forth(&sockets->stage.swap) && detach(&sockets->stage.swap);
}

static bool is_listener(const struct scene *scene)
{
	return scene->way->client.choice == RENO;
}

/* What the end runs that had come by the name */
static bool next_runs(struct scene *scene, const char *cc)
{
	struct conn conn;
	bool ok;

	if (!ASSERT_TRUE(scene_open(scene, &conn), "open"))
		return false;
	ok = sock_runs(is_listener(scene) ? conn.server : conn.client, cc);
	ok &= ASSERT_TRUE(conn_exchange(&conn), "exchange");
	conn_close(&conn);
	return ok;
}

/* A socket starts one connection; a listener any number, and they do not change
 * what it has chosen
 */
static void all_run(struct sockets *sockets, const char *cc)
{
	struct scene *scene;

	for (scene = sockets->scenes; scene < sockets->scenes + sockets->n; scene++) {
		bool ok = next_runs(scene, cc);

		if (is_listener(scene) && scene->way->server.choice == NAME)
			ok = ok && sock_runs(scene->listener, LINK_CC) &&
			     next_runs(scene, cc) && sock_runs(scene->listener, LINK_CC);
		ASSERT_TRUE(ok, scene->way->name);
	}
}

static void test_default(const struct way *ways, int n, int family)
{
	struct sockets sockets;

	if (!sockets_start(&sockets, ways, n, family) || !sockets_prepare(&sockets) ||
	    !name_goes(&sockets))
		goto out;
	all_run(&sockets, DEFAULT);
	ASSERT_EQ(sockets.stage.swap.old->bss->calls, 0, "old_calls");
	ASSERT_EQ(sockets.stage.swap.new->bss->calls, 0, "new_calls");
out:
	sockets_end(&sockets);
}

/* The name comes back with either map: the last one, or the one that was chosen */
static void test_back(int family, bool the_old)
{
	const struct way *listeners = &chosen[1];
	struct struct_ops_link_guarantee *impl;
	struct sockets sockets;
	struct swap *swap = &sockets.stage.swap;

	if (!sockets_start(&sockets, listeners, 2, family) || !sockets_prepare(&sockets) ||
	    !name_goes(&sockets))
		goto out;
	all_run(&sockets, DEFAULT);
	impl = the_old ? swap->old : swap->new;
	if (!swap_relink(swap, impl))
		goto out;
	all_run(&sockets, LINK_CC);
	ASSERT_EQ(impl->bss->inits, 4, "inits");
out:
	sockets_end(&sockets);
}

static struct struct_ops_link_guarantee *other_load(bool same_key)
{
	struct struct_ops_link_guarantee *other = impl_load(0, -1);

	if (other && same_key && !map_make_ready(other->maps.cc_same_key)) {
		impl_unload(other);
		return NULL;
	}
	return other;
}

/* An ordinary user chose while everybody could. Then another map takes the name,
 * or one with the same key, and is for the privileged only.
 */
static void test_taken(int family, bool same_key)
{
	const char *cc = same_key ? LINK_CC_SAME_KEY : LINK_CC;
	struct struct_ops_link_guarantee *other;
	struct sockets sockets;
	int link = -1, map;
	__u64 caps = 0;
	bool prepared;

	other = other_load(same_key);
	if (!other)
		return;
	map = bpf_map__fd(same_key ? other->maps.cc_same_key : other->maps.cc);
	if (!sockets_start(&sockets, chosen, ARRAY_SIZE(chosen), family) ||
	    !ASSERT_OK(cap_disable_effective(1ULL << CAP_NET_ADMIN, &caps), "cap_disable"))
		goto out;
	prepared = sockets_prepare(&sockets);
	cap_enable_effective(caps, NULL);
	if (!prepared || !ASSERT_EQ(link_create(map), -EEXIST, "taken_so_far") ||
	    !name_goes(&sockets))
		goto out;

	link = link_create(map);
	if (!ASSERT_OK_FD(link, "create"))
		goto out;
	ASSERT_EQ(user_chooses(family, cc), -EPERM, "setsockopt");
	all_run(&sockets, DEFAULT);
	ASSERT_EQ(other->bss->calls, 0, "calls");
out:
	if (link >= 0)
		close(link);
	sockets_end(&sockets);
	impl_unload(other);
}

/* What was only detached stays with whoever has it */
static void test_kept(int family)
{
	struct sockets sockets;

	if (sockets_start(&sockets, chosen, 2, family) && sockets_prepare(&sockets) &&
	    detach(&sockets.stage.swap)) {
		all_run(&sockets, LINK_CC);
		ASSERT_EQ(sockets.stage.swap.old->bss->inits, 3, "inits");
	}
	sockets_end(&sockets);
}

void serial_test_struct_ops_link_gone(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (family_subtest("chosen", families[i]))
			test_default(chosen, ARRAY_SIZE(chosen), families[i]);
		if (family_subtest("by_default", families[i]))
			test_default(by_default, ARRAY_SIZE(by_default), families[i]);
		if (family_subtest("back", families[i]))
			test_back(families[i], false);
		if (family_subtest("back_to_the_old", families[i]))
			test_back(families[i], true);
		if (family_subtest("name_taken", families[i]))
			test_taken(families[i], false);
		if (family_subtest("key_taken", families[i]))
			test_taken(families[i], true);
		if (family_subtest("kept", families[i]))
			test_kept(families[i]);
	}
}
