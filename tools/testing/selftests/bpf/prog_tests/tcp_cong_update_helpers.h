/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers for tests that update the congestion control of new connections */
#ifndef _TCP_CONG_UPDATE_HELPERS_H
#define _TCP_CONG_UPDATE_HELPERS_H

#include <stdbool.h>
#include "struct_ops_link_helpers.h"
#include "tcp_conn_helpers.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

struct bpf_link;
struct bpf_program;
struct tcp_cong_hooks;
struct tcp_cong_impl;

/* Hashes to the same key as LINK_CC */
#define LINK_CC_SAME_KEY	"link_cc_ijzzjea"

/* Unprivileged users may select it, and so may other than the first namespace */
#define NON_RESTRICTED	0x1	/* TCP_CONG_NON_RESTRICTED */
#define NEEDS_ECN	0x2	/* TCP_CONG_NEEDS_ECN */

/* Loads an implementation of LINK_CC, with these flags, and of LINK_CC_OTHER, with
 * READY maps. Uses the given map as its map "oldest" if the fd is >= 0.
 */
struct tcp_cong_impl *impl_load(__u32 flags, int oldest);
/* Waits for its sockets, and checks that each init had its release and that all
 * maps are freed.
 */
void impl_unload(struct tcp_cong_impl *impl);
int impl_map(struct tcp_cong_impl *impl);
/* Attaches the program that selects congestion controls for sources with by_program */
bool impl_attach_select(struct tcp_cong_impl *impl);

/* Two implementations of LINK_CC, and a link that is created on the old one.
 * impls_teardown() must be called, even if impls_setup() failed.
 */
struct impls {
	struct tcp_cong_impl *old;
	struct tcp_cong_impl *new;
	int link;
};

bool impls_setup(struct impls *impls, __u32 old_flags, __u32 new_flags);
bool impls_update(struct impls *impls);		/* from old to new */
bool impls_revert(struct impls *impls);		/* from new to old */
/* Detaches the link, and creates another one */
bool impls_relink(struct impls *impls, struct tcp_cong_impl *impl);
void impls_teardown(struct impls *impls);

/* How one end of a connection gets its congestion control */
enum selection {
	RENO,		/* setsockopt() with another name */
	NAME,		/* setsockopt() with the name under test */
	INHERIT,	/* from the namespace, the route or a BPF program */
};

struct end {
	enum selection selection;
	bool early;	/* the socket selects it before the update */
};

struct source {
	const char *name;
	const char *route;	/* options of a route's congctl, or NULL */
	bool by_default;	/* the name is the namespace's default */
	bool by_program;	/* a BPF program selects the name for both ends */
	int proto;
	struct end client;
	struct end server;
};

/* Sockets that get their congestion control from one source, in the current
 * network namespace. May be used from any thread.
 */
struct sockets {
	const struct source *source;
	const char *cc;
	int family;
	int selections;	/* map of the BPF program */
	int listener;
	int client;
};

static inline struct sockets sockets_init(const struct source *source, const char *cc,
					  int family)
{
	return (struct sockets) {
		.source = source,
		.cc = cc,
		.family = family,
		.selections = -1,
		.listener = -1,
		.client = -1,
	};
}

/* Sets up the source and creates the sockets of early ends */
bool sockets_prepare(struct sockets *sockets);
bool sockets_listen(struct sockets *sockets);
/* Creates the sockets that are missing, and connects the client */
bool sockets_connect(struct sockets *sockets, struct conn *conn);
void sockets_close(struct sockets *sockets);

/* Opens a connection with the namespace's default, with traffic, and closes it */
bool connect_by_default(int family);

/* Implementations, and sockets in a network namespace of their own.
 * fixture_teardown() must be called, even if fixture_setup() failed.
 */
struct fixture {
	struct impls impls;
	struct sockets sockets;
	struct netns_obj *ns;
};

bool fixture_setup(struct fixture *f, const struct source *source, int family,
		   __u32 old_flags, __u32 new_flags);
bool fixture_prepare(struct fixture *f);
bool fixture_connect(struct fixture *f, struct conn *conn);
/* From here on, only links and sockets hold references to the old implementation */
void fixture_unload_old(struct fixture *f);
void fixture_teardown(struct fixture *f);

/* Loads one program of an open object, and attaches it to the function that its
 * section names, or else to a cgroup that the test joins.
 */
bool hook_attach(struct tcp_cong_hooks *hooks, struct bpf_program *prog,
		 struct bpf_link **link);

#endif
