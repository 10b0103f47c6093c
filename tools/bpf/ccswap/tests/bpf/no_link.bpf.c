// SPDX-License-Identifier: GPL-2.0-only
/* A table in the section of those that register without a link, as many published ones are. */
#include "table.h"

SEC(".struct_ops")
struct tcp_congestion_ops no_link = TABLE("ccswap_test");
