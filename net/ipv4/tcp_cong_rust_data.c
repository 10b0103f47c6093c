// SPDX-License-Identifier: GPL-2.0-only
/*
 * The C part of the registry of congestion controls in tcp_cong_rust.rs: data
 * that an initializer in C fills, data of each network namespace, and exports.
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

/*
 * The first default of the initial namespace. It is static, so that setting it
 * cannot fail, and has a user of its own, so that it is never freed.
 */
struct tcp_cong_default tcp_cong_default_reno = {
	.ca	= RCU_INITIALIZER(&tcp_reno),
	.users	= 1,
};

unsigned int tcp_cong_net_id;

static struct pernet_operations tcp_cong_net_ops = {
	.id	= &tcp_cong_net_id,
	.size	= sizeof(struct tcp_cong_net),
};

/* Registered before tcp_sk_ops, whose init sets the default of a namespace */
static int __init tcp_cong_net_register(void)
{
	return register_pernet_subsys(&tcp_cong_net_ops);
}
core_initcall(tcp_cong_net_register);
