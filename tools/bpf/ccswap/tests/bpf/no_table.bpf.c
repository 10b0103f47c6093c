// SPDX-License-Identifier: GPL-2.0-only
/* An object without any table. */
#include "congestion.h"

SEC("socket")
int no_table(void *ctx)
{
	return 0;
}
