// SPDX-License-Identifier: GPL-2.0-only
/* A name that is as long as the kernel takes. */
#include "table.h"

SEC(".struct_ops.link")
struct tcp_congestion_ops long_name = TABLE("ccswap_test_of_");
