// SPDX-License-Identifier: GPL-2.0-only

#include <net/tcp_cong_list.h>

__rust_helper u32 rust_helper_tcp_ca_hash_name(const struct tcp_congestion_ops *ca)
{
	return tcp_ca_hash_name(ca);
}
