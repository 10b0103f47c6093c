// SPDX-License-Identifier: GPL-2.0-only

//! TCP.

pub mod cong;
