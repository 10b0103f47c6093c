// SPDX-License-Identifier: GPL-2.0-only

//! What libbpf has to say, held back until it is known to matter.

use std::mem;
use std::sync::{Mutex, PoisonError};

use libbpf_rs::{PrintLevel, set_print};

/// The warnings since they were last taken.
static LOG: Mutex<String> = Mutex::new(String::new());

/// Has libbpf's warnings collected instead of printed. The verifier's log of a
/// program that does not load is among them.
pub fn capture() {
    set_print(Some((PrintLevel::Warn, |_, text| {
        let line = text.strip_prefix("libbpf: ").unwrap_or(&text);
        LOG.lock().unwrap_or_else(PoisonError::into_inner).push_str(line);
    })));
}

/// Takes what was collected.
pub fn take() -> String {
    mem::take(&mut LOG.lock().unwrap_or_else(PoisonError::into_inner))
}
