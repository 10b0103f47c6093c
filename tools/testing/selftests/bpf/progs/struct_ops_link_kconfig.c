// SPDX-License-Identifier: GPL-2.0-only
/* The options of the kernel that tests of struct_ops links look at */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>

char _license[] SEC("license") = "GPL";

extern bool CONFIG_BPF_STRUCT_OPS_LINK_RUST __kconfig __weak;
extern bool CONFIG_TCP_CONG_REGISTRY_RUST __kconfig __weak;

/* Makes the object refer to the options; it is never loaded */
SEC("?syscall")
int options(void *ctx)
{
	return CONFIG_BPF_STRUCT_OPS_LINK_RUST + CONFIG_TCP_CONG_REGISTRY_RUST;
}
