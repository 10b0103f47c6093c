/* SPDX-License-Identifier: GPL-2.0-only */
/* Helpers for the tests of struct_ops links: links, maps, threads, timing */
#ifndef _STRUCT_OPS_LINK_HELPERS_H
#define _STRUCT_OPS_LINK_HELPERS_H

#include <pthread.h>
#include <stdbool.h>
#include <unistd.h>
#include <linux/types.h>

struct bpf_map;
struct bpf_object;
struct struct_ops_link_cc;

#define LINK_CC		"link_cc"
#define LINK_CC_OTHER	"link_cc_other"

/* Polls until the condition is true, and returns whether it became true. Freeing a
 * map or closing a connection may take several grace periods, and a guest on a busy
 * machine may poll only a few times per second.
 */
#define WAIT_NS		5000000000ULL
#define WAIT_POLLS	1000
#define wait_until(condition)						\
({									\
	__u64 end_ = get_time_ns() + WAIT_NS;				\
	int polls_ = 0;							\
	bool met_;							\
									\
	while (!(met_ = (condition)) &&					\
	       (polls_++ < WAIT_POLLS || get_time_ns() < end_))		\
		usleep(1000);						\
	met_;								\
})

/* Starts the subtest <name>_ipv4 or <name>_ipv6 */
bool start_family_subtest(const char *name, int family);

/* BPF_LINK_CREATE and BPF_LINK_UPDATE on fds: return 0 or an fd, or -errno */
int link_create(int map_fd);
int link_update(int link_fd, int map_fd);
int link_replace(int link_fd, int map_fd, int old_map_fd);

/* Sets the value of a map, which makes it READY, and leaves no link behind */
bool map_make_ready(struct bpf_map *map);
__u32 map_id(int map_fd);
bool map_exists(__u32 id);
/* Waits for the map to be freed */
bool map_freed(__u32 id);

/* How often tcp_available_congestion_control lists the name, or -errno */
int cc_listed(const char *name);
/* The number of struct_ops links in the system */
int count_links(void);

/* Checks that info, fdinfo and poll agree: the link is backed by the map with this
 * id, or is detached if the id is 0.
 */
bool check_link_map(int link_fd, __u32 id);

/* Creates, updates, detaches and closes a link whose type has no update. An update
 * of the detached link returns err_detached: -EOPNOTSUPP if the type is checked
 * first, -ENOLINK otherwise.
 */
void check_link_without_update(struct bpf_map *map, int err_detached);

/* Destroys an object and closes a link if there is one (fd >= 0). Checks that the
 * link holds its map until it is closed, and that all struct_ops maps are freed.
 */
void destroy_check_freed(struct bpf_object *obj, void (*destroy)(void *skel),
			 void *skel, int link_fd);

/* A loaded struct_ops_link_cc, whose maps are READY, and a link */
struct cc_fixture {
	struct struct_ops_link_cc *skel;
	int a, b;	/* maps of LINK_CC */
	int other;	/* map of LINK_CC_OTHER */
	int link;	/* -1 if there is none */
};

/* After either setup, even if it failed, cc_teardown() must be called. It checks
 * that nothing is left of the object and the link.
 */
bool cc_setup(struct cc_fixture *f);
/* Also links map a */
bool cc_setup_link(struct cc_fixture *f);
void cc_teardown(struct cc_fixture *f);
void cc_close_link(struct cc_fixture *f);
/* From here on, links and sockets hold the only references to the maps */
void cc_destroy_object(struct cc_fixture *f);

/* A thread that repeats one operation */
struct worker {
	void *(*run)(void *worker);
	void *arg;
	pthread_t thread;
	int done;
	int failed;
};

/* Tells run() to return */
extern bool workers_stop;

/* Returns the number of threads that were started */
int workers_start(struct worker *workers, int n);
/* Checks that each of them did something and that nothing failed */
void workers_end(struct worker *workers, int started);

/* The variables of an object that includes struct_ops_link_pause.h */
struct pause {
	bool *paused;
	__u32 *resume;
	__u64 *timeout_ns;
	int *timeouts;
};

/* Those of a loaded skeleton */
#define pause_of(skel)							\
({									\
	typeof(skel) skel_ = (skel);					\
									\
	(struct pause) {						\
		.paused = &skel_->bss->paused,				\
		.resume = &skel_->bss->resume,				\
		.timeout_ns = &skel_->data->pause_timeout_ns,		\
		.timeouts = &skel_->bss->pause_timeouts,		\
	};								\
})

/* Makes a call, and does work while a BPF program pauses the kernel in that call.
 * Checks that the work blocks until the call is over, or that it does not.
 * Returns what the call returned.
 */
int work_during_call(const struct pause *pause, int (*call)(int fd), int fd,
		     void (*work)(void), bool blocks);

/* Checks that the median of n durations, in ns, is below the limit; sorts them */
void check_median(__u64 *durations, int n, __u64 limit, const char *name);

#endif
