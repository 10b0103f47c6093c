/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_BPF_STRUCT_OPS_LINK_H
#define _LINUX_BPF_STRUCT_OPS_LINK_H

/*
 * What C and Rust share of the struct_ops links in
 * kernel/bpf/struct_ops_link.rs.
 */

#include <linux/mutex.h>
#include <linux/types.h>

struct bpf_link;
struct bpf_map;
struct bpf_struct_ops_desc;
union bpf_attr;

/**
 * struct bpf_struct_ops_table - the table of a struct_ops map
 * @desc: its type; two tables are of the same type if this is the same
 * @kdata: the table as the subsystem sees it
 * @lock: the map's mutex
 *
 * All constant and valid as long as the map is.
 */
struct bpf_struct_ops_table {
	const struct bpf_struct_ops_desc *desc;
	void *kdata;
	struct mutex *lock;	/* guards the map, see @lock */
};

bool bpf_struct_ops_map_table(struct bpf_map *map,
			      struct bpf_struct_ops_table *table);
int bpf_link_update_map(struct bpf_link *link, const union bpf_attr *attr);

#endif /* _LINUX_BPF_STRUCT_OPS_LINK_H */
