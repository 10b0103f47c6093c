// SPDX-License-Identifier: GPL-2.0-only
/* Opening connections that come by a congestion control in different ways */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_guarantee.skel.h"

#define DEFAULT		"/proc/sys/net/ipv4/tcp_congestion_control"
#define TRAFFIC		50000

struct struct_ops_link_guarantee *impl_load_with(int oldest, __u32 flags)
{
	struct struct_ops_link_guarantee *impl;

	impl = struct_ops_link_guarantee__open();
	if (!ASSERT_OK_PTR(impl, "open"))
		return NULL;
	impl->struct_ops.cc->flags = flags;
	if (oldest >= 0 &&
	    !ASSERT_OK(bpf_map__reuse_fd(impl->maps.oldest, oldest), "reuse_fd"))
		goto destroy;
	if (!ASSERT_OK(struct_ops_link_guarantee__load(impl), "load"))
		goto destroy;
	if (!map_make_ready(impl->maps.cc) || !map_make_ready(impl->maps.cc_other))
		goto destroy;
	return impl;

destroy:
	struct_ops_link_guarantee__destroy(impl);
	return NULL;
}

struct struct_ops_link_guarantee *impl_load(void)
{
	return impl_load_with(-1, TCP_CONG_NON_RESTRICTED);
}

static void destroy(void *impl)
{
	struct_ops_link_guarantee__destroy(impl);
}

void impl_unload(struct struct_ops_link_guarantee *impl)
{
	if (impl)
		object_left_nothing(impl->obj, destroy, impl, -1);
}

int impl_map(struct struct_ops_link_guarantee *impl)
{
	return bpf_map__fd(impl->maps.cc);
}

bool default_set(const char *cc)
{
	int fd = open(DEFAULT, O_WRONLY);
	bool ok;

	if (fd < 0)
		return false;
	ok = write(fd, cc, strlen(cc)) == strlen(cc);
	close(fd);
	return ok;
}

bool default_is(const char *cc)
{
	char line[32] = {};
	int fd = open(DEFAULT, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	return n > 0 && !strcmp(strtok(line, "\n"), cc);
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
	char cmd[256];

	snprintf(cmd, sizeof(cmd),
		 "%s route del local %s dev lo table local && "
		 "%s route add local %s dev lo table local congctl %s %s",
		 ip, to, ip, to, scene->way->route, scene->cc);
	return !system(cmd);
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

static bool listener_make(struct scene *scene)
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
	struct scene scene = SCENE(&by_default, LINK_CC, family);
	struct conn conn;
	bool ok;

	ok = scene_open(&scene, &conn) && conn_exchange(&conn);
	conn_close(&conn);
	scene_close(&scene);
	return ok;
}
