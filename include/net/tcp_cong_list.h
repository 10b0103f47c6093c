/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NET_TCP_CONG_LIST_H
#define _NET_TCP_CONG_LIST_H

/*
 * The registry of congestion controls, as C shares it with
 * net/ipv4/tcp_cong_registry.rs.
 */

#include <linux/bpf.h>
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <net/netns/generic.h>
#include <net/tcp.h>

#ifdef CONFIG_BPF_STRUCT_OPS_LINK_RUST

extern spinlock_t tcp_cong_list_lock;
extern struct list_head tcp_cong_list;

/**
 * struct tcp_cong_net - a network namespace that has a default
 * @list: on tcp_cong_net_list, guarded by tcp_cong_list_lock
 * @net: the namespace
 */
struct tcp_cong_net {
	struct list_head list;
	struct net *net;
};

extern struct list_head tcp_cong_net_list;
extern unsigned int tcp_cong_net_id;

/* Private flags of a table, outside of TCP_CONG_MASK */

/* Another table has taken the place and the name of this one */
#define TCP_CONG_REPLACED			0x80000000
/* TCP_CONG_NON_RESTRICTED was there when the table was first registered */
#define TCP_CONG_NON_RESTRICTED_BY_AUTHOR	0x40000000

const struct tcp_congestion_ops *
tcp_ca_get_current(const struct tcp_congestion_ops *ca);
u32 tcp_ca_current_flags(const struct tcp_congestion_ops *ca);
void tcp_ca_switch_to_current(struct sock *sk);
int tcp_cong_net_init(struct net *net);
void tcp_cong_net_exit(struct net *net);
int tcp_cong_net_set(struct net *net, const struct tcp_congestion_ops *ca);

static inline struct tcp_cong_net *tcp_cong_net(const struct net *net)
{
	return net_generic(net, tcp_cong_net_id);
}

static inline u32 tcp_ca_hash_name(const struct tcp_congestion_ops *ca)
{
	return jhash(ca->name, sizeof(ca->name), strlen(ca->name));
}

/*
 * @ca, which nobody has registered yet, is complete: work out its key now, not
 * whenever it is registered.
 */
static inline void tcp_ca_set_key(struct tcp_congestion_ops *ca)
{
	ca->key = tcp_ca_hash_name(ca);
}

static inline bool tcp_ca_is_replaced(const struct tcp_congestion_ops *ca)
{
	return unlikely(READ_ONCE(ca->flags) & TCP_CONG_REPLACED);
}

/*
 * Take a reference on @ca, a variable, or on what has replaced it, which is
 * in @ca then. Who has found @ca under RCU may find it gone.
 */
#define tcp_ca_try_get(ca) \
	(likely(bpf_try_module_get(ca, (ca)->owner)) || \
	 ((ca) = tcp_ca_get_current(ca)))

/* @sk, of which nobody knows yet, takes over what its listener chose */
static inline bool tcp_ca_inherit(struct sock *sk)
{
	const struct tcp_congestion_ops *ca = inet_csk(sk)->icsk_ca_ops;

	if (tcp_ca_is_replaced(ca) || !bpf_try_module_get(ca, ca->owner))
		ca = tcp_ca_get_current(ca);
	if (!ca)
		return false;
	WRITE_ONCE(inet_csk(sk)->icsk_ca_ops, ca);
	return true;
}

/*
 * @sk, which is locked, is about to start a connection, or accepts those that
 * took over its choice: not on a table that was replaced.
 */
static inline void tcp_ca_refresh(struct sock *sk)
{
	if (tcp_ca_is_replaced(inet_csk(sk)->icsk_ca_ops))
		tcp_ca_switch_to_current(sk);
}

/*
 * What a connection that comes in will ask of ECN. Nobody locks @listener, or
 * it is a child that has not yet got a congestion control of its own.
 */
static inline u32 tcp_ca_listener_flags(const struct sock *listener)
{
	const struct tcp_congestion_ops *ca;

	ca = READ_ONCE(inet_csk(listener)->icsk_ca_ops);
	return tcp_ca_is_replaced(ca) ? tcp_ca_current_flags(ca) : ca->flags;
}

#else

static inline void tcp_ca_set_key(struct tcp_congestion_ops *ca)
{
}

#define tcp_ca_try_get(ca)	bpf_try_module_get(ca, (ca)->owner)

static inline bool tcp_ca_inherit(struct sock *sk)
{
	return bpf_try_module_get(inet_csk(sk)->icsk_ca_ops,
				  inet_csk(sk)->icsk_ca_ops->owner);
}

static inline void tcp_ca_refresh(struct sock *sk)
{
}

static inline u32 tcp_ca_listener_flags(const struct sock *listener)
{
	return inet_csk(listener)->icsk_ca_ops->flags;
}

#endif /* CONFIG_BPF_STRUCT_OPS_LINK_RUST */
#endif /* _NET_TCP_CONG_LIST_H */
