// SPDX-License-Identifier: GPL-2.0-only
/* A table of a type that takes no link and knows no update. */
#include "congestion.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct tcp_sock {
	__u32 snd_cwnd;
};

struct smc_hs_ctrl {
	char name[16];
	int (*syn_option)(struct tcp_sock *tp);
};

#pragma clang attribute pop

SEC("struct_ops")
int BPF_PROG(syn_option, struct tcp_sock *tp)
{
	return 1;
}

SEC(".struct_ops.link")
struct smc_hs_ctrl other_type = {
	.syn_option = (void *)syn_option,
	.name = "ccswap_test",
};
