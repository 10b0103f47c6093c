// SPDX-License-Identifier: GPL-2.0-only
/* Links on one HID device. HID-BPF sizes the buffer for input by the reports of the
 * device, which has none for a while when another link makes the kernel probe it.
 */

#include <glob.h>
#include <linux/input.h>
#include <linux/uhid.h>
#include <test_progs.h>
#include "struct_ops_link_helpers.h"
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
	0x95, SHORT_REPORT,	/*   Report Count, see REPORT_COUNT_OFFSET */
	0x81, 0x02,		/*   Input (Data, Variable) */
	0xc0,			/* End Collection */
};

static struct struct_ops_link_hid *skel;
static int uhid = -1;
static char device[32];

/* A map for the device, and its link or -1 */
struct linked_map {
	struct bpf_map *map;
	int link;
};

static struct linked_map fixup, fixup_second, event, event_second;

static bool find_device(void)
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
	       ASSERT_TRUE(wait_until(find_device()), "find_device");
}

/* Sends an input report, which the kernel handles at once, and drops its events */
static void send_input(int size)
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

/* The argument of the call: link_create, bpf_link_detach, or close */
static int call_fd(const struct linked_map *m, int (*call)(int fd))
{
	return call == link_create ? bpf_map__fd(m->map) : m->link;
}

static void call_done(struct linked_map *m, int (*call)(int fd), int ret)
{
	ASSERT_GE(ret, 0, "call");
	if (call == bpf_link_detach)
		close(m->link);
	m->link = call == link_create ? ret : -1;
}

static void make_call(struct linked_map *m, int (*call)(int fd))
{
	call_done(m, call, call(call_fd(m, call)));
}

/* Creates or closes the link so that the call can be made next */
static void prepare_call(struct linked_map *m, int (*next)(int fd))
{
	if (next == link_create && m->link >= 0)
		make_call(m, close);
	else if (next != link_create && m->link < 0)
		make_call(m, link_create);
}

/* Checks that each linked program sees all reports, complete */
static bool check_input(void)
{
	int before = skel->bss->events, before_second = skel->bss->events_second, i;
	bool ok;

	for (i = 0; i < REPORTS; i++)
		send_input(fixup.link < 0 ? SHORT_REPORT : LONG_REPORT);

	ok = ASSERT_EQ(skel->bss->events - before, event.link < 0 ? 0 : REPORTS, "events");
	ok &= ASSERT_EQ(skel->bss->events_second - before_second,
			event_second.link < 0 ? 0 : REPORTS, "events_second");
	return ok;
}

static void test_lifecycle(void)
{
	check_link_without_update(fixup.map, -EOPNOTSUPP);
	check_link_without_update(event.map, -EOPNOTSUPP);
}

/* A create that fails leaves nothing behind in the table: the next one succeeds */
static void test_create_again(void)
{
	make_call(&fixup, link_create);
	ASSERT_EQ(link_create(bpf_map__fd(fixup_second.map)), -EINVAL, "second_fixup");
	make_call(&fixup, close);
	make_call(&fixup_second, link_create);
}

static int (*event_call)(int fd);

static void make_event_call(void)
{
	make_call(&event, event_call);
}

/* Makes the second call while the first has the device probed, without reports */
static bool check_calls(int (*fixup_call)(int fd), int (*next)(int fd), bool blocks)
{
	struct pause pause = pause_of(skel);
	int ret;

	prepare_call(&fixup, fixup_call);
	prepare_call(&event, next);
	event_call = next;
	ret = work_during_call(&pause, fixup_call, call_fd(&fixup, fixup_call),
			       make_event_call, blocks);
	call_done(&fixup, fixup_call, ret);
	return check_input();
}

/* Creating and detaching links exclude each other */
static void test_exclusion(void)
{
	struct bpf_link *probe = bpf_program__attach(skel->progs.pause_in_probe);

	if (ASSERT_OK_PTR(probe, "attach") &&
	    check_calls(link_create, link_create, true) &&
	    check_calls(link_create, bpf_link_detach, true) &&
	    check_calls(bpf_link_detach, link_create, true))
		check_calls(bpf_link_detach, bpf_link_detach, true);
	bpf_link__destroy(probe);
}

/* Closing a link takes no lock of the links: HID-BPF itself excludes the create */
static void test_close(void)
{
	struct bpf_link *probe = bpf_program__attach(skel->progs.pause_in_probe);

	if (ASSERT_OK_PTR(probe, "attach"))
		check_calls(close, link_create, true);
	bpf_link__destroy(probe);
}

/* Closing a link does not wait while another is created; make_longer() can sleep */
static void test_close_meanwhile(void)
{
	check_calls(link_create, close, false);
}

/* The device has no driver, and so no reports, when the link is created */
static void test_unbound(void)
{
	if (!ASSERT_OK(write_sysctl(DRIVER "unbind", device), "unbind"))
		return;
	make_call(&event, link_create);
	if (ASSERT_OK(write_sysctl(DRIVER "bind", device), "bind"))
		check_input();
}

/* One of two threads that make a call at the same time */
struct racer {
	struct linked_map *map;
	int (*call)(int fd);
	int delay_us;
	int ret;
};

static void *race(void *arg)
{
	struct racer *racer = arg;

	usleep(racer->delay_us);
	racer->ret = racer->call(call_fd(racer->map, racer->call));
	return NULL;
}

/* Both threads at the same time, while there is input */
static bool race_round(struct racer *racers)
{
	pthread_t threads[2];
	int i, n;

	for (n = 0; n < 2; n++) {
		prepare_call(racers[n].map, racers[n].call);
		if (!ASSERT_OK(pthread_create(&threads[n], NULL, race, &racers[n]), "thread"))
			break;
	}
	for (i = 0; i < REPORTS; i++, usleep(DELAY_US / 2))
		send_input(SHORT_REPORT);
	for (i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		call_done(racers[i].map, racers[i].call, racers[i].ret);
	}
	return check_input() && n == 2;
}

/* All combinations of calls and delays, with a third link and without */
static void test_race(void)
{
	int i;

	for (i = 0; i < DELAYS * 16; i++) {
		int (*remove)(int fd) = i & 8 ? close : bpf_link_detach;
		struct racer racers[] = {
			{ &fixup, i & 1 ? link_create : remove },
			{ &event, i & 2 ? link_create : remove, i / 16 * DELAY_US },
		};

		prepare_call(&event_second, i & 4 ? close : link_create);
		if (!race_round(racers)) {
			printf("round %d\n", i);
			break;
		}
	}
}

static void destroy(void *obj)
{
	struct_ops_link_hid__destroy(obj);
}

static bool setup(void)
{
	int id;

	if (!device_create())
		return false;
	skel = struct_ops_link_hid__open();
	if (!ASSERT_OK_PTR(skel, "open"))
		return false;

	fixup = (struct linked_map) { skel->maps.fixup, -1 };
	fixup_second = (struct linked_map) { skel->maps.fixup_second, -1 };
	event = (struct linked_map) { skel->maps.event, -1 };
	event_second = (struct linked_map) { skel->maps.event_second, -1 };
	id = strtol(device + strlen(DEVICE), NULL, 16);
	skel->struct_ops.fixup->hid_id = id;
	skel->struct_ops.fixup_second->hid_id = id;
	skel->struct_ops.event->hid_id = id;
	skel->struct_ops.event_second->hid_id = id;
	if (!ASSERT_OK(struct_ops_link_hid__load(skel), "load"))
		return false;

	skel->bss->resume = 1;
	/* fixup comes first: it waits for the first probe of the device */
	return map_make_ready(fixup.map) && map_make_ready(fixup_second.map) &&
	       map_make_ready(event.map) && map_make_ready(event_second.map);
}

static void teardown(void)
{
	if (skel) {
		prepare_call(&fixup, link_create);
		prepare_call(&fixup_second, link_create);
		prepare_call(&event, link_create);
		prepare_call(&event_second, link_create);
		destroy_check_freed(skel->obj, destroy, skel, -1);
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
	{ "lifecycle", test_lifecycle },
	{ "create_again", test_create_again },
	{ "exclusion", test_exclusion },
	{ "close", test_close },
	{ "close_meanwhile", test_close_meanwhile },
	{ "unbound", test_unbound },
	{ "race", test_race },
};

void serial_test_struct_ops_link_hid(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(tests); i++) {
		if (!test__start_subtest(tests[i].name))
			continue;
		if (setup())
			tests[i].run();
		teardown();
	}
}
