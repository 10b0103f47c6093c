// SPDX-License-Identifier: GPL-2.0-only
/* Links on one HID device. HID-BPF sizes the buffer for its input by its reports,
 * which are gone for a while when another link has the device probed again.
 */

#include <glob.h>
#include <linux/input.h>
#include <linux/uhid.h>
#include <test_progs.h>
#include "struct_ops_link.h"
#include "struct_ops_link_hid.skel.h"
#include "../progs/struct_ops_link_hid.h"

#define DEVICES		"/sys/bus/hid/devices/"
#define DRIVER		"/sys/bus/hid/drivers/hid-generic/"
#define DEVICE		"0006:F1F1:0001."
#define REPORTS		3
#define DELAYS		4
#define DELAY_US	3000

static const __u8 descriptor[] = {
	0x06, 0x00, 0xff,	/* Usage Page (Vendor Defined) */
	0x09, 0x01,		/* Usage (1) */
	0xa1, 0x01,		/* Collection (Application) */
	0x09, 0x02,		/*   Usage (2) */
	0x26, 0xff, 0x00,	/*   Logical Maximum (255) */
	0x75, 0x08,		/*   Report Size (8) */
	0x95, SHORT_REPORT,	/*   Report Count, see REPORT_COUNT_AT */
	0x81, 0x02,		/*   Input (Data, Variable) */
	0xc0,			/* End Collection */
};

static struct struct_ops_link_hid *skel;
static int uhid = -1;
static char device[32];

/* A map for the device, and its link */
struct slot {
	struct bpf_map *map;
	int link;
};

static struct slot fixup, event, event_too;

static bool device_find(void)
{
	glob_t found;
	bool ok;

	ok = !glob(DEVICES DEVICE "*", 0, NULL, &found);
	if (ok)
		snprintf(device, sizeof(device), "%s", found.gl_pathv[0] + strlen(DEVICES));
	globfree(&found);
	return ok;
}

static bool device_create(void)
{
	struct uhid_event ev = {
		.type = UHID_CREATE2,
		.u.create2 = {
			.name = "struct_ops_link",
			.rd_size = sizeof(descriptor),
			.bus = BUS_VIRTUAL,
			.vendor = 0xf1f1,
			.product = 1,
		},
	};

	memcpy(ev.u.create2.rd_data, descriptor, sizeof(descriptor));
	uhid = open("/dev/uhid", O_RDWR | O_NONBLOCK);
	return ASSERT_OK_FD(uhid, "uhid") &&
	       ASSERT_EQ(write(uhid, &ev, sizeof(ev)), sizeof(ev), "create_device") &&
	       ASSERT_TRUE(wait_until(device_find()), "find_device");
}

/* Sends an input report, which the kernel takes at once, and forgets what it says */
static void device_input(int size)
{
	struct uhid_event ev = {
		.type = UHID_INPUT2,
		.u.input2.size = size,
	};

	memset(ev.u.input2.data, REPORT_BYTE, size);
	ASSERT_EQ(write(uhid, &ev, sizeof(ev)), sizeof(ev), "input");
	while (read(uhid, &ev, sizeof(ev)) > 0)
		;
}

/* What is done with a link is a call: link_create, bpf_link_detach, or close */
static int slot_fd(const struct slot *slot, int (*call)(int fd))
{
	return call == link_create ? bpf_map__fd(slot->map) : slot->link;
}

static void slot_called(struct slot *slot, int (*call)(int fd), int ret)
{
	ASSERT_GE(ret, 0, "call");
	if (call == bpf_link_detach)
		close(slot->link);
	slot->link = call == link_create ? ret : -1;
}

static void slot_call(struct slot *slot, int (*call)(int fd))
{
	slot_called(slot, call, call(slot_fd(slot, call)));
}

/* Links it, or not, so that the call can be made next */
static void slot_prepare(struct slot *slot, int (*next)(int fd))
{
	if (next == link_create && slot->link >= 0)
		slot_call(slot, close);
	else if (next != link_create && slot->link < 0)
		slot_call(slot, link_create);
}

/* Each program sees what it is linked for, and all of it */
static bool seen(void)
{
	int before = skel->bss->events, before_too = skel->bss->events_too, i;
	bool ok;

	for (i = 0; i < REPORTS; i++)
		device_input(fixup.link < 0 ? SHORT_REPORT : LONG_REPORT);

	ok = ASSERT_EQ(skel->bss->events - before, event.link < 0 ? 0 : REPORTS, "events");
	ok &= ASSERT_EQ(skel->bss->events_too - before_too,
			event_too.link < 0 ? 0 : REPORTS, "events_too");
	return ok;
}

static void test_life(void)
{
	link_life(fixup.map, -EOPNOTSUPP);
	link_life(event.map, -EOPNOTSUPP);
}

static int (*event_call)(int fd);

static void call_event(void)
{
	slot_call(&event, event_call);
}

/* Both at a time: the second while the device has no reports because of the first */
static bool both(int (*fixup_call)(int fd), int (*next)(int fd), bool waits)
{
	struct waiter waiter = {
		.waiting = &skel->bss->waiting,
		.go_on = &skel->bss->go_on,
		.wait_ns = &skel->data->wait_ns,
		.in_vain = &skel->bss->in_vain,
	};
	int ret;

	slot_prepare(&fixup, fixup_call);
	slot_prepare(&event, next);
	event_call = next;
	ret = meanwhile(&waiter, fixup_call, slot_fd(&fixup, fixup_call), call_event, waits);
	slot_called(&fixup, fixup_call, ret);
	return seen();
}

/* Links that are created or detached exclude each other */
static void test_exclusion(void)
{
	struct bpf_link *slow = bpf_program__attach(skel->progs.slow_probe);

	if (ASSERT_OK_PTR(slow, "attach") &&
	    both(link_create, link_create, true) &&
	    both(link_create, bpf_link_detach, true) &&
	    both(bpf_link_detach, link_create, true))
		both(bpf_link_detach, bpf_link_detach, true);
	bpf_link__destroy(slow);
}

/* One that is closed does not exclude others, and HID-BPF has to see to that itself */
static void test_close(void)
{
	struct bpf_link *slow = bpf_program__attach(skel->progs.slow_probe);

	if (ASSERT_OK_PTR(slow, "attach"))
		both(close, link_create, true);
	bpf_link__destroy(slow);
}

/* Nor does it wait for one that is created; make_longer() lets others use its CPU */
static void test_close_meanwhile(void)
{
	both(link_create, close, false);
}

/* No reports to go by: the device has no driver when the link is created */
static void test_unbound(void)
{
	if (!ASSERT_OK(write_sysctl(DRIVER "unbind", device), "unbind"))
		return;
	slot_call(&event, link_create);
	if (ASSERT_OK(write_sysctl(DRIVER "bind", device), "bind"))
		seen();
}

/* One of two threads */
struct racer {
	struct slot *slot;
	int (*call)(int fd);
	int delay_us;
	int ret;
};

static void *race(void *arg)
{
	struct racer *racer = arg;

	usleep(racer->delay_us);
	racer->ret = racer->call(slot_fd(racer->slot, racer->call));
	return NULL;
}

/* Both at the same time, while there is input */
static bool round_of(struct racer *racers)
{
	pthread_t threads[2];
	int i, n;

	for (n = 0; n < 2; n++) {
		slot_prepare(racers[n].slot, racers[n].call);
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, race, &racers[n]), "thread"))
			break;
	}
	for (i = 0; i < REPORTS; i++, usleep(DELAY_US / 2))
		device_input(SHORT_REPORT);
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		slot_called(racers[i].slot, racers[i].call, racers[i].ret);
	}
	return seen() && n == 2;
}

/* Whatever comes between, with a third link or not */
static void test_rounds(void)
{
	int i;

	for (i = 0; i < DELAYS * 16; i++) {
		int (*go)(int fd) = i & 8 ? close : bpf_link_detach;
		struct racer racers[] = {
			{ &fixup, i & 1 ? link_create : go },
			{ &event, i & 2 ? link_create : go, i / 16 * DELAY_US },
		};

		slot_prepare(&event_too, i & 4 ? close : link_create);
		if (!round_of(racers)) {
			printf("round %d\n", i);
			break;
		}
	}
}

static void destroy(void *obj)
{
	struct_ops_link_hid__destroy(obj);
}

static bool start(void)
{
	int id;

	if (!device_create())
		return false;
	skel = struct_ops_link_hid__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;

	fixup = (struct slot) { skel->maps.fixup, -1 };
	event = (struct slot) { skel->maps.event, -1 };
	event_too = (struct slot) { skel->maps.event_too, -1 };
	id = strtol(device + strlen(DEVICE), NULL, 16);
	skel->struct_ops.fixup->hid_id = id;
	skel->struct_ops.event->hid_id = id;
	skel->struct_ops.event_too->hid_id = id;
	if (!ASSERT_OK(struct_ops_link_hid__load(skel), "load"))
		return false;

	skel->bss->go_on = 1;
	/* This one first: it waits for the device's first probe */
	return map_make_ready(fixup.map) && map_make_ready(event.map) &&
	       map_make_ready(event_too.map);
}

static void end(void)
{
	if (skel) {
		slot_prepare(&fixup, link_create);
		slot_prepare(&event, link_create);
		slot_prepare(&event_too, link_create);
		object_left_nothing(skel->obj, destroy, skel, -1);
		skel = NULL;
	}
	if (uhid >= 0)
		close(uhid);
	uhid = -1;
}

static const struct {
	const char *name;
	void (*run)(void);
} tests[] = {
	{ "life", test_life },
	{ "exclusion", test_exclusion },
	{ "close", test_close },
	{ "close_meanwhile", test_close_meanwhile },
	{ "unbound", test_unbound },
	{ "rounds", test_rounds },
};

void serial_test_struct_ops_link_hid(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(tests[i].name))
			continue;
		if (start())
			tests[i].run();
		end();
	}
}
