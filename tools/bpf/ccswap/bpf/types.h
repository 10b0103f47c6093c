/* SPDX-License-Identifier: GPL-2.0-only */
/* The integers that the kernel's types and libbpf's headers are made of. */
#ifndef CCSWAP_TYPES_H
#define CCSWAP_TYPES_H

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed int __s32;
typedef signed long long __s64;
/* bpf_helper_defs.h names these. */
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;

#endif
