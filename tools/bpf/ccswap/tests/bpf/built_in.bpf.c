// SPDX-License-Identifier: GPL-2.0-only
/* A table under a name that the kernel has itself. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops built_in = TABLE("vegas");
