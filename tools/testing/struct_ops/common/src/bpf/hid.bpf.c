// SPDX-License-Identifier: GPL-2.0-only
/* A table that counts the input reports of one HID device. */
#include "congestion.h"

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct hid_bpf_ctx {
	__u32 size;
};

struct hid_bpf_ops {
	int hid_id;
	int (*hid_device_event)(struct hid_bpf_ctx *ctx, int report_type, __u64 source);
};

#pragma clang attribute pop

/* How many reports there were. A section becomes a map of its own. */
__u64 reports SEC(".bss.reports");

SEC("struct_ops")
int BPF_PROG(hid_hid_device_event, struct hid_bpf_ctx *device)
{
	__sync_fetch_and_add(&reports, 1);
	return 0;
}

SEC(".struct_ops.link")
struct hid_bpf_ops table = {
	.hid_device_event = (void *)hid_hid_device_event,
};
