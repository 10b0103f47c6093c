// SPDX-License-Identifier: GPL-2.0-only
/* Two tables in one object: one has to be chosen. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops left = TABLE("ccswap_left");

SEC(".struct_ops.link")
struct tcp_congestion_ops right = TABLE("ccswap_test");
