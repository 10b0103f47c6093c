// SPDX-License-Identifier: GPL-2.0-only
/* A table with a map pinned by name. */
#define COUNTER __u64
#include "pinned.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops pinned_map = PINNED;
