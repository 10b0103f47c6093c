/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of struct_ops links share */
#ifndef _STRUCT_OPS_LINK_H
#define _STRUCT_OPS_LINK_H

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>
#include <linux/types.h>

struct bpf_link;
struct bpf_map;
struct bpf_object;
struct bpf_program;
struct struct_ops_link_cc;
struct struct_ops_link_hooks;
struct struct_ops_link_types;

#define LINK_CC		"link_cc"
#define LINK_CC_OTHER	"link_cc_other"
/* Happens to have the key of LINK_CC */
#define LINK_CC_SAME_KEY	"link_cc_ijzzjea"

/* Whether something comes true: a freed map, a deferred release and the end of a
 * connection may take a few grace periods
 */
#define PATIENCE_MS	5000
#define wait_until(condition)						\
({									\
	int ms_ = 0;							\
	bool met_;							\
									\
	while (!(met_ = (condition)) && ms_++ < PATIENCE_MS)		\
		usleep(1000);						\
	met_;								\
})

/* Starts a subtest that has its name from what it tests and from the family */
bool family_subtest(const char *what, int family);

/* BPF_LINK_CREATE and BPF_LINK_UPDATE on bare fds: 0 or an fd, or -errno */
int link_create(int map_fd);
int link_update(int link_fd, int map_fd);
int link_replace(int link_fd, int map_fd, int old_map_fd);

/* Gives a map its value, so that it is READY, and leaves no link behind */
bool map_make_ready(struct bpf_map *map);
__u32 map_id(int map_fd);
bool map_alive(__u32 id);
bool map_gone(__u32 id);

/* How often the registry lists a congestion control */
int cc_listed(const char *name);
/* Struct_ops links that the system holds */
int links_held(void);

/* The link is backed by this map, or detached where the id is 0: info, fdinfo
 * and poll say the same.
 */
bool link_backed_by(int link_fd, __u32 id);

/* The whole life of a link that cannot be updated. When it is detached, that its
 * type has no update (EOPNOTSUPP) comes first, and then that it has no map (ENOLINK).
 */
void link_life(struct bpf_map *map, int when_detached);

/* Loads an object with READY maps */
struct struct_ops_link_cc *cc_load(void);
/* Ends a test: nothing of the object may outlive what still uses it */
void cc_unload(struct struct_ops_link_cc *skel, int link_fd);
void types_unload(struct struct_ops_link_types *types);
/* The same for an object of any types */
void object_left_nothing(struct bpf_object *obj, void (*destroy)(void *skel),
			 void *skel, int link_fd);

/* An object of READY maps, and a link on the first of them */
struct linked {
	struct struct_ops_link_cc *skel;
	int a, b;	/* maps of the same name */
	int link;
};

/* Loads and links; linked_end() is to follow in any case */
bool linked_start(struct linked *t);
/* Closes the link if it is open still: nothing of the object may outlive what uses it */
void linked_end(struct linked *t);

/* A TCP socket at a local address */
int socket_bound(int family, const char *address);

/* A connection over loopback; the congestion control is the client's */
struct conn {
	int client;
	int server;
};

bool conn_open(struct conn *conn, int listener, const char *cc);
bool conn_send(const struct conn *conn, int bytes);
void conn_close(struct conn *conn);
/* In order, so that no socket lingers */
void conn_end(struct conn *conn);

/* The socket's congestion control has this name */
bool sock_runs(int fd, const char *cc);

/* A network namespace to be in, and a listener there */
struct place {
	struct netns_obj *ns;
	int listener;
};

bool place_enter(struct place *place);
void place_leave(struct place *place);

/* One thread's work, and how often it did not get what it wanted */
struct worker {
	void *(*run)(void *worker);
	struct conn conn;
	pthread_t thread;
	int done;
	int failed;
};

/* What run() looks at to see whether to go on */
extern bool workers_stop;

/* Returns how many could be started */
int workers_start(struct worker *workers, int n);
/* All of those did something, and none failed */
void workers_end(struct worker *workers, int started);

/* Loads one program of an object that is open, and attaches it where its type
 * says, or else to our cgroup
 */
bool hook_attach(struct struct_ops_link_hooks *hooks, struct bpf_program *prog,
		 struct bpf_link **link);

/* The variables of a program that includes struct_ops_link_wait.h */
struct waiter {
	bool *waiting;
	__u32 *go_on;
	__u64 *wait_ns;
	int *in_vain;
};

/* Makes a call, and does work while the program keeps the kernel in it: the work
 * has to wait for the end of the call, or not. Returns what comes of the call.
 */
int meanwhile(const struct waiter *waiter, int (*call)(int fd), int fd,
	      void (*work)(void), bool waits);

/* Sorts what so many calls took, in ns, and compares the middle one */
void median_below(__u64 *took, int n, __u64 limit, const char *what);

#endif
