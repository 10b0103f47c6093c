/* SPDX-License-Identifier: GPL-2.0-only */
/* The reports of a HID device, for its user-space side and for the programs */
#ifndef _STRUCT_OPS_LINK_HID_H
#define _STRUCT_OPS_LINK_HID_H

/* In bytes, without and with the program that changes the descriptor */
#define SHORT_REPORT	64
#define LONG_REPORT	128
/* Where the descriptor says how many */
#define REPORT_COUNT_AT	15
/* What they are filled with */
#define REPORT_BYTE	0x5a

#endif
