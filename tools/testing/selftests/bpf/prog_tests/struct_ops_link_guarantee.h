/* SPDX-License-Identifier: GPL-2.0-only */
/* The ways in which a connection comes by the name of a congestion control */
#ifndef _STRUCT_OPS_LINK_GUARANTEE_H
#define _STRUCT_OPS_LINK_GUARANTEE_H

#include <stdbool.h>
#include "struct_ops_link.h"

struct struct_ops_link_guarantee;

/* Loads an implementation with a READY map for each of the two names */
struct struct_ops_link_guarantee *impl_load(void);
/* The same with an oldest map in common, and with flags of its own */
struct struct_ops_link_guarantee *impl_load_with(int oldest, __u32 flags);
/* Lets it go, and sees to it that nothing of it stays */
void impl_unload(struct struct_ops_link_guarantee *impl);
int impl_map(struct struct_ops_link_guarantee *impl);

/* What one end of a connection goes by */
enum choice {
	RENO,		/* setsockopt, another name */
	NAME,		/* setsockopt, the name */
	INHERIT,	/* what the namespace, the route or a program says */
};

struct way_end {
	enum choice choice;
	bool early;	/* socket made, name chosen before the link is updated */
};

struct way {
	const char *name;
	const char *route;	/* between congctl and the name, or NULL */
	bool by_default;	/* the name is the namespace's default */
	bool by_program;	/* a BPF program sets it for both ends */
	int proto;
	struct way_end client;
	struct way_end server;
};

/* One way in one network namespace, which is the current one */
struct scene {
	const struct way *way;
	const char *cc;
	int family;
	int listener;
	int client;
};

#define SCENE(_way, _cc, _family)					\
	(struct scene) { .way = (_way), .cc = (_cc), .family = (_family), \
			 .listener = -1, .client = -1 }

bool default_set(const char *cc);
bool default_is(const char *cc);

/* What comes before the update, and what comes after; both may be called from
 * any thread.
 */
bool scene_prepare(struct scene *scene);
bool scene_open(struct scene *scene, struct conn *conn);
void scene_close(struct scene *scene);

/* Traffic both ways */
bool conn_exchange(const struct conn *conn);
/* A connection on the namespace's default, with traffic, opened and closed */
bool default_connects(int family);

#endif
