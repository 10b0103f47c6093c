// SPDX-License-Identifier: GPL-2.0-only
/* The same, but the map's values have grown. */
#define COUNTER struct wide
typedef unsigned long long __u64;
struct wide {
	__u64 counts[2];
};
#include "pinned.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops pinned_wider = PINNED;
