// SPDX-License-Identifier: GPL-2.0-only

#include <linux/bpf.h>
#include <net/tcp_cong_registry.h>

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

__rust_helper u32 rust_helper_tcp_ca_hash(const char *name)
{
	return tcp_ca_hash(name);
}

__rust_helper struct net *rust_helper_sock_net(const struct sock *sk)
{
	return sock_net(sk);
}

__rust_helper void
rust_helper_tcp_cong_default_free(struct tcp_cong_default *dflt)
{
	kfree_rcu(dflt, rcu);
}

/* BPF_MODULE_OWNER is a cast, which bindgen does not evaluate */
__rust_helper struct module *rust_helper_bpf_module_owner(void)
{
	return BPF_MODULE_OWNER;
}
