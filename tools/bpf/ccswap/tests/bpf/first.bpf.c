// SPDX-License-Identifier: GPL-2.0-only
/* The table that the tests attach. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops first = TABLE("ccswap_test");
