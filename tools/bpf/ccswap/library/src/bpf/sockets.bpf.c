// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which table each TCP socket runs, and moving sockets to another.
 *
 * A socket holds the address of its table. For a table in a BPF map that is an
 * address within the map, which the second iterator tells for each map.
 */
#include "types.h"

enum bpf_map_type {
	BPF_MAP_TYPE_HASH = 1,
	BPF_MAP_TYPE_STRUCT_OPS = 26,
};

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_endian.h>

#define AF_INET		2
#define SOL_TCP		6
#define TCP_CONGESTION	13
/* Above the highest error number. */
#define ERRORS		256
/* The deepest control group that is looked at. */
#define LEVELS		64
/* The most programs that a table may have before the first is looked for no more. */
#define PROGRAMS	64

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct in6_addr {
	__u8 in6_u[16];
};

struct sock_common {
	__be32 skc_daddr;
	__be32 skc_rcv_saddr;
	__be16 skc_dport;
	__u16 skc_num;
	__u16 skc_family;
	volatile __u8 skc_state;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
};

struct kernfs_node {
	__u64 id;
};

struct cgroup_subsys_state {
	struct cgroup *cgroup;
	struct cgroup_subsys_state *parent;
};

struct cgroup {
	struct cgroup_subsys_state self;
	struct kernfs_node *kn;
};

struct sock_cgroup_data {
	struct cgroup *cgroup;
};

struct sock {
	struct sock_cgroup_data sk_cgrp_data;
};

struct tcp_congestion_ops;

struct inet_connection_sock {
	const struct tcp_congestion_ops *icsk_ca_ops;
};

struct tcp_sock {
	struct inet_connection_sock inet_conn;
};

struct bpf_prog_aux {
	__u64 load_time;
};

struct bpf_prog {
	struct bpf_prog_aux *aux;
};

struct bpf_link {
	struct bpf_prog *prog;
};

struct bpf_map {
	enum bpf_map_type map_type;
	__u32 id;
};

struct bpf_struct_ops_value {
	char data[0];
};

struct bpf_struct_ops_map {
	struct bpf_map map;
	struct bpf_link **links;
	struct bpf_struct_ops_value kvalue;
};

#pragma clang attribute pop

/* What an iterator is called with; a part of the kernel's interface, so not relocated. */
struct bpf_iter_meta {
	struct seq_file *seq;
};

struct bpf_iter__tcp {
	struct bpf_iter_meta *meta;
	struct sock_common *sk_common;
};

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
};

/* As ccswap reads them. */
struct table_record {
	__u64 address;
	__u64 load_time;
	__u32 map;
	__u32 unused;
};

struct socket_record {
	__u64 table;
	__u16 family;
	__u16 local_port;
	__u16 remote_port;
	__u8 state;
	__u8 unused;
	__u8 local[16];
	__u8 remote[16];
};

SEC("iter/bpf_map")
int tables(struct bpf_iter__bpf_map *ctx)
{
	struct bpf_map *map = ctx->map;
	struct table_record record = {};
	struct bpf_struct_ops_map *whole;
	struct bpf_link **links, *link;

	if (!map || map->map_type != BPF_MAP_TYPE_STRUCT_OPS)
		return 0;
	whole = (void *)map;
	record.map = map->id;
	record.address = (__u64)(unsigned long)map +
			 bpf_core_field_offset(struct bpf_struct_ops_map, kvalue) +
			 bpf_core_field_offset(struct bpf_struct_ops_value, data);
	if (bpf_core_field_exists(whole->links)) {
		bpf_core_read(&links, sizeof(links), &whole->links);
		for (int i = 0; i < PROGRAMS; i++) {
			link = 0;
			if (bpf_probe_read_kernel(&link, sizeof(link), &links[i]) || link)
				break;
		}
		if (link)
			record.load_time = BPF_CORE_READ(link, prog, aux, load_time);
	}
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

static inline void describe(struct sock_common *common, struct socket_record *record)
{
	record->family = common->skc_family;
	record->state = common->skc_state;
	record->local_port = common->skc_num;
	record->remote_port = bpf_ntohs(common->skc_dport);
	if (record->family == AF_INET) {
		bpf_core_read(record->local, sizeof(__be32), &common->skc_rcv_saddr);
		bpf_core_read(record->remote, sizeof(__be32), &common->skc_daddr);
	} else if (bpf_core_field_exists(common->skc_v6_daddr)) {
		bpf_core_read(record->local, sizeof(record->local), &common->skc_v6_rcv_saddr);
		bpf_core_read(record->remote, sizeof(record->remote), &common->skc_v6_daddr);
	}
}

SEC("iter/tcp")
int sockets(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct socket_record record = {};
	struct tcp_sock *tcp;

	/* What only waits for its end, or is not yet accepted, runs no table. */
	tcp = common ? bpf_skc_to_tcp_sock(common) : 0;
	if (!tcp)
		return 0;
	record.table = (__u64)(unsigned long)tcp->inet_conn.icsk_ca_ops;
	describe(common, &record);
	bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
	return 0;
}

/* The tables whose sockets are to be moved. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, __u8);
} old_tables SEC(".maps");

/* Written before the iterator runs, and read after it. */
struct {
	char name[16];
	__u64 moved;
	__u64 refused[ERRORS];
	/* Only sockets of this control group or one below it; any if it is 0. */
	__u64 cgroup;
	/* Only sockets with this port at either end; any if it is 0. */
	__u16 port;
} moving;

static inline int in_cgroup(struct sock *sk, __u64 id)
{
	struct cgroup *cgroup = BPF_CORE_READ(sk, sk_cgrp_data.cgroup);
	int level;

	for (level = 0; level < LEVELS && cgroup; level++) {
		if (BPF_CORE_READ(cgroup, kn, id) == id)
			return 1;
		cgroup = BPF_CORE_READ(cgroup, self.parent, cgroup);
	}
	return 0;
}

SEC("iter/tcp")
int move(struct bpf_iter__tcp *ctx)
{
	struct sock_common *common = ctx->sk_common;
	struct tcp_sock *tcp;
	__u64 table;
	__s64 error;

	tcp = common ? bpf_skc_to_tcp_sock(common) : 0;
	if (!tcp)
		return 0;
	table = (__u64)(unsigned long)tcp->inet_conn.icsk_ca_ops;
	if (!bpf_map_lookup_elem(&old_tables, &table))
		return 0;
	if (moving.port && common->skc_num != moving.port &&
	    bpf_ntohs(common->skc_dport) != moving.port)
		return 0;
	if (moving.cgroup && !in_cgroup((struct sock *)tcp, moving.cgroup))
		return 0;
	error = bpf_setsockopt(tcp, SOL_TCP, TCP_CONGESTION, moving.name, sizeof(moving.name));
	if (!error)
		moving.moved++;
	else if (error > -ERRORS && error < 0)
		moving.refused[-error & (ERRORS - 1)]++;
	return 0;
}

char _license[] SEC("license") = "GPL";
