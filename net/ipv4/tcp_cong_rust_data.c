// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the registry of congestion controls in tcp_cong_rust.rs shares with C:
 * data with an initializer in C, a part of each network namespace, and exports.
 */

#include <linux/export.h>
#include <linux/init.h>
#include <net/net_namespace.h>
#include <net/tcp.h>
#include <net/tcp_cong_registry.h>

DEFINE_SPINLOCK(tcp_cong_list_lock);
LIST_HEAD(tcp_cong_list);

EXPORT_SYMBOL_GPL(tcp_register_congestion_control);
EXPORT_SYMBOL_GPL(tcp_unregister_congestion_control);

/* The first namespace has it before there is memory to allocate */
struct tcp_cong_default tcp_cong_default_reno = {
	.ca	= RCU_INITIALIZER(&tcp_reno),
	.users	= 1,
};

unsigned int tcp_cong_net_id;

static struct pernet_operations tcp_cong_net_ops = {
	.id	= &tcp_cong_net_id,
	.size	= sizeof(struct tcp_cong_net),
};

/* Before tcp_sk_ops, which gives a namespace its default */
static int __init tcp_cong_net_register(void)
{
	return register_pernet_subsys(&tcp_cong_net_ops);
}
core_initcall(tcp_cong_net_register);
