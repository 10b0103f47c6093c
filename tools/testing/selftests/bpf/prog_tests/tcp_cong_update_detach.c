// SPDX-License-Identifier: GPL-2.0-only
/* Sockets that selected a congestion control before its link was updated and then
 * detached. They get the default of their network namespace. A listener keeps its
 * selection: it gets the congestion control again when a map that it followed is
 * linked again, but not when another map takes the name.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "cap_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_impl.skel.h"

static const struct source selected[] = {
	{ "socket", .client = { NAME, true }, .server = { RENO } },
	{ "listener", .client = { RENO }, .server = { NAME, true } },
	{ "mptcp_listener", .proto = IPPROTO_MPTCP,
	  .client = { RENO }, .server = { NAME, true } },
};

/* The name was the default when the socket was created */
static const struct source by_default[] = {
	{ "socket_default", .by_default = true,
	  .client = { INHERIT, true }, .server = { RENO } },
	{ "listener_default", .by_default = true,
	  .client = { RENO }, .server = { INHERIT, true } },
	{ "mptcp_socket_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { INHERIT, true }, .server = { RENO } },
	{ "mptcp_listener_default", .by_default = true, .proto = IPPROTO_MPTCP,
	  .client = { RENO }, .server = { INHERIT, true } },
};

#define SOURCES_MAX	ARRAY_SIZE(by_default)

/* Sockets with several sources in one network namespace, and another default for
 * the namespace: LINK_CC_OTHER
 */
struct detach_fixture {
	struct fixture fixture;
	struct impls *impls;
	struct tcp_cong_impl *other;
	int other_link;
	struct sockets all[SOURCES_MAX];
	int n;
};

/* detach_teardown() must be called, even if this failed */
static bool detach_setup(struct detach_fixture *f, const struct source *sources, int n,
			 int family)
{
	int i;

	f->impls = &f->fixture.impls;
	f->other_link = -1;
	f->n = n;
	for (i = 0; i < n; i++)
		f->all[i] = sockets_init(&sources[i], LINK_CC, family);
	f->other = impl_load(0, -1);
	if (!fixture_setup(&f->fixture, sources, family, NON_RESTRICTED, NON_RESTRICTED) ||
	    !f->other)
		return false;
	f->other_link = link_create(bpf_map__fd(f->other->maps.cc_other));
	return ASSERT_OK_FD(f->other_link, "create_other");
}

static bool prepare_all(struct detach_fixture *f)
{
	int i;

	for (i = 0; i < f->n; i++)
		if (!ASSERT_TRUE(sockets_prepare(&f->all[i]), f->all[i].source->name))
			return false;
	return true;
}

static void detach_teardown(struct detach_fixture *f)
{
	int i;

	for (i = 0; i < f->n; i++)
		sockets_close(&f->all[i]);
	fixture_teardown(&f->fixture);
	if (f->other_link >= 0)
		close(f->other_link);
	impl_unload(f->other);
}

static bool detach(struct impls *impls)
{
	return ASSERT_TRUE(default_set(LINK_CC_OTHER), "default_set") &&
	       ASSERT_OK(bpf_link_detach(impls->link), "detach");
}

static bool update_and_detach(struct detach_fixture *f)
{
	return impls_update(f->impls) && detach(f->impls);
}

static bool is_listener(const struct sockets *sockets)
{
	return sockets->source->client.selection == RENO;
}

/* Opens a connection, and checks the end whose socket selected the name */
static bool next_gets(struct sockets *sockets, const char *cc)
{
	struct conn conn;
	bool ok;

	if (!ASSERT_TRUE(sockets_connect(sockets, &conn), "connect"))
		return false;
	ok = check_sock_cc(is_listener(sockets) ? conn.server : conn.client, cc);
	ok &= ASSERT_TRUE(conn_exchange(&conn), "exchange");
	conn_close(&conn);
	return ok;
}

/* A client connects once. A listener accepts any number of connections, which do
 * not change its own selection.
 */
static void all_get(struct detach_fixture *f, const char *cc)
{
	struct sockets *sockets;

	for (sockets = f->all; sockets < f->all + f->n; sockets++) {
		bool ok = next_gets(sockets, cc);

		if (is_listener(sockets) && sockets->source->server.selection == NAME)
			ok = ok && check_sock_cc(sockets->listener, LINK_CC) &&
			     next_gets(sockets, cc) &&
			     check_sock_cc(sockets->listener, LINK_CC);
		ASSERT_TRUE(ok, sockets->source->name);
	}
}

static void check_default(const struct source *sources, int n, int family)
{
	struct detach_fixture f;

	if (!detach_setup(&f, sources, n, family) || !prepare_all(&f) ||
	    !update_and_detach(&f))
		goto out;
	all_get(&f, LINK_CC_OTHER);
	ASSERT_EQ(f.impls->old->bss->calls, 0, "old_calls");
	ASSERT_EQ(f.impls->new->bss->calls, 0, "new_calls");
out:
	detach_teardown(&f);
}

static void test_selected(int family)
{
	check_default(selected, ARRAY_SIZE(selected), family);
}

static void test_by_default(int family)
{
	check_default(by_default, ARRAY_SIZE(by_default), family);
}

/* Links the old or the new map again */
static void check_relinked(int family, bool old)
{
	const struct source *listeners = &selected[1];
	struct tcp_cong_impl *impl;
	struct detach_fixture f;

	if (!detach_setup(&f, listeners, 2, family) || !prepare_all(&f) ||
	    !update_and_detach(&f))
		goto out;
	all_get(&f, LINK_CC_OTHER);
	impl = old ? f.impls->old : f.impls->new;
	if (!impls_relink(f.impls, impl))
		goto out;
	all_get(&f, LINK_CC);
	ASSERT_EQ(impl->bss->inits, 4, "inits");
out:
	detach_teardown(&f);
}

static void test_relinked_new(int family)
{
	check_relinked(family, false);
}

static void test_relinked_old(int family)
{
	check_relinked(family, true);
}

static struct tcp_cong_impl *load_third(bool same_key)
{
	struct tcp_cong_impl *third = impl_load(0, -1);

	if (third && same_key && !map_make_ready(third->maps.cc_same_key)) {
		impl_unload(third);
		return NULL;
	}
	return third;
}

/* An unprivileged user selects the name while everybody may. Then another map,
 * which unprivileged users may not select, takes the name or has the same key.
 */
static void check_taken(int family, bool same_key)
{
	const char *cc = same_key ? LINK_CC_SAME_KEY : LINK_CC;
	struct tcp_cong_impl *third;
	struct detach_fixture f;
	int link = -1, map;
	__u64 caps = 0;
	bool prepared;

	third = load_third(same_key);
	if (!third)
		return;
	map = bpf_map__fd(same_key ? third->maps.cc_same_key : third->maps.cc);
	if (!detach_setup(&f, selected, ARRAY_SIZE(selected), family) ||
	    !ASSERT_OK(cap_disable_effective(1ULL << CAP_NET_ADMIN, &caps), "cap_disable"))
		goto out;
	prepared = prepare_all(&f);
	cap_enable_effective(caps, NULL);
	if (!prepared || !ASSERT_EQ(link_create(map), -EEXIST, "create_exists") ||
	    !update_and_detach(&f))
		goto out;

	link = link_create(map);
	if (!ASSERT_OK_FD(link, "create"))
		goto out;
	ASSERT_EQ(set_cc_unprivileged(family, cc), -EPERM, "setsockopt");
	all_get(&f, LINK_CC_OTHER);
	ASSERT_EQ(third->bss->calls, 0, "calls");
out:
	if (link >= 0)
		close(link);
	detach_teardown(&f);
	impl_unload(third);
}

static void test_name_taken(int family)
{
	check_taken(family, false);
}

static void test_key_taken(int family)
{
	check_taken(family, true);
}

/* Without an update before, sockets keep what they selected */
static void test_not_updated(int family)
{
	struct detach_fixture f;

	if (detach_setup(&f, selected, 2, family) && prepare_all(&f) && detach(f.impls)) {
		all_get(&f, LINK_CC);
		ASSERT_EQ(f.impls->old->bss->inits, 3, "inits");
	}
	detach_teardown(&f);
}

static const struct family_subtest subtests[] = {
	{ "selected", TCP_RUST, test_selected },
	{ "by_default", TCP_RUST, test_by_default },
	{ "relinked_new", TCP_RUST, test_relinked_new },
	{ "relinked_old", TCP_RUST, test_relinked_old },
	{ "name_taken", TCP_RUST, test_name_taken },
	{ "key_taken", TCP_RUST, test_key_taken },
	{ "not_updated", ANY_KERNEL, test_not_updated },
};

void serial_test_tcp_cong_update_detach(void)
{
	run_family_subtests(subtests, ARRAY_SIZE(subtests));
}
