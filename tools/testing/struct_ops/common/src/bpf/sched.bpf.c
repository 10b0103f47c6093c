// SPDX-License-Identifier: GPL-2.0-only
/* A scheduler that leaves everything to sched_ext's defaults. */
#include "congestion.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct sched_ext_ops {
	char name[128];
};

#pragma clang attribute pop

SEC(".struct_ops.link")
struct sched_ext_ops table = {
	.name = "unnamed",
};
