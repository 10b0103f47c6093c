// SPDX-License-Identifier: GPL-2.0-only
/* The programs that one HID device can have at a time: one that changes the report
 * descriptor, which makes the kernel probe the device again, and several that see
 * its input.
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "struct_ops_link_hid.h"
#include "struct_ops_link_pause.h"

char _license[] SEC("license") = "GPL";

extern __u8 *hid_bpf_get_data(struct hid_bpf_ctx *hid, __u32 offset, const size_t __sz) __ksym;

/* Reports that arrived complete */
int events;
int events_second;

static bool is_complete(struct hid_bpf_ctx *hid)
{
	__u8 *last = hid_bpf_get_data(hid, hid->size - 1, 1);

	return last && *last == REPORT_BYTE;
}

SEC("struct_ops")
int BPF_PROG(count_event, struct hid_bpf_ctx *hid)
{
	events += is_complete(hid);
	return 0;
}

SEC("struct_ops")
int BPF_PROG(count_event_second, struct hid_bpf_ctx *hid)
{
	events_second += is_complete(hid);
	return 0;
}

/* Pauses a probe when the device has lost its old reports and has no new ones yet */
SEC("fentry/call_hid_bpf_rdesc_fixup")
int BPF_PROG(pause_in_probe)
{
	pause_first();
	return 0;
}

SEC("struct_ops.s")
int BPF_PROG(make_longer, struct hid_bpf_ctx *hid)
{
	__u8 *count = hid_bpf_get_data(hid, REPORT_COUNT_OFFSET, 1);

	if (count)
		*count = LONG_REPORT;
	pause_first();
	return 0;
}

SEC(".struct_ops.link")
struct hid_bpf_ops fixup = {
	.hid_rdesc_fixup = (void *)make_longer,
};

/* A device has one that changes its report descriptor */
SEC(".struct_ops.link")
struct hid_bpf_ops fixup_second = {
	.hid_rdesc_fixup = (void *)make_longer,
};

SEC(".struct_ops.link")
struct hid_bpf_ops event = {
	.hid_device_event = (void *)count_event,
};

SEC(".struct_ops.link")
struct hid_bpf_ops event_second = {
	.hid_device_event = (void *)count_event_second,
};
