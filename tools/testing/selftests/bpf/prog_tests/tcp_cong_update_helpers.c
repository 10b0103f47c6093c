// SPDX-License-Identifier: GPL-2.0-only
/* Helpers for tests that update the congestion control of new connections */

#include <netinet/tcp.h>
#include <test_progs.h>
#include "network_helpers.h"
#include "tcp_cong_update_helpers.h"
#include "tcp_cong_hooks.skel.h"
#include "tcp_cong_impl.skel.h"

#define CGROUP	"/struct_ops_link"

struct tcp_cong_impl *impl_load(__u32 flags, int oldest)
{
	struct tcp_cong_impl *impl;

	impl = tcp_cong_impl__open();
	if (!ASSERT_OK_PTR(impl, "open"))
		return NULL;
	impl->struct_ops.cc->flags = flags;
	if (oldest >= 0 &&
	    !ASSERT_OK(bpf_map__reuse_fd(impl->maps.oldest, oldest), "reuse_fd"))
		goto destroy;
	if (!ASSERT_OK(tcp_cong_impl__load(impl), "load"))
		goto destroy;
	if (!map_make_ready(impl->maps.cc) || !map_make_ready(impl->maps.cc_other))
		goto destroy;
	return impl;

destroy:
	tcp_cong_impl__destroy(impl);
	return NULL;
}

static void destroy(void *impl)
{
	tcp_cong_impl__destroy(impl);
}

void impl_unload(struct tcp_cong_impl *impl)
{
	if (!impl)
		return;
	/* The last sockets may still be closing */
	wait_until(READ_ONCE(impl->bss->releases) == READ_ONCE(impl->bss->inits));
	ASSERT_EQ(impl->bss->releases, impl->bss->inits, "releases");
	ASSERT_EQ(impl->bss->bad_priv, 0, "bad_priv");
	destroy_check_freed(impl->obj, destroy, impl, -1);
}

int impl_map(struct tcp_cong_impl *impl)
{
	return bpf_map__fd(impl->maps.cc);
}

static struct bpf_link *attach_to_cgroup(struct bpf_program *prog)
{
	struct bpf_link *link;
	int cgroup;

	cgroup = test__join_cgroup(CGROUP);
	if (!ASSERT_OK_FD(cgroup, "cgroup"))
		return NULL;
	link = bpf_program__attach_cgroup(prog, cgroup);
	close(cgroup);
	return link;
}

bool impl_attach_select(struct tcp_cong_impl *impl)
{
	impl->links.select_cc = attach_to_cgroup(impl->progs.select_cc);
	return ASSERT_OK_PTR(impl->links.select_cc, "attach");
}

bool impls_setup(struct impls *impls, __u32 old_flags, __u32 new_flags)
{
	impls->link = -1;
	impls->old = impl_load(old_flags, -1);
	impls->new = impl_load(new_flags, -1);
	if (!impls->old || !impls->new)
		return false;
	impls->link = link_create(impl_map(impls->old));
	return ASSERT_OK_FD(impls->link, "create");
}

bool impls_update(struct impls *impls)
{
	return ASSERT_OK(link_update(impls->link, impl_map(impls->new)), "update");
}

bool impls_revert(struct impls *impls)
{
	return ASSERT_OK(link_update(impls->link, impl_map(impls->old)), "revert");
}

bool impls_relink(struct impls *impls, struct tcp_cong_impl *impl)
{
	if (!ASSERT_OK(bpf_link_detach(impls->link), "detach"))
		return false;
	close(impls->link);
	impls->link = link_create(impl_map(impl));
	return ASSERT_OK_FD(impls->link, "create_again");
}

void impls_teardown(struct impls *impls)
{
	if (impls->link >= 0)
		close(impls->link);
	ASSERT_EQ(cc_listed(LINK_CC), 0, "unregistered");
	impl_unload(impls->old);
	impl_unload(impls->new);
}

static const char *loopback(int family)
{
	return family == AF_INET ? "127.0.0.1" : "::1";
}

/* Replaces the kernel's own route to the address by one with a congctl */
static bool route_add(const struct sockets *sockets)
{
	const char *ip = sockets->family == AF_INET ? "ip -4" : "ip -6";
	const char *to = loopback(sockets->family);
	char cmd[128];

	snprintf(cmd, sizeof(cmd), "%s route del local %s dev lo table local", ip, to);
	if (system(cmd))
		return false;
	snprintf(cmd, sizeof(cmd), "%s route add local %s dev lo table local congctl %s %s",
		 ip, to, sockets->source->route, sockets->cc);
	return !system(cmd);
}

/* Tells the program what to select in this network namespace */
static bool program_add(const struct sockets *sockets)
{
	int fd = socket(sockets->family, SOCK_STREAM, 0);
	char cc[16] = {};
	__u64 netns;
	socklen_t len = sizeof(netns);
	int err;

	if (fd < 0)
		return false;
	snprintf(cc, sizeof(cc), "%s", sockets->cc);
	err = getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &netns, &len);
	close(fd);
	return !err && !bpf_map_update_elem(sockets->selections, &netns, cc, BPF_ANY);
}

struct selected {
	enum selection selection;
	const char *cc;
};

static int select_cc(int fd, void *opts)
{
	const struct selected *selected = opts;
	const char *cc = selected->selection == NAME ? selected->cc : "reno";

	if (selected->selection == INHERIT)
		return 0;
	return setsockopt(fd, SOL_TCP, TCP_CONGESTION, cc, strlen(cc));
}

bool sockets_listen(struct sockets *sockets)
{
	struct selected selected = { sockets->source->server.selection, sockets->cc };
	struct network_helper_opts opts = {
		.proto = sockets->source->proto,
		.post_socket_cb = select_cc,
		.cb_opts = &selected,
	};

	sockets->listener = start_server_str(sockets->family, SOCK_STREAM,
					     loopback(sockets->family), 0, &opts);
	return sockets->listener >= 0;
}

static bool client_create(struct sockets *sockets)
{
	struct selected selected = { sockets->source->client.selection, sockets->cc };
	struct network_helper_opts opts = {
		.proto = sockets->source->proto,
		.post_socket_cb = select_cc,
		.cb_opts = &selected,
	};

	sockets->client = client_socket(sockets->family, SOCK_STREAM, &opts);
	return sockets->client >= 0;
}

bool sockets_prepare(struct sockets *sockets)
{
	const struct source *source = sockets->source;

	if (source->by_default && !default_set(sockets->cc))
		return false;
	if (source->route && !route_add(sockets))
		return false;
	if (source->by_program && !program_add(sockets))
		return false;
	if (source->server.early && sockets->listener < 0 && !sockets_listen(sockets))
		return false;
	return !source->client.early || client_create(sockets);
}

bool sockets_connect(struct sockets *sockets, struct conn *conn)
{
	*conn = CONN_CLOSED;
	if (sockets->listener < 0 && !sockets_listen(sockets))
		return false;
	if (sockets->client < 0 && !client_create(sockets))
		return false;

	conn->client = sockets->client;
	sockets->client = -1;
	if (connect_fd_to_fd(conn->client, sockets->listener, 0)) {
		conn_close(conn);
		return false;
	}
	return conn_accept(conn, sockets->listener);
}

void sockets_close(struct sockets *sockets)
{
	if (sockets->listener >= 0)
		close(sockets->listener);
	if (sockets->client >= 0)
		close(sockets->client);
	sockets->listener = -1;
	sockets->client = -1;
}

bool connect_by_default(int family)
{
	static const struct source by_default = {
		.client = { INHERIT },
		.server = { INHERIT },
	};
	struct sockets sockets = sockets_init(&by_default, LINK_CC, family);
	struct conn conn;
	bool ok;

	ok = sockets_connect(&sockets, &conn) && conn_exchange(&conn);
	conn_close(&conn);
	sockets_close(&sockets);
	return ok;
}

bool fixture_setup(struct fixture *f, const struct source *source, int family,
		   __u32 old_flags, __u32 new_flags)
{
	f->ns = NULL;
	f->sockets = sockets_init(source, LINK_CC, family);
	if (!impls_setup(&f->impls, old_flags, new_flags))
		return false;
	f->ns = netns_new("struct_ops_link", true);
	if (!ASSERT_OK_PTR(f->ns, "netns"))
		return false;
	f->sockets.selections = bpf_map__fd(f->impls.new->maps.selections);
	return !source->by_program || impl_attach_select(f->impls.new);
}

bool fixture_prepare(struct fixture *f)
{
	return ASSERT_TRUE(sockets_prepare(&f->sockets), "prepare");
}

bool fixture_connect(struct fixture *f, struct conn *conn)
{
	return ASSERT_TRUE(sockets_connect(&f->sockets, conn), "connect");
}

void fixture_unload_old(struct fixture *f)
{
	tcp_cong_impl__destroy(f->impls.old);
	f->impls.old = NULL;
	kern_sync_rcu();
}

void fixture_teardown(struct fixture *f)
{
	sockets_close(&f->sockets);
	netns_free(f->ns);
	impls_teardown(&f->impls);
}

bool hook_attach(struct tcp_cong_hooks *hooks, struct bpf_program *prog,
		 struct bpf_link **link)
{
	if (!ASSERT_OK(bpf_program__set_autoload(prog, true), "set_autoload") ||
	    !ASSERT_OK(tcp_cong_hooks__load(hooks), "load"))
		return false;
	*link = bpf_program__type(prog) == BPF_PROG_TYPE_TRACING ?
		bpf_program__attach(prog) : attach_to_cgroup(prog);
	return ASSERT_OK_PTR(*link, "attach");
}
