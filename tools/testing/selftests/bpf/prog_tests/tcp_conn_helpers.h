/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers for tests of congestion controls: sockets, connections, sysctls */
#ifndef _TCP_CONN_HELPERS_H
#define _TCP_CONN_HELPERS_H

#include <stdbool.h>
#include <stddef.h>

struct netns_obj;

/* A TCP socket that is bound to a local address */
int socket_bound(int family, const char *address);

/* A listener with a congestion control. With defer, it makes a child when the first data
 * arrives, not with the handshake.
 */
int listen_with_cc(int family, const char *address, const char *cc, bool defer);
/* How many connections listeners of this network namespace have dropped, or -errno */
int listen_drops(void);

/* Checks the name of the socket's congestion control */
bool check_sock_cc(int fd, const char *cc);

/* Calls setsockopt(TCP_CONGESTION) without CAP_NET_ADMIN: returns 0, or -errno */
int set_cc_unprivileged(int family, const char *cc);

/* Reads the ECN bits of the SYN that a listener with TCP_SAVE_SYN saved: whether
 * the TCP header asks for ECN, and whether the IP header is marked ECN-capable.
 * May be called from any thread.
 */
bool saved_syn_ecn(int server, int family, bool *asks, bool *capable);

/* A connection over loopback; conn_open() sets the client's congestion control */
struct conn {
	int client;
	int server;
};

#define CONN_CLOSED	((struct conn) { .client = -1, .server = -1 })

bool conn_open(struct conn *conn, int listener, const char *cc);
/* Accepts the connection of conn->client */
bool conn_accept(struct conn *conn, int listener);
bool conn_send(const struct conn *conn, int bytes);
/* Sends traffic in both directions */
bool conn_exchange(const struct conn *conn);
void conn_close(struct conn *conn);
/* Shuts down both ends before it closes them, so that no socket lingers */
void conn_shutdown(struct conn *conn);

/* A network namespace that the test runs in, and a listener there */
struct netns_listener {
	struct netns_obj *ns;
	int listener;
};

bool netns_listener_setup(struct netns_listener *netns);
void netns_listener_teardown(struct netns_listener *netns);

/* Write or read a sysctl of one line; may be called from any thread */
bool sysctl_write(const char *path, const char *line);
bool sysctl_read(const char *path, char *line, size_t size);

/* A name and a line feed, as the sysctl prints it */
#define CC_NAME_MAX	32

/* The default congestion control of the current network namespace */
#define DEFAULT_CC	"/proc/sys/net/ipv4/tcp_congestion_control"
bool default_get(char *cc);
bool default_set(const char *cc);
bool default_is(const char *cc);

#endif
