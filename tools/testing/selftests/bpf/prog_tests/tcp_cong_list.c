// SPDX-License-Identifier: GPL-2.0-only
/* The sysctls that list congestion controls: their order, and more names than they
 * have room for. Those registered first are listed, each once and with its whole
 * name, also while others are registered and unregistered.
 */

#include <test_progs.h>
#include "struct_ops_link_helpers.h"
#include "struct_ops_link_kconfig_helpers.h"
#include "struct_ops_link_cc.skel.h"
#include "tcp_conn_helpers.h"
#include "tcp_cong_many.skel.h"

#define MANY		140	/* more than the sysctls have room for */
#define SOME		100	/* fewer than that */
#define PREFIX		"link_cc_many"
#define ROOM		2048	/* TCP_CA_BUF_MAX */
#define RELINK_NS	2000000000ULL
#define RELINKS_MIN	20	/* a kernel that does not wait does 10000s */

/* A sysctl, and its text before the test */
struct list {
	const char *path;
	char text[2 * ROOM];
};

static struct list available = { "/proc/sys/net/ipv4/tcp_available_congestion_control" };
static struct list allowed = { "/proc/sys/net/ipv4/tcp_allowed_congestion_control" };

/* The object, and its maps in the order in which they were registered */
struct many {
	struct tcp_cong_many *skel;
	int n;
	struct entry {
		char cc[16];
		int map;
		int link;
	} entries[MANY];
};

static bool read_list(const struct list *list, char *text)
{
	return sysctl_read(list->path, text, sizeof(list->text));
}

/* Checks that it lists the names from before, and then those it has room for */
static void check_list(const struct list *before, const struct many *many)
{
	char expected[sizeof(before->text)], text[sizeof(before->text)];
	int i, len;

	len = snprintf(expected, sizeof(expected), "%s", before->text);
	for (i = 0; i < many->n && len + 1 + strlen(many->entries[i].cc) < ROOM; i++)
		len += sprintf(expected + len, " %s", many->entries[i].cc);
	ASSERT_LT(i, many->n, "more_than_fit");
	if (ASSERT_TRUE(read_list(before, text), before->path))
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

/* Links n maps; many_teardown() must be called, even if this failed */
static bool many_setup(struct many *many, int n)
{
	struct bpf_map *map;

	*many = (struct many) {};
	if (!ASSERT_TRUE(read_list(&available, available.text), available.path) ||
	    !ASSERT_TRUE(read_list(&allowed, allowed.text), allowed.path))
		return false;
	many->skel = tcp_cong_many__open_and_load();
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
	tcp_cong_many__destroy(skel);
}

static void many_teardown(struct many *many)
{
	int i;

	for (i = 0; i < many->n; i++)
		if (many->entries[i].link >= 0)
			close(many->entries[i].link);
	if (many->skel)
		destroy_check_freed(many->skel->obj, destroy, many->skel, -1);
}

static void test_overflow(void)
{
	struct entry first;
	struct many many;

	if (!many_setup(&many, MANY))
		goto out;
	check_list(&available, &many);
	check_list(&allowed, &many);

	/* What is registered again is listed last */
	if (!relink(&many.entries[0]))
		goto out;
	first = many.entries[0];
	memmove(many.entries, many.entries + 1, (MANY - 1) * sizeof(first));
	many.entries[MANY - 1] = first;
	check_list(&available, &many);
	check_list(&allowed, &many);
out:
	many_teardown(&many);
}

/* Counts our names and others; returns false if one of ours is listed twice */
static bool count_names(char *text, int *others, int *ours)
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

static void read_in_loop(struct worker *worker, const struct list *list)
{
	char text[sizeof(list->text)];
	int before, others, ours;

	memcpy(text, list->text, sizeof(text));
	count_names(text, &before, &ours);
	for (; !READ_ONCE(workers_stop); worker->done++)
		/* One of ours may be unregistered at the moment */
		worker->failed += !read_list(list, text) || !count_names(text, &others, &ours) ||
				  others != before || ours < SOME - 1;
}

static void *read_available(void *worker)
{
	read_in_loop(worker, &available);
	return NULL;
}

static void *read_allowed(void *worker)
{
	read_in_loop(worker, &allowed);
	return NULL;
}

/* Relinks forwards and backwards, which reverses the order: a reader that is at a
 * relinked entry finds entries behind it which it has listed already.
 */
static int relink_in_loop(struct many *many)
{
	__u64 end = get_time_ns() + RELINK_NS;
	int i, relinks = 0;

	for (i = 0; get_time_ns() < end; i = (i + 1) % (2 * SOME), relinks++)
		if (!relink(&many->entries[i < SOME ? i : 2 * SOME - 1 - i]))
			break;
	printf("%d relinks\n", relinks);
	return relinks;
}

static void test_relink(void)
{
	struct worker workers[] = {
		{ .run = read_available },
		{ .run = read_allowed },
		{ .run = read_available },
		{ .run = read_allowed },
	};
	struct many many;
	int started;

	if (many_setup(&many, SOME)) {
		started = workers_start(workers, ARRAY_SIZE(workers));
		ASSERT_GE(relink_in_loop(&many), RELINKS_MIN, "relinks");
		workers_end(workers, started);
	}
	many_teardown(&many);
}

/* An update does not change the position of the name */
static void test_update_keeps_position(void)
{
	char before[sizeof(available.text)] = {}, after[sizeof(available.text)] = {};
	struct cc_fixture f;
	int other = -1;

	if (!cc_setup_link(&f))
		goto out;
	other = link_create(f.other);
	if (!ASSERT_OK_FD(other, "create_other"))
		goto out;

	ASSERT_TRUE(read_list(&available, before), "read_before");
	ASSERT_OK(link_update(f.link, f.b), "update");
	ASSERT_TRUE(read_list(&available, after), "read_after");
	ASSERT_STREQ(after, before, available.path);
out:
	if (other >= 0)
		close(other);
	cc_teardown(&f);
}

void serial_test_tcp_cong_list(void)
{
	if (test__start_subtest("overflow"))
		test_overflow();
	if (test__start_subtest("relink"))
		test_relink();
	if (test__start_subtest("update_keeps_position") && kernel_has(TCP_RUST))
		test_update_keeps_position();
}
