// SPDX-License-Identifier: GPL-2.0-only
/* Helpers for tests of congestion controls: sockets, connections, sysctls */

#include <linux/ip.h>
#include <linux/ipv6.h>
#include <netinet/tcp.h>
#include <test_progs.h>
#include "cap_helpers.h"
#include "network_helpers.h"
#include "tcp_conn_helpers.h"

#define TRAFFIC		50000
#define ECN_MASK	3
#define ECE_CWR		0xc0	/* in the flags of a TCP header */
#define DEFER_S		60	/* longer than a test takes */
#define BACKLOG		64

int socket_bound(int family, const char *address)
{
	struct sockaddr_storage addr;
	socklen_t len;
	int fd;

	fd = client_socket(family, SOCK_STREAM, NULL);
	if (fd >= 0 && (make_sockaddr(family, address, 0, &addr, &len) ||
			bind(fd, (struct sockaddr *)&addr, len))) {
		close(fd);
		return -1;
	}
	return fd;
}

static int set_cc(int fd, void *name)
{
	return setsockopt(fd, SOL_TCP, TCP_CONGESTION, name, strlen(name));
}

static int defer_and_set_cc(int fd, void *name)
{
	int seconds = DEFER_S;

	return setsockopt(fd, SOL_TCP, TCP_DEFER_ACCEPT, &seconds, sizeof(seconds)) ||
	       set_cc(fd, name);
}

int listen_with_cc(int family, const char *address, const char *cc, bool defer)
{
	struct network_helper_opts opts = {
		.post_socket_cb = defer ? defer_and_set_cc : set_cc,
		.cb_opts = (void *)cc,
		.backlog = BACKLOG,
	};

	return start_server_str(family, SOCK_STREAM, address, 0, &opts);
}

int listen_drops(void)
{
	char names[8192] = {}, counts[8192] = {}, *n = names, *c = counts;
	char *name, *count;
	FILE *f;

	f = fopen("/proc/thread-self/net/netstat", "r");
	if (!f)
		return -errno;
	if (!fgets(names, sizeof(names), f) || !fgets(counts, sizeof(counts), f))
		names[0] = '\0';
	fclose(f);
	while ((name = strsep(&n, "\n ")) && (count = strsep(&c, "\n ")))
		if (!strcmp(name, "ListenDrops"))
			return atoi(count);
	return -ENOENT;
}

bool check_sock_cc(int fd, const char *cc)
{
	char name[16] = {};
	socklen_t len = sizeof(name);

	return ASSERT_OK(getsockopt(fd, SOL_TCP, TCP_CONGESTION, name, &len), "getsockopt") &&
	       ASSERT_STREQ(name, cc, "congestion_control");
}

int set_cc_unprivileged(int family, const char *cc)
{
	__u64 caps = 0;
	int fd, err;

	fd = socket(family, SOCK_STREAM, 0);
	if (fd < 0)
		return -errno;
	err = cap_disable_effective(1ULL << CAP_NET_ADMIN, &caps);
	if (!err) {
		err = setsockopt(fd, SOL_TCP, TCP_CONGESTION, cc, strlen(cc)) ? -errno : 0;
		cap_enable_effective(caps, NULL);
	}
	close(fd);
	return err;
}

bool saved_syn_ecn(int server, int family, bool *asks, bool *capable)
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

bool conn_open(struct conn *conn, int listener, const char *cc)
{
	struct network_helper_opts opts = {
		.post_socket_cb = set_cc,
		.cb_opts = (void *)cc,
	};

	conn->server = -1;
	conn->client = connect_to_fd_opts(listener, &opts);
	return conn->client >= 0 && conn_accept(conn, listener);
}

bool conn_accept(struct conn *conn, int listener)
{
	conn->server = accept(listener, NULL, NULL);
	if (conn->server < 0 || settimeo(conn->server, 0)) {
		conn_close(conn);
		return false;
	}
	return true;
}

/* The chunks fit into the socket buffers, so one thread can serve both ends */
bool conn_send(const struct conn *conn, int bytes)
{
	char buf[4096] = {};
	ssize_t n;

	for (; bytes > 0; bytes -= n) {
		n = send(conn->client, buf, MIN(bytes, (int)sizeof(buf)), MSG_NOSIGNAL);
		if (n <= 0 || recv(conn->server, buf, n, MSG_WAITALL) != n)
			return false;
	}
	return true;
}

bool conn_exchange(const struct conn *conn)
{
	struct conn back = { .client = conn->server, .server = conn->client };

	return conn_send(conn, TRAFFIC) && conn_send(&back, TRAFFIC);
}

void conn_close(struct conn *conn)
{
	if (conn->client >= 0)
		close(conn->client);
	if (conn->server >= 0)
		close(conn->server);
	*conn = CONN_CLOSED;
}

void conn_shutdown(struct conn *conn)
{
	shutdown(conn->client, SHUT_WR);
	shutdown(conn->server, SHUT_WR);
	conn_close(conn);
}

bool netns_listener_setup(struct netns_listener *netns)
{
	netns->listener = -1;
	netns->ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(netns->ns, "netns"))
		return false;
	netns->listener = start_server(AF_INET, SOCK_STREAM, "127.0.0.1", 0, 0);
	return ASSERT_OK_FD(netns->listener, "listen");
}

void netns_listener_teardown(struct netns_listener *netns)
{
	if (netns->listener >= 0)
		close(netns->listener);
	netns_free(netns->ns);
}

bool sysctl_write(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, line, strlen(line)) == strlen(line);
	close(fd);
	return ok;
}

bool sysctl_read(const char *path, char *line, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, line, size - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return true;
}

bool default_set(const char *cc)
{
	return sysctl_write(DEFAULT_CC, cc);
}

bool default_get(char *cc)
{
	return sysctl_read(DEFAULT_CC, cc, CC_NAME_MAX);
}

bool default_is(const char *cc)
{
	char name[CC_NAME_MAX];

	return default_get(name) && !strcmp(name, cc);
}
