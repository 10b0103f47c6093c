// SPDX-License-Identifier: GPL-2.0-only
/* A table under another name, which cannot replace the first. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops other_name = TABLE("ccswap_other");
