// SPDX-License-Identifier: GPL-2.0-only

#include <linux/poison.h>
#include <linux/rculist.h>

__rust_helper void rust_helper_list_del(struct list_head *entry)
{
	list_del(entry);
}

__rust_helper void rust_helper_list_add_tail_rcu(struct list_head *new,
						 struct list_head *head)
{
	list_add_tail_rcu(new, head);
}

__rust_helper struct list_head *rust_helper_list_poison2(void)
{
	return LIST_POISON2;
}
