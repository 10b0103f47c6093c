/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef _NET_TCP_CONG_REGISTRY_H
#define _NET_TCP_CONG_REGISTRY_H

/* The registered congestion controls, shared by the files of TCP in C and Rust */

#include <linux/bpf.h>
#include <linux/jhash.h>
#include <linux/list.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <net/netns/generic.h>
#include <net/tcp.h>

/* Guards the list, and the fields of a congestion control that the registry writes */
extern spinlock_t tcp_cong_list_lock;
/* The registered congestion controls, in the order of registration */
extern struct list_head tcp_cong_list;

struct tcp_congestion_ops *tcp_ca_find_autoload(const char *name);
void tcp_ca_negotiate_ecn(struct sock *sk);

static inline u32 tcp_ca_hash(const char name[TCP_CA_NAME_MAX])
{
	return jhash(name, TCP_CA_NAME_MAX, strlen(name));
}

#ifdef CONFIG_TCP_CONG_REGISTRY_RUST

/**
 * struct tcp_cong_default - a default congestion control that namespaces share
 * @ca: the congestion control, on which this holds a reference; read under RCU
 * @next: the next one with the same @ca
 * @users: number of network namespaces that point to this
 * @rcu: to free this after a grace period
 *
 * An update that replaces @ca changes the default of all these namespaces. See
 * DefaultOf in rust/kernel/net/tcp/cong/default.rs.
 */
struct tcp_cong_default {
	const struct tcp_congestion_ops __rcu *ca;
	struct tcp_cong_default *next;
	unsigned long users;
	struct rcu_head rcu;
};

/**
 * struct tcp_cong_net - data of the registry in a network namespace
 * @dflt: the default congestion control of the namespace; read under RCU
 */
struct tcp_cong_net {
	struct tcp_cong_default __rcu *dflt;
};

extern struct tcp_cong_default tcp_cong_default_reno;
extern unsigned int tcp_cong_net_id;

/* Flags that belong to the registry, not in TCP_CONG_MASK */

/* The congestion control was replaced, see rust/kernel/net/tcp/cong.rs */
#define TCP_CONG_REPLACED			0x80000000
/* It declared TCP_CONG_NON_RESTRICTED when it was first registered */
#define TCP_CONG_DECLARED_NON_RESTRICTED	0x40000000

const struct tcp_congestion_ops *
tcp_ca_get_current(const struct tcp_congestion_ops *ca);
u32 tcp_ca_current_flags(const struct sock *sk);
void tcp_ca_switch_to_current(struct sock *sk);
const struct tcp_congestion_ops *tcp_default_ca_get_slow(const struct net *net);

/* Compute the key of @ca once, before it is registered for the first time */
static inline void tcp_ca_set_key(struct tcp_congestion_ops *ca)
{
	ca->key = tcp_ca_hash(ca->name);
}

static inline bool tcp_ca_is_replaced(const struct tcp_congestion_ops *ca)
{
	return unlikely(READ_ONCE(ca->flags) & TCP_CONG_REPLACED);
}

/*
 * Take a reference on @ca, which was found under RCU and may be NULL. If its
 * last reference was put because an update replaced it, take one on the
 * congestion control that follows. Return NULL if no reference can be taken.
 */
static inline const struct tcp_congestion_ops *
tcp_ca_get(const struct tcp_congestion_ops *ca)
{
	if (likely(!ca || bpf_try_module_get(ca, ca->owner)))
		return ca;
	return tcp_ca_get_current(ca);
}

/*
 * Take a reference on *@ca for a socket, or on the congestion control that
 * follows it. The caller has checked that the socket may use *@ca. This checks
 * the one that follows. Return 0, -EBUSY or -EPERM.
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

/* Return the default of @net. The caller holds the RCU read lock. */
static inline const struct tcp_congestion_ops *tcp_default_ca(const struct net *net)
{
	return rcu_dereference(rcu_dereference(tcp_cong_net(net)->dflt)->ca);
}

/*
 * Take a reference on the default of @net, or return NULL. The caller holds the
 * RCU read lock.
 */
static inline const struct tcp_congestion_ops *
tcp_default_ca_get(const struct net *net)
{
	const struct tcp_congestion_ops *ca = tcp_default_ca(net);

	if (likely(bpf_try_module_get(ca, ca->owner)))
		return ca;
	return tcp_default_ca_get_slow(net);
}

/*
 * If the congestion control of @sk was replaced, make @sk use the one that
 * follows. @sk starts a connection or accepts one. The caller has locked @sk,
 * or no other code can use it yet.
 */
static inline void tcp_ca_refresh(struct sock *sk)
{
	if (tcp_ca_is_replaced(inet_csk(sk)->icsk_ca_ops))
		tcp_ca_switch_to_current(sk);
}

/*
 * Return the flags that decide on ECN for a connection to @sk. @sk is a listener
 * that is not locked, or a child that may still use its listener's congestion
 * control.
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
