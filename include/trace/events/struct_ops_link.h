/* SPDX-License-Identifier: GPL-2.0-only */
/* The life of struct_ops links in Rust */

#undef TRACE_SYSTEM
#define TRACE_SYSTEM struct_ops_link

#if !defined(_TRACE_STRUCT_OPS_LINK_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_STRUCT_OPS_LINK_H

#include <linux/bpf.h>
#include <linux/tracepoint.h>

/* A link is created, and nothing else has happened to it yet */
TRACE_EVENT(struct_ops_link_create,

	TP_PROTO(u32 link_id, u32 map_id, const char *type),

	TP_ARGS(link_id, map_id, type),

	TP_STRUCT__entry(
		__field(u32, link_id)
		__field(u32, map_id)
		__string(type, type)
	),

	TP_fast_assign(
		__entry->link_id = link_id;
		__entry->map_id = map_id;
		__assign_str(type);
	),

	TP_printk("link_id=%u map_id=%u type=%s",
		  __entry->link_id, __entry->map_id, __get_str(type))
);

/* The table of a link was replaced, which took some nanoseconds */
TRACE_EVENT(struct_ops_link_update,

	TP_PROTO(u32 link_id, u32 old_map_id, u32 new_map_id, u64 ns),

	TP_ARGS(link_id, old_map_id, new_map_id, ns),

	TP_STRUCT__entry(
		__field(u32, link_id)
		__field(u32, old_map_id)
		__field(u32, new_map_id)
		__field(u64, ns)
	),

	TP_fast_assign(
		__entry->link_id = link_id;
		__entry->old_map_id = old_map_id;
		__entry->new_map_id = new_map_id;
		__entry->ns = ns;
	),

	TP_printk("link_id=%u old_map_id=%u new_map_id=%u ns=%llu",
		  __entry->link_id, __entry->old_map_id, __entry->new_map_id,
		  __entry->ns)
);

DECLARE_EVENT_CLASS(struct_ops_link_end,

	TP_PROTO(u32 link_id, u32 map_id),

	TP_ARGS(link_id, map_id),

	TP_STRUCT__entry(
		__field(u32, link_id)
		__field(u32, map_id)
	),

	TP_fast_assign(
		__entry->link_id = link_id;
		__entry->map_id = map_id;
	),

	TP_printk("link_id=%u map_id=%u", __entry->link_id, __entry->map_id)
);

/* BPF_LINK_DETACH has unregistered the table of a link */
DEFINE_EVENT(struct_ops_link_end, struct_ops_link_detach,

	TP_PROTO(u32 link_id, u32 map_id),

	TP_ARGS(link_id, map_id)
);

/* A link is gone. The map is the one that it had to unregister, 0 if none. */
DEFINE_EVENT(struct_ops_link_end, struct_ops_link_release,

	TP_PROTO(u32 link_id, u32 map_id),

	TP_ARGS(link_id, map_id)
);

TRACE_DEFINE_ENUM(BPF_LINK_CREATE);
TRACE_DEFINE_ENUM(BPF_LINK_UPDATE);

/* A create or update failed, and has changed nothing. A create has no link then. */
TRACE_EVENT(struct_ops_link_refused,

	TP_PROTO(enum bpf_cmd cmd, u32 link_id, u32 map_id, int err),

	TP_ARGS(cmd, link_id, map_id, err),

	TP_STRUCT__entry(
		__field(u32, cmd)
		__field(u32, link_id)
		__field(u32, map_id)
		__field(int, err)
	),

	TP_fast_assign(
		__entry->cmd = cmd;
		__entry->link_id = link_id;
		__entry->map_id = map_id;
		__entry->err = err;
	),

	TP_printk("cmd=%s link_id=%u map_id=%u err=%d",
		  __print_symbolic(__entry->cmd,
				   { BPF_LINK_CREATE, "create" },
				   { BPF_LINK_UPDATE, "update" }),
		  __entry->link_id, __entry->map_id, __entry->err)
);

#endif /* _TRACE_STRUCT_OPS_LINK_H */

/* This part must be outside protection */
#include <trace/define_trace.h>
