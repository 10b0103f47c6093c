// SPDX-License-Identifier: GPL-2.0-only
/* Connections that start after an update negotiate ECN, accurate ECN and the
 * fallback to RFC 3168 as the new implementation needs it.
 */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "struct_ops_link_kconfig_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_impl.skel.h"

#define NEEDS_ACCECN	0x4	/* TCP_CONG_NEEDS_ACCECN */
#define NO_FALLBACK	0x10	/* TCP_CONG_NO_FALLBACK_RFC3168 */

static const struct source socket_source = {
	.client = { NAME, true },
	.server = { RENO },
};

static const struct source listener_source = {
	.client = { INHERIT },
	.server = { NAME, true },
};

static bool negotiated(int fd)
{
	struct tcp_info info = {};
	socklen_t len = sizeof(info);

	if (!ASSERT_OK(getsockopt(fd, SOL_TCP, TCP_INFO, &info, &len), "tcp_info"))
		return false;
	return info.tcpi_options & TCPI_OPT_ECN;
}

/* A client asks for ECN in the SYN if and only if its algorithm needs it */
static void check_socket(int family, __u32 from, __u32 to)
{
	bool asks, capable;
	struct fixture f;
	struct conn conn;
	int save = 1;

	if (!fixture_setup(&f, &socket_source, family, NON_RESTRICTED | from,
			   NON_RESTRICTED | to) ||
	    !fixture_prepare(&f) ||
	    !ASSERT_TRUE(sockets_listen(&f.sockets), "listen") ||
	    !ASSERT_OK(setsockopt(f.sockets.listener, SOL_TCP, TCP_SAVE_SYN, &save,
				  sizeof(save)), "save_syn") ||
	    !impls_update(&f.impls) || !fixture_connect(&f, &conn))
		goto out;

	if (ASSERT_TRUE(saved_syn_ecn(conn.server, family, &asks, &capable), "saved_syn")) {
		ASSERT_EQ(asks, !!to, "asks");
		ASSERT_EQ(capable, !!to, "capable");
	}
	conn_close(&conn);
out:
	fixture_teardown(&f);
}

static void test_socket_gets_ecn(int family)
{
	check_socket(family, 0, NEEDS_ECN);
}

static void test_socket_loses_ecn(int family)
{
	check_socket(family, NEEDS_ECN, 0);
}

/* A flag of the listener's algorithm which decides whether ECN is negotiated */
struct flag {
	__u32 flag;
	const char *sysctl;	/* a value of tcp_ecn for which the flag matters */
	bool negotiates;	/* with the flag */
};

static const struct flag ecn = { NEEDS_ECN, "0", true };
static const struct flag accecn = { NEEDS_ACCECN, "0", true };
static const struct flag no_fallback = { NO_FALLBACK, "2", false };

static void check_listener(int family, const struct flag *flag, bool before, bool after)
{
	struct fixture f;
	struct conn conn;
	__u32 from = before ? flag->flag : 0;
	__u32 to = after ? flag->flag : 0;
	int other = -1;

	if (!fixture_setup(&f, &listener_source, family, NON_RESTRICTED | from,
			   NON_RESTRICTED | to))
		goto out;
	/* The client's algorithm always asks for both */
	other = link_create(bpf_map__fd(f.impls.new->maps.cc_other));
	if (!ASSERT_OK_FD(other, "create_other") ||
	    !ASSERT_TRUE(default_set(LINK_CC_OTHER), "default_set") ||
	    !ASSERT_TRUE(sysctl_write("/proc/sys/net/ipv4/tcp_ecn", flag->sysctl), "tcp_ecn") ||
	    !fixture_prepare(&f) || !impls_update(&f.impls) ||
	    !fixture_connect(&f, &conn))
		goto out;

	ASSERT_EQ(negotiated(conn.server), after == flag->negotiates, "negotiated");
	conn_close(&conn);
out:
	if (other >= 0)
		close(other);
	fixture_teardown(&f);
}

static void test_listener_gets_ecn(int family)
{
	check_listener(family, &ecn, false, true);
}

static void test_listener_loses_ecn(int family)
{
	check_listener(family, &ecn, true, false);
}

static void test_listener_gets_accecn(int family)
{
	check_listener(family, &accecn, false, true);
}

static void test_listener_loses_accecn(int family)
{
	check_listener(family, &accecn, true, false);
}

static void test_listener_loses_fallback(int family)
{
	check_listener(family, &no_fallback, false, true);
}

static void test_listener_gets_fallback(int family)
{
	check_listener(family, &no_fallback, true, false);
}

static const struct family_subtest subtests[] = {
	{ "socket_gets_ecn", TCP_RUST, test_socket_gets_ecn },
	{ "socket_loses_ecn", TCP_RUST, test_socket_loses_ecn },
	{ "listener_gets_ecn", TCP_RUST, test_listener_gets_ecn },
	{ "listener_loses_ecn", TCP_RUST, test_listener_loses_ecn },
	{ "listener_gets_accecn", TCP_RUST, test_listener_gets_accecn },
	{ "listener_loses_accecn", TCP_RUST, test_listener_loses_accecn },
	{ "listener_loses_fallback", TCP_RUST, test_listener_loses_fallback },
	{ "listener_gets_fallback", TCP_RUST, test_listener_gets_fallback },
};

void serial_test_tcp_cong_update_ecn(void)
{
	run_family_subtests(subtests, ARRAY_SIZE(subtests));
}
