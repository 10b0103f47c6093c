// SPDX-License-Identifier: GPL-2.0-only

#include <linux/bpf.h>
#include <net/tcp_cong_list.h>

__rust_helper bool rust_helper_bpf_try_module_get(const void *data,
						  struct module *owner)
{
	return bpf_try_module_get(data, owner);
}

__rust_helper void rust_helper_bpf_module_put(const void *data,
					      struct module *owner)
{
	bpf_module_put(data, owner);
}

__rust_helper struct tcp_cong_net *
rust_helper_tcp_cong_net(const struct net *net)
{
	return tcp_cong_net(net);
}

__rust_helper u32
rust_helper_tcp_ca_hash_name(const struct tcp_congestion_ops *ca)
{
	return tcp_ca_hash_name(ca);
}
