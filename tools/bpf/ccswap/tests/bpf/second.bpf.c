// SPDX-License-Identifier: GPL-2.0-only
/* The table that the tests swap in: the same name, another map. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops second = TABLE("ccswap_test");
