/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of the guarantee to new connections share */
#ifndef _STRUCT_OPS_LINK_GUARANTEE_H
#define _STRUCT_OPS_LINK_GUARANTEE_H

#include <stdbool.h>
#include "struct_ops_link.h"

struct struct_ops_link_guarantee;

/* Ordinary users may choose it, as may namespaces but the first */
#define NON_RESTRICTED	0x1	/* TCP_CONG_NON_RESTRICTED */

/* Loads an implementation with a READY map for each of the two names, and with
 * the oldest map given, if there is one
 */
struct struct_ops_link_guarantee *impl_load(__u32 flags, int oldest);
/* Lets it go: who was initialised by it is released by it, and nothing of it stays */
void impl_unload(struct struct_ops_link_guarantee *impl);
int impl_map(struct struct_ops_link_guarantee *impl);

/* Two implementations, and a link that starts on the old one */
struct swap {
	struct struct_ops_link_guarantee *old;
	struct struct_ops_link_guarantee *new;
	int link;
};

bool swap_start(struct swap *swap, __u32 old_flags, __u32 new_flags);
bool swap_forth(struct swap *swap);
bool swap_back(struct swap *swap);
/* Detaches the link, and makes another one */
bool swap_relink(struct swap *swap, struct struct_ops_link_guarantee *impl);
void swap_end(struct swap *swap);

/* Lets the program of an implementation choose for the scenes that are to go by
 * one
 */
bool program_attach(struct struct_ops_link_guarantee *impl);

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
	int choices;	/* map of the program */
	int listener;
	int client;
};

static inline struct scene scene_make(const struct way *way, const char *cc, int family)
{
	return (struct scene) {
		.way = way,
		.cc = cc,
		.family = family,
		.choices = -1,
		.listener = -1,
		.client = -1,
	};
}

/* One way in a network namespace of its own, and the link */
struct stage {
	struct swap swap;
	struct scene scene;
	struct netns_obj *ns;
};

/* stage_end() is to follow in any case */
bool stage_start(struct stage *stage, const struct way *way, int family,
		 __u32 old_flags, __u32 new_flags);
bool stage_prepare(struct stage *stage);
bool stage_open(struct stage *stage, struct conn *conn);
void stage_end(struct stage *stage);
/* From here on, only what runs the old implementation holds it */
void old_unload(struct stage *stage);

/* The one line of a sysctl; may be called from any thread */
bool sysctl_put(const char *path, const char *line);
bool sysctl_get(const char *path, char *line, size_t size);

/* Its name, and a line feed, as the sysctl has it */
#define CC_NAME_MAX	32

/* The default of the current network namespace */
bool default_get(char *cc);
bool default_set(const char *cc);
bool default_is(const char *cc);

/* What comes before the update, and what comes after; both may be called from
 * any thread.
 */
bool scene_prepare(struct scene *scene);
bool listener_make(struct scene *scene);
bool scene_open(struct scene *scene, struct conn *conn);
void scene_close(struct scene *scene);

/* What comes of an ordinary user's setsockopt(): 0, or -errno */
int user_chooses(int family, const char *cc);

/* Whether the SYN asked for ECN, and as what it went; its listener saves it.
 * May be called from any thread.
 */
bool saved_syn(int server, int family, bool *asks, bool *capable);
/* Traffic both ways */
bool conn_exchange(const struct conn *conn);
/* A connection on the namespace's default, with traffic, opened and closed */
bool default_connects(int family);

#endif
