// SPDX-License-Identifier: GPL-2.0-only
/* What one HID device can have at a time: a program that changes its report
 * descriptor, for which it is probed again, and several that see its input
 */

#include <vmlinux.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include "struct_ops_link_hid.h"
#include "struct_ops_link_wait.h"

char _license[] SEC("license") = "GPL";

extern __u8 *hid_bpf_get_data(struct hid_bpf_ctx *hid, __u32 offset, const size_t __sz) __ksym;

/* Reports that came as they were sent, to the last byte */
int events;
int events_too;

static bool is_whole(struct hid_bpf_ctx *hid)
{
	__u8 *last = hid_bpf_get_data(hid, hid->size - 1, 1);

	return last && *last == REPORT_BYTE;
}

SEC("struct_ops")
int BPF_PROG(see_event, struct hid_bpf_ctx *hid)
{
	events += is_whole(hid);
	return 0;
}

SEC("struct_ops")
int BPF_PROG(see_event_too, struct hid_bpf_ctx *hid)
{
	events_too += is_whole(hid);
	return 0;
}

/* The device is being probed again: the old reports are gone, the new ones are to come */
SEC("fentry/call_hid_bpf_rdesc_fixup")
int BPF_PROG(slow_probe)
{
	wait_alone();
	return 0;
}

SEC("struct_ops.s")
int BPF_PROG(make_longer, struct hid_bpf_ctx *hid)
{
	__u8 *count = hid_bpf_get_data(hid, REPORT_COUNT_AT, 1);

	if (count)
		*count = LONG_REPORT;
	wait_alone();
	return 0;
}

SEC(".struct_ops.link")
struct hid_bpf_ops fixup = {
	.hid_rdesc_fixup = (void *)make_longer,
};

SEC(".struct_ops.link")
struct hid_bpf_ops event = {
	.hid_device_event = (void *)see_event,
};

SEC(".struct_ops.link")
struct hid_bpf_ops event_too = {
	.hid_device_event = (void *)see_event_too,
};
