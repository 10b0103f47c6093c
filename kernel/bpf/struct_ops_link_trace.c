// SPDX-License-Identifier: GPL-2.0-only
/* The tracepoints of struct_ops links, for the code in Rust that calls them */

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include <trace/events/struct_ops_link.h>
