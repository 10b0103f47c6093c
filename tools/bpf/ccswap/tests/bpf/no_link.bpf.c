// SPDX-License-Identifier: GPL-2.0-only
/* A table that registers without a link. */
#include "table.h"

SEC(".struct_ops")
struct tcp_congestion_ops no_link = TABLE("ccswap_test");
