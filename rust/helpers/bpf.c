// SPDX-License-Identifier: GPL-2.0-only

#include "../../kernel/bpf/bpf_struct_ops.h"

__rust_helper bool
rust_helper_bpf_struct_ops_valid_to_reg(struct bpf_map *map)
{
	return bpf_struct_ops_valid_to_reg(map);
}
