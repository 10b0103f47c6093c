// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that choose a congestion control for sockets: one of the security
 * module when a socket is made, and one of socket operations when it connects.
 */
#include "congestion.h"

#define SOL_TCP		6
#define TCP_CONGESTION	13
#define IPPROTO_TCP	6
#define NAMES		3

#define BPF_SOCK_OPS_TCP_CONNECT_CB		3
#define BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB	4
#define BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB	5

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct socket {
	struct sock *sk;
};

#pragma clang attribute pop

/* What programs see of it; a part of the kernel's interface, so not relocated. */
struct bpf_sock_ops {
	__u32 op;
	__u32 args[4];
	__u32 family;
	__u32 remote_ip4;
};

/* How many sockets were given a name, and how many could not be. */
__u64 chosen SEC(".bss.chosen");
__u64 refused SEC(".bss.refused");

/* Written by the actor: names that are registered throughout. */
char names[NAMES][16] SEC(".data.names");

/* Written by the actor: connections with this address have what the route says. */
__u32 left_alone SEC(".data.left_alone");

static void copy_name(char *name)
{
	__u32 which = bpf_get_prandom_u32() % NAMES;

	if (which < NAMES)
		__builtin_memcpy(name, names[which], sizeof(names[0]));
}

static void count(long error)
{
	__sync_fetch_and_add(error ? &refused : &chosen, 1);
}

SEC("lsm_cgroup/socket_post_create")
int BPF_PROG(choose_when_made, struct socket *sock, int family, int type, int protocol, int kern)
{
	char name[16] = {};
	struct sock *sk = sock->sk;

	if (sk && protocol == IPPROTO_TCP && !kern && bpf_get_prandom_u32() % 2) {
		copy_name(name);
		count(bpf_setsockopt(sk, SOL_TCP, TCP_CONGESTION, name, sizeof(name)));
	}
	return 1;
}

SEC("sockops")
int choose_when_connected(struct bpf_sock_ops *ops)
{
	char name[16] = {};

	if (ops->remote_ip4 == left_alone)
		return 1;
	switch (ops->op) {
	case BPF_SOCK_OPS_TCP_CONNECT_CB:
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (bpf_get_prandom_u32() % 2)
			break;
		copy_name(name);
		count(bpf_setsockopt(ops, SOL_TCP, TCP_CONGESTION, name, sizeof(name)));
	}
	return 1;
}
