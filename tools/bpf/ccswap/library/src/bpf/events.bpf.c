// SPDX-License-Identifier: GPL-2.0-only
/* Hands on what the tracepoints of struct_ops links tell. */
#include "types.h"

enum bpf_map_type {
	BPF_MAP_TYPE_RINGBUF = 27,
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define TYPE_MAX	64

enum kind {
	CREATE,
	UPDATE,
	DETACH,
	RELEASE,
	REFUSED,
};

/* As ccswap reads it. What an event does not have is 0. */
struct event {
	/* Of the monotonic clock. */
	__u64 time;
	/* How many events found no room before it. */
	__u64 lost;
	/* How long an update took. */
	__u64 ns;
	__u32 kind;
	__u32 link;
	__u32 map;
	__u32 old_map;
	/* What was refused, and why. */
	__u32 command;
	__s32 error;
	char type[TYPE_MAX];
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 18);
} events SEC(".maps");

__u64 lost;

static __always_inline struct event *begin(enum kind kind, __u32 link, __u32 map)
{
	struct event *event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);

	if (!event) {
		__sync_fetch_and_add(&lost, 1);
		return 0;
	}
	__builtin_memset(event, 0, sizeof(*event));
	event->time = bpf_ktime_get_ns();
	event->lost = lost;
	event->kind = kind;
	event->link = link;
	event->map = map;
	return event;
}

SEC("tp_btf/struct_ops_link_create")
int BPF_PROG(on_create, __u32 link, __u32 map, const char *type)
{
	struct event *event = begin(CREATE, link, map);

	if (!event)
		return 0;
	bpf_probe_read_kernel_str(event->type, sizeof(event->type), type);
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/struct_ops_link_update")
int BPF_PROG(on_update, __u32 link, __u32 old_map, __u32 map, __u64 ns)
{
	struct event *event = begin(UPDATE, link, map);

	if (!event)
		return 0;
	event->old_map = old_map;
	event->ns = ns;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/struct_ops_link_detach")
int BPF_PROG(on_detach, __u32 link, __u32 map)
{
	struct event *event = begin(DETACH, link, map);

	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/struct_ops_link_release")
int BPF_PROG(on_release, __u32 link, __u32 map)
{
	struct event *event = begin(RELEASE, link, map);

	if (event)
		bpf_ringbuf_submit(event, 0);
	return 0;
}

SEC("tp_btf/struct_ops_link_refused")
int BPF_PROG(on_refused, __u32 command, __u32 link, __u32 map, int error)
{
	struct event *event = begin(REFUSED, link, map);

	if (!event)
		return 0;
	event->command = command;
	event->error = error;
	bpf_ringbuf_submit(event, 0);
	return 0;
}

char _license[] SEC("license") = "GPL";
