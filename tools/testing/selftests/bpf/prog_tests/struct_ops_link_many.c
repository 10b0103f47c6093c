// SPDX-License-Identifier: GPL-2.0-only
/* More congestion controls than the sysctls that list them have room for: those
 * that were registered first are listed, each once and by its whole name, whatever
 * comes and goes meanwhile
 */

#include <test_progs.h>
#include "struct_ops_link_guarantee.h"
#include "struct_ops_link_many.skel.h"

#define MANY		140
#define SOME		100	/* that there is room for */
#define PREFIX		"link_cc_many"
#define ROOM		2048	/* TCP_CA_BUF_MAX */
#define RELINK_NS	2000000000ULL
#define RELINKS_MIN	20	/* tens of thousands where none waits */

struct list {
	const char *path;
	char text[2 * ROOM];
};

static struct list available = { "/proc/sys/net/ipv4/tcp_available_congestion_control" };
static struct list allowed = { "/proc/sys/net/ipv4/tcp_allowed_congestion_control" };

/* The object, and its maps in the order in which they were registered */
struct many {
	struct struct_ops_link_many *skel;
	int n;
	struct entry {
		char cc[16];
		int map;
		int link;
	} entries[MANY];
};

static bool list_read(const struct list *list, char *text)
{
	return sysctl_get(list->path, text, sizeof(list->text));
}

/* As it was, and then what there is room for */
static void list_is(const struct list *before, const struct many *many)
{
	char expected[sizeof(before->text)], text[sizeof(before->text)];
	int i, len;

	len = snprintf(expected, sizeof(expected), "%s", before->text);
	for (i = 0; i < many->n && len + 1 + strlen(many->entries[i].cc) < ROOM; i++)
		len += sprintf(expected + len, " %s", many->entries[i].cc);
	ASSERT_LT(i, many->n, "no_room_for_all");
	if (ASSERT_TRUE(list_read(before, text), before->path))
		ASSERT_STREQ(text, expected, before->path);
}

static bool relink(struct entry *entry)
{
	bool ok = ASSERT_OK(bpf_link_detach(entry->link), "detach");

	close(entry->link);
	entry->link = link_create(entry->map);
	return ok && ASSERT_OK_FD(entry->link, "create");
}

static bool many_link(struct many *many, struct bpf_map *map)
{
	struct entry *entry = &many->entries[many->n];
	struct bpf_link *link;

	link = bpf_map__attach_struct_ops(map);
	if (!ASSERT_OK_PTR(link, "attach"))
		return false;
	/* cc_100 has the name link_cc_many100 */
	snprintf(entry->cc, sizeof(entry->cc), PREFIX "%s", bpf_map__name(map) + strlen("cc_"));
	entry->map = bpf_map__fd(map);
	entry->link = dup(bpf_link__fd(link));
	bpf_link__destroy(link);
	many->n++;
	return ASSERT_OK_FD(entry->link, "dup");
}

/* Links so many */
static bool many_start(struct many *many, int n)
{
	struct bpf_map *map;

	*many = (struct many) {};
	if (!ASSERT_TRUE(list_read(&available, available.text), available.path) ||
	    !ASSERT_TRUE(list_read(&allowed, allowed.text), allowed.path))
		return false;
	many->skel = struct_ops_link_many__open_and_load();
	if (!ASSERT_OK_PTR(many->skel, "load"))
		return false;
	bpf_object__for_each_map(map, many->skel->obj)
		if (bpf_map__type(map) == BPF_MAP_TYPE_STRUCT_OPS && many->n < n &&
		    !many_link(many, map))
			return false;
	return ASSERT_EQ(many->n, n, "linked");
}

static void destroy(void *skel)
{
	struct_ops_link_many__destroy(skel);
}

static void many_end(struct many *many)
{
	int i;

	for (i = 0; i < many->n; i++)
		if (many->entries[i].link >= 0)
			close(many->entries[i].link);
	if (many->skel)
		object_left_nothing(many->skel->obj, destroy, many->skel, -1);
}

static void test_order(void)
{
	struct entry first;
	struct many many;

	if (!many_start(&many, MANY))
		goto out;
	list_is(&available, &many);
	list_is(&allowed, &many);

	/* What is registered anew comes last */
	if (!relink(&many.entries[0]))
		goto out;
	first = many.entries[0];
	memmove(many.entries, many.entries + 1, (MANY - 1) * sizeof(first));
	many.entries[MANY - 1] = first;
	list_is(&available, &many);
	list_is(&allowed, &many);
out:
	many_end(&many);
}

/* Counts those that were there before, and ours */
static bool count(char *text, int *others, int *ours)
{
	bool seen[1000] = {};
	char *word;
	int n;

	*others = 0;
	*ours = 0;
	while ((word = strsep(&text, " "))) {
		if (sscanf(word, PREFIX "%3d", &n) != 1) {
			++*others;
			continue;
		}
		if (seen[n])
			return false;
		seen[n] = true;
		++*ours;
	}
	return true;
}

static void read_list(struct worker *worker, const struct list *list)
{
	char text[sizeof(list->text)];
	int before, others, ours;

	memcpy(text, list->text, sizeof(text));
	count(text, &before, &ours);
	for (; !READ_ONCE(workers_stop); worker->done++)
		/* One of ours may not be there at the moment */
		worker->failed += !list_read(list, text) || !count(text, &others, &ours) ||
				  others != before || ours < SOME - 1;
}

static void *read_available(void *worker)
{
	read_list(worker, &available);
	return NULL;
}

static void *read_allowed(void *worker)
{
	read_list(worker, &allowed);
	return NULL;
}

/* There and back, so that the order turns over: who stands on one that is linked
 * again finds others behind it which it has seen
 */
static int relink_all(struct many *many)
{
	__u64 end = get_time_ns() + RELINK_NS;
	int i, relinks = 0;

	for (i = 0; get_time_ns() < end; i = (i + 1) % (2 * SOME), relinks++)
		if (!relink(&many->entries[i < SOME ? i : 2 * SOME - 1 - i]))
			break;
	printf("%d relinks\n", relinks);
	return relinks;
}

static void test_relinked(void)
{
	struct worker workers[] = {
		{ .run = read_available },
		{ .run = read_allowed },
		{ .run = read_available },
		{ .run = read_allowed },
	};
	struct many many;
	int started;

	if (many_start(&many, SOME)) {
		started = workers_start(workers, ARRAY_SIZE(workers));
		ASSERT_GE(relink_all(&many), RELINKS_MIN, "relinks");
		workers_end(workers, started);
	}
	many_end(&many);
}

void serial_test_struct_ops_link_many(void)
{
	if (test__start_subtest("order"))
		test_order();
	if (test__start_subtest("relinked"))
		test_relinked();
}
