/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NET_TCP_CONG_LIST_H
#define _NET_TCP_CONG_LIST_H

/*
 * The registry of congestion controls, as net/ipv4/tcp_cong.c shares it with
 * net/ipv4/tcp_cong_registry.rs.
 */

#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <net/tcp.h>

#ifdef CONFIG_BPF_STRUCT_OPS_LINK_RUST
extern spinlock_t tcp_cong_list_lock;
extern struct list_head tcp_cong_list;
#endif

static inline u32 tcp_ca_hash_name(const struct tcp_congestion_ops *ca)
{
	return jhash(ca->name, sizeof(ca->name), strlen(ca->name));
}

#endif /* _NET_TCP_CONG_LIST_H */
