/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _LINUX_BPF_STRUCT_OPS_LINK_H
#define _LINUX_BPF_STRUCT_OPS_LINK_H

/*
 * What C and Rust share of the struct_ops links in
 * kernel/bpf/struct_ops_link.rs.
 */

#include <linux/bpf.h>
#include <linux/mutex.h>
#include <linux/types.h>

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

#ifdef CONFIG_BPF_STRUCT_OPS_LINK_RUST
/* @st_ops is about to be registered, so there is no map of its type yet */
static inline void bpf_struct_ops_init_link_lock(struct bpf_struct_ops *st_ops)
{
	mutex_init(&st_ops->link_lock);
}
#else
static inline void bpf_struct_ops_init_link_lock(struct bpf_struct_ops *st_ops)
{
}
#endif

#endif /* _LINUX_BPF_STRUCT_OPS_LINK_H */
