/* SPDX-License-Identifier: GPL-2.0-only */
/* The reports of a HID device, shared by the test and its BPF programs */
#ifndef _STRUCT_OPS_LINK_HID_H
#define _STRUCT_OPS_LINK_HID_H

/* Sizes in bytes, without and with the program that changes the descriptor */
#define SHORT_REPORT	64
#define LONG_REPORT	128
/* Offset of the size in the descriptor */
#define REPORT_COUNT_OFFSET	15
/* Every byte of a report */
#define REPORT_BYTE	0x5a

#endif
