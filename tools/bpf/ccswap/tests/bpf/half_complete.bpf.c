// SPDX-License-Identifier: GPL-2.0-only
/* Two tables, of which the kernel takes one. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops broken = {
	.init = (void *)table_init,
	.name = "ccswap_broken",
};

SEC(".struct_ops.link")
struct tcp_congestion_ops whole = TABLE("ccswap_test");
