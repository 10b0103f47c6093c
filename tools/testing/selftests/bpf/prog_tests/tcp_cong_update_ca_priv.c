// SPDX-License-Identifier: GPL-2.0-only
/* A listener whose congestion control is initialised: a BPF program selected it in
 * a connect() that failed before the listen(). Its children start with zeroed
 * private memory (icsk_ca_priv) and are initialised themselves.
 */

#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_impl.skel.h"
#include "tcp_cong_hooks.skel.h"

#define UNREACHABLE_MARK	1

struct addresses {
	const char *ip;
	const char *local;
	const char *remote;	/* unreachable with the mark */
};

static const struct source source = {
	.client = { RENO },
	.server = { NAME, true },
};

static bool connect_fails(int fd, int family, const char *remote)
{
	struct sockaddr_storage addr;
	socklen_t len;

	return ASSERT_OK(make_sockaddr(family, remote, 1, &addr, &len), "make_sockaddr") &&
	       ASSERT_ERR(connect(fd, (struct sockaddr *)&addr, len), "connect") &&
	       ASSERT_EQ(errno, EHOSTUNREACH, "errno");
}

static bool routes_add(const struct addresses *addresses)
{
	SYS(fail, "%s route add %s dev lo", addresses->ip, addresses->remote);
	SYS(fail, "%s rule add pref 1 fwmark %d unreachable", addresses->ip, UNREACHABLE_MARK);
	return true;
fail:
	return false;
}

/* Creates the listener in place of sockets_prepare() */
static bool listen_initialised(struct sockets *sockets, const struct addresses *addresses)
{
	struct tcp_cong_hooks *hooks;
	bool ok = false;
	int no_mark = 0;

	hooks = tcp_cong_hooks__open();
	if (!ASSERT_OK_PTR(hooks, "open"))
		return false;
	snprintf(hooks->bss->cc, sizeof(hooks->bss->cc), "%s", sockets->cc);
	hooks->bss->unreachable_mark = UNREACHABLE_MARK;
	if (!hook_attach(hooks, hooks->progs.select_and_fail, &hooks->links.select_and_fail))
		goto out;
	sockets->listener = socket_bound(sockets->family, addresses->local);
	ok = ASSERT_OK_FD(sockets->listener, "socket") &&
	     connect_fails(sockets->listener, sockets->family, addresses->remote) &&
	     ASSERT_OK(setsockopt(sockets->listener, SOL_SOCKET, SO_MARK, &no_mark,
				  sizeof(no_mark)), "mark") &&
	     ASSERT_OK(listen(sockets->listener, 1), "listen");
out:
	tcp_cong_hooks__destroy(hooks);
	return ok;
}

static bool accept_child(struct sockets *sockets)
{
	struct conn conn;
	bool ok;

	if (!ASSERT_TRUE(sockets_connect(sockets, &conn), "open"))
		return false;
	ok = ASSERT_TRUE(conn_exchange(&conn), "exchange");
	conn_close(&conn);
	return ok;
}

static const struct addresses *addresses_of(int family)
{
	static const struct addresses ipv4 = { "ip -4", "127.0.0.1", "192.0.2.1" };
	static const struct addresses ipv6 = { "ip -6", "::1", "2001:db8::1" };

	return family == AF_INET ? &ipv4 : &ipv6;
}

static bool setup(struct fixture *f, int family)
{
	return fixture_setup(f, &source, family, NON_RESTRICTED, NON_RESTRICTED) &&
	       routes_add(addresses_of(family)) &&
	       listen_initialised(&f->sockets, addresses_of(family));
}

/* The child keeps the listener's congestion control */
static void test_inherits(int family)
{
	struct fixture f;

	if (setup(&f, family) && accept_child(&f.sockets))
		ASSERT_EQ(f.impls.old->bss->inits, 2, "inits");
	fixture_teardown(&f);
}

/* One child gets the new implementation after an update, and one gets the default
 * after the link is detached
 */
static void test_replaced(int family)
{
	struct sockets other = sockets_init(&source, LINK_CC, family);
	struct fixture f;
	int link = -1;

	if (!setup(&f, family) || !listen_initialised(&other, addresses_of(family)) ||
	    !impls_update(&f.impls))
		goto out;
	accept_child(&f.sockets);
	ASSERT_EQ(f.impls.new->bss->inits, 1, "updated_inits");

	link = link_create(bpf_map__fd(f.impls.new->maps.cc_other));
	if (!ASSERT_OK_FD(link, "create_default") ||
	    !ASSERT_TRUE(default_set(LINK_CC_OTHER), "default_set") ||
	    !ASSERT_OK(bpf_link_detach(f.impls.link), "detach"))
		goto out;
	accept_child(&other);
	ASSERT_EQ(f.impls.new->bss->inits, 2, "default_inits");
	ASSERT_EQ(f.impls.old->bss->inits, 2, "old_inits");
out:
	if (link >= 0)
		close(link);
	sockets_close(&other);
	fixture_teardown(&f);
}

static const struct family_subtest subtests[] = {
	{ "inherits", ANY_KERNEL, test_inherits },
	{ "replaced", TCP_RUST, test_replaced },
};

void serial_test_tcp_cong_update_ca_priv(void)
{
	run_family_subtests(subtests, ARRAY_SIZE(subtests));
}
