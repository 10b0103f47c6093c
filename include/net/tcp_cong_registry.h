/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NET_TCP_CONG_REGISTRY_H
#define _NET_TCP_CONG_REGISTRY_H

/* The registered congestion controls, as the files of TCP share them */

#include <linux/bpf.h>
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <net/netns/generic.h>
#include <net/tcp.h>

/* Guards the list, and what is written to a registered congestion control */
extern spinlock_t tcp_cong_list_lock;
/* In the order of registration */
extern struct list_head tcp_cong_list;

struct tcp_congestion_ops *tcp_ca_find_autoload(const char *name);
void tcp_ca_negotiate_ecn(struct sock *sk);

static inline u32 tcp_ca_hash(const char name[TCP_CA_NAME_MAX])
{
	return jhash(name, TCP_CA_NAME_MAX, strlen(name));
}

#ifdef CONFIG_TCP_CONG_REGISTRY_RUST

/**
 * struct tcp_cong_default - what network namespaces have as their default
 * @ca: the congestion control, on which this has a reference; RCU readers
 * @next: another one with the same @ca
 * @users: the namespaces that have this
 * @rcu: frees this
 *
 * Namespaces share it, so an update that replaces @ca moves all of them.
 */
struct tcp_cong_default {
	const struct tcp_congestion_ops __rcu *ca;
	struct tcp_cong_default *next;
	unsigned long users;
	struct rcu_head rcu;
};

/**
 * struct tcp_cong_net - a network namespace's part of the registry
 * @dflt: its default; RCU readers
 */
struct tcp_cong_net {
	struct tcp_cong_default __rcu *dflt;
};

extern struct tcp_cong_default tcp_cong_default_reno;
extern unsigned int tcp_cong_net_id;

/* Private flags of a table, outside of TCP_CONG_MASK */

/* An update has replaced this table by another */
#define TCP_CONG_REPLACED			0x80000000
/* TCP_CONG_NON_RESTRICTED was there when the table was first registered */
#define TCP_CONG_NON_RESTRICTED_BY_AUTHOR	0x40000000

const struct tcp_congestion_ops *
tcp_ca_get_current(const struct tcp_congestion_ops *ca);
u32 tcp_ca_current_flags(const struct sock *sk);
void tcp_ca_switch_to_current(struct sock *sk);
const struct tcp_congestion_ops *tcp_default_ca_get_slow(const struct net *net);

/*
 * @ca, which was never registered, is complete: compute its key now, instead
 * of whenever it is registered.
 */
static inline void tcp_ca_set_key(struct tcp_congestion_ops *ca)
{
	ca->key = tcp_ca_hash(ca->name);
}

static inline bool tcp_ca_is_replaced(const struct tcp_congestion_ops *ca)
{
	return unlikely(READ_ONCE(ca->flags) & TCP_CONG_REPLACED);
}

/*
 * Take a reference on @ca, which was found under RCU and may be NULL. If it has
 * lost its last reference because an update replaced it, take one on what came
 * of that.
 */
static inline const struct tcp_congestion_ops *
tcp_ca_get(const struct tcp_congestion_ops *ca)
{
	if (likely(!ca || bpf_try_module_get(ca, ca->owner)))
		return ca;
	return tcp_ca_get_current(ca);
}

/*
 * Take a reference on *@ca for a socket, or on what replaced it. The caller has
 * found *@ca allowed; what is taken in its place has to be allowed as well.
 */
static inline int tcp_ca_take(const struct tcp_congestion_ops **ca, bool cap_net_admin)
{
	const struct tcp_congestion_ops *found = *ca;

	*ca = tcp_ca_get(found);
	if (unlikely(!*ca))
		return -EBUSY;
	if (unlikely(*ca != found && !cap_net_admin &&
		     !(READ_ONCE((*ca)->flags) & TCP_CONG_NON_RESTRICTED))) {
		bpf_module_put(*ca, (*ca)->owner);
		return -EPERM;
	}
	return 0;
}

static inline struct tcp_cong_net *tcp_cong_net(const struct net *net)
{
	return net_generic(net, tcp_cong_net_id);
}

/* The default of @net, under RCU */
static inline const struct tcp_congestion_ops *tcp_default_ca(const struct net *net)
{
	return rcu_dereference(rcu_dereference(tcp_cong_net(net)->dflt)->ca);
}

/* A reference on the default of @net, under RCU */
static inline const struct tcp_congestion_ops *
tcp_default_ca_get(const struct net *net)
{
	const struct tcp_congestion_ops *ca = tcp_default_ca(net);

	if (likely(bpf_try_module_get(ca, ca->owner)))
		return ca;
	return tcp_default_ca_get_slow(net);
}

/*
 * @sk, which is locked or not known to others, starts a connection, or accepts
 * those that inherit its choice: not on a table that was replaced.
 */
static inline void tcp_ca_refresh(struct sock *sk)
{
	if (tcp_ca_is_replaced(inet_csk(sk)->icsk_ca_ops))
		tcp_ca_switch_to_current(sk);
}

/*
 * The flags that decide about ECN for a connection to @sk, a listener that
 * nobody has locked, or a child that may still have its listener's choice.
 */
static inline u32 tcp_ca_listener_flags(const struct sock *sk)
{
	const struct tcp_congestion_ops *ca = READ_ONCE(inet_csk(sk)->icsk_ca_ops);
	u32 flags = READ_ONCE(ca->flags);

	return unlikely(flags & TCP_CONG_REPLACED) ? tcp_ca_current_flags(sk) : flags;
}

#else

static inline void tcp_ca_set_key(struct tcp_congestion_ops *ca)
{
}

static inline const struct tcp_congestion_ops *
tcp_ca_get(const struct tcp_congestion_ops *ca)
{
	return ca && bpf_try_module_get(ca, ca->owner) ? ca : NULL;
}

static inline int tcp_ca_take(const struct tcp_congestion_ops **ca, bool cap_net_admin)
{
	return bpf_try_module_get(*ca, (*ca)->owner) ? 0 : -EBUSY;
}

static inline const struct tcp_congestion_ops *tcp_default_ca(const struct net *net)
{
	return rcu_dereference(net->ipv4.tcp_congestion_control);
}

static inline const struct tcp_congestion_ops *
tcp_default_ca_get(const struct net *net)
{
	return tcp_ca_get(tcp_default_ca(net));
}

static inline void tcp_ca_refresh(struct sock *sk)
{
}

static inline u32 tcp_ca_listener_flags(const struct sock *sk)
{
	return READ_ONCE(inet_csk(sk)->icsk_ca_ops->flags);
}

#endif /* CONFIG_TCP_CONG_REGISTRY_RUST */
#endif /* _NET_TCP_CONG_REGISTRY_H */
