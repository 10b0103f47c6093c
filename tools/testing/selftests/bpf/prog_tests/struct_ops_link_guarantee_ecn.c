// SPDX-License-Identifier: GPL-2.0-only
/* An implementation that needs ECN gets it, and one that does not is not given
 * it, on connections that start after the update: it is asked for with the SYN.
 * The same goes for accurate ECN, and for doing without rather than fall back.
 */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/tcp.h>
#include <test_progs.h>
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

#define NEEDS_ECN	0x2	/* TCP_CONG_NEEDS_ECN */
#define NEEDS_ACCECN	0x4	/* TCP_CONG_NEEDS_ACCECN */
#define NO_FALLBACK	0x10	/* TCP_CONG_NO_FALLBACK_RFC3168 */
#define ECN_MASK	3
#define ECE_CWR		0xc0	/* of a TCP header's flags */

static const struct way socket_way = {
	.client = { NAME, true },
	.server = { RENO },
};

static const struct way listener_way = {
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

bool saved_syn(int server, int family, bool *asks, bool *capable)
{
	char headers[256] = {};
	socklen_t len = sizeof(headers);
	struct ipv6hdr *ip6 = (struct ipv6hdr *)headers;
	struct iphdr *ip = (struct iphdr *)headers;
	struct tcphdr *tcp;

	if (getsockopt(server, SOL_TCP, TCP_SAVED_SYN, headers, &len) || !len)
		return false;
	if (family == AF_INET) {
		tcp = (void *)ip + 4 * ip->ihl;
		*capable = ip->tos & ECN_MASK;
	} else {
		tcp = (void *)(ip6 + 1);
		*capable = ip6->flow_lbl[0] >> 4 & ECN_MASK;
	}
	*asks = tcp->th_flags & ECE_CWR;
	return true;
}

/* The client asks for what its algorithm needs, no more and no less */
static void test_socket(int family, __u32 from, __u32 to)
{
	bool asks, capable;
	struct stage stage;
	struct conn conn;
	int save = 1;

	if (!stage_start(&stage, &socket_way, family, NON_RESTRICTED | from,
			 NON_RESTRICTED | to) ||
	    !stage_prepare(&stage) ||
	    !ASSERT_TRUE(listener_make(&stage.scene), "listen") ||
	    !ASSERT_OK(setsockopt(stage.scene.listener, SOL_TCP, TCP_SAVE_SYN, &save,
				  sizeof(save)), "save_syn") ||
	    !swap_forth(&stage.swap) || !stage_open(&stage, &conn))
		goto out;

	if (ASSERT_TRUE(saved_syn(conn.server, family, &asks, &capable), "saved_syn")) {
		ASSERT_EQ(asks, !!to, "asks");
		ASSERT_EQ(capable, !!to, "capable");
	}
	conn_close(&conn);
out:
	stage_end(&stage);
}

/* What the listener's algorithm says decides whether the server grants it */
struct grant {
	const char *flag_comes;
	const char *flag_goes;
	__u32 flag;
	const char *sysctl;	/* tcp_ecn, such that it is up to the algorithm */
	bool with;		/* whether it is granted with the flag */
};

static const struct grant grants[] = {
	{ "listener_gets_it", "listener_gets_rid_of_it", NEEDS_ECN, "0", true },
	{ "listener_gets_accecn", "listener_gets_rid_of_accecn", NEEDS_ACCECN, "0", true },
	{ "listener_stops_fallback", "listener_starts_fallback", NO_FALLBACK, "2", false },
};

static void test_listener(const struct grant *grant, int family, __u32 from, __u32 to)
{
	struct stage stage;
	struct conn conn;
	int asking = -1;

	if (!stage_start(&stage, &listener_way, family, NON_RESTRICTED | from,
			 NON_RESTRICTED | to))
		goto out;
	/* The client's algorithm asks for both in any case */
	asking = link_create(bpf_map__fd(stage.swap.new->maps.cc_other));
	if (!ASSERT_OK_FD(asking, "create_asking") ||
	    !ASSERT_TRUE(default_set(LINK_CC_OTHER), "default_set") ||
	    !ASSERT_TRUE(sysctl_put("/proc/sys/net/ipv4/tcp_ecn", grant->sysctl), "tcp_ecn") ||
	    !stage_prepare(&stage) || !swap_forth(&stage.swap) ||
	    !stage_open(&stage, &conn))
		goto out;

	ASSERT_EQ(negotiated(conn.server), !!to == grant->with, "negotiated");
	conn_close(&conn);
out:
	if (asking >= 0)
		close(asking);
	stage_end(&stage);
}

void serial_test_struct_ops_link_guarantee_ecn(void)
{
	static const int families[] = { AF_INET, AF_INET6 };
	const struct grant *grant;
	int i;

	for (i = 0; i < ARRAY_SIZE(families); i++) {
		if (family_subtest("socket_gets_it", families[i]))
			test_socket(families[i], 0, NEEDS_ECN);
		if (family_subtest("socket_gets_rid_of_it", families[i]))
			test_socket(families[i], NEEDS_ECN, 0);
		for (grant = grants; grant < grants + ARRAY_SIZE(grants); grant++) {
			if (family_subtest(grant->flag_comes, families[i]))
				test_listener(grant, families[i], 0, grant->flag);
			if (family_subtest(grant->flag_goes, families[i]))
				test_listener(grant, families[i], grant->flag, 0);
		}
	}
}
