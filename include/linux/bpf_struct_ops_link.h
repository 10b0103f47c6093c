/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_BPF_STRUCT_OPS_LINK_H
#define _LINUX_BPF_STRUCT_OPS_LINK_H

/*
 * What C and Rust share of the struct_ops links in
 * kernel/bpf/struct_ops_link.rs.
 */

#include <linux/types.h>

struct bpf_map;
struct bpf_struct_ops_desc;

/**
 * struct bpf_struct_ops_table - the table of a struct_ops map
 * @desc: its type; two tables are of the same type if this is the same
 * @kdata: the table as the subsystem sees it
 *
 * All constant and valid as long as the map is.
 */
struct bpf_struct_ops_table {
	const struct bpf_struct_ops_desc *desc;
	void *kdata;
};

bool bpf_struct_ops_map_table(struct bpf_map *map,
			      struct bpf_struct_ops_table *table);

#endif /* _LINUX_BPF_STRUCT_OPS_LINK_H */
