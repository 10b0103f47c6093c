// SPDX-License-Identifier: GPL-2.0-only
/* Opening connections that come by a congestion control in different ways */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "cap_helpers.h"
#include "network_helpers.h"
#include "struct_ops_link_guarantee.h"

#define DEFAULT		"/proc/sys/net/ipv4/tcp_congestion_control"
#define TRAFFIC		50000

bool sysctl_put(const char *path, const char *line)
{
	int fd = open(path, O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, line, strlen(line)) == strlen(line);
	close(fd);
	return ok;
}

bool sysctl_get(const char *path, char *line, size_t size)
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
	return sysctl_put(DEFAULT, cc);
}

bool default_get(char *cc)
{
	return sysctl_get(DEFAULT, cc, CC_NAME_MAX);
}

bool default_is(const char *cc)
{
	char name[CC_NAME_MAX];

	return default_get(name) && !strcmp(name, cc);
}

static const char *address(int family)
{
	return family == AF_INET ? "127.0.0.1" : "::1";
}

/* The kernel's own route to the address gives way to one with a name on it */
static bool route_add(const struct scene *scene)
{
	const char *ip = scene->family == AF_INET ? "ip -4" : "ip -6";
	const char *to = address(scene->family);
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "%s route del local %s dev lo table local", ip, to);
	if (system(cmd))
		return false;
	snprintf(cmd, sizeof(cmd), "%s route add local %s dev lo table local congctl %s %s",
		 ip, to, scene->way->route, scene->cc);
	return !system(cmd);
}

/* The program is to choose the name in this namespace */
static bool program_add(const struct scene *scene)
{
	int fd = socket(scene->family, SOCK_STREAM, 0);
	char cc[16] = {};
	__u64 netns;
	socklen_t len = sizeof(netns);
	int err;

	if (fd < 0)
		return false;
	snprintf(cc, sizeof(cc), "%s", scene->cc);
	err = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &netns, &len);
	close(fd);
	return !err && !bpf_map_update_elem(scene->choices, &netns, cc, BPF_ANY);
}

struct choice_of {
	enum choice choice;
	const char *cc;
};

static int choose(int fd, void *opts)
{
	const struct choice_of *of = opts;
	const char *cc = of->choice == NAME ? of->cc : "reno";

	if (of->choice == INHERIT)
		return 0;
	return setsockopt(fd, SOL_TCP, TCP_CONGESTION, cc, strlen(cc));
}

bool listener_make(struct scene *scene)
{
	struct choice_of of = { scene->way->server.choice, scene->cc };
	struct network_helper_opts opts = {
		.proto = scene->way->proto,
		.post_socket_cb = choose,
		.cb_opts = &of,
	};

	scene->listener = start_server_str(scene->family, SOCK_STREAM,
					   address(scene->family), 0, &opts);
	return scene->listener >= 0;
}

static bool client_make(struct scene *scene)
{
	struct choice_of of = { scene->way->client.choice, scene->cc };
	struct network_helper_opts opts = {
		.proto = scene->way->proto,
		.post_socket_cb = choose,
		.cb_opts = &of,
	};

	scene->client = client_socket(scene->family, SOCK_STREAM, &opts);
	return scene->client >= 0;
}

bool scene_prepare(struct scene *scene)
{
	const struct way *way = scene->way;

	if (way->by_default && !default_set(scene->cc))
		return false;
	if (way->route && !route_add(scene))
		return false;
	if (way->by_program && !program_add(scene))
		return false;
	if (way->server.early && scene->listener < 0 && !listener_make(scene))
		return false;
	return !way->client.early || client_make(scene);
}

bool scene_open(struct scene *scene, struct conn *conn)
{
	conn->client = -1;
	conn->server = -1;
	if (scene->listener < 0 && !listener_make(scene))
		return false;
	if (scene->client < 0 && !client_make(scene))
		return false;

	conn->client = scene->client;
	scene->client = -1;
	if (!connect_fd_to_fd(conn->client, scene->listener, 0))
		conn->server = accept(scene->listener, NULL, NULL);
	if (conn->server < 0 || settimeo(conn->server, 0)) {
		conn_close(conn);
		return false;
	}
	return true;
}

void scene_close(struct scene *scene)
{
	if (scene->listener >= 0)
		close(scene->listener);
	if (scene->client >= 0)
		close(scene->client);
	scene->listener = -1;
	scene->client = -1;
}

int user_chooses(int family, const char *cc)
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

bool conn_exchange(const struct conn *conn)
{
	struct conn back = { .client = conn->server, .server = conn->client };

	return conn_send(conn, TRAFFIC) && conn_send(&back, TRAFFIC);
}

bool default_connects(int family)
{
	static const struct way by_default = {
		.client = { INHERIT },
		.server = { INHERIT },
	};
	struct scene scene = scene_make(&by_default, LINK_CC, family);
	struct conn conn;
	bool ok;

	ok = scene_open(&scene, &conn) && conn_exchange(&conn);
	conn_close(&conn);
	scene_close(&scene);
	return ok;
}
