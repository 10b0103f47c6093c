// SPDX-License-Identifier: GPL-2.0-only

//! Memory that C and Rust share, and that may be freed too early.

use loom::cell::UnsafeCell;
use std::cell::Cell;

/// Tells whether an object is used while another thread may be setting it up or freeing it.
pub struct Memory {
    /// What loom watches: written when the object is set up and freed, read when it is used.
    content: UnsafeCell<()>,
    /// Whether it was freed.
    freed: Cell<bool>,
}

impl Memory {
    /// The memory of an object that the calling thread sets up.
    pub fn new() -> Self {
        let memory = Self { content: UnsafeCell::new(()), freed: Cell::new(false) };

        memory.content.with_mut(|_| ());
        memory
    }

    /// The object is used.
    fn touch(&self) {
        assert!(!self.freed.get(), "an object was used after it was freed");
        self.content.with(|_| ());
    }

    /// The object is freed.
    pub fn free(&self) {
        assert!(!self.freed.get(), "an object was freed twice");
        self.content.with_mut(|_| ());
        self.freed.set(true);
    }
}

/// A type of C whose memory is watched.
pub trait Object {
    /// The object's memory; `None` for an object that is static.
    fn memory(&self) -> Option<&Memory>;
}

/// The kernel's `Opaque`: each access to the object asks for the pointer here.
#[repr(transparent)]
pub struct Opaque<T>(std::cell::UnsafeCell<T>);

impl<T: Object> Opaque<T> {
    /// Returns a pointer to the object, which is about to be used.
    pub fn get(&self) -> *mut T {
        let object = self.0.get();

        // SAFETY: The memory is never given back in a run of the model, and this field is not
        // written after the object was made.
        if let Some(memory) = unsafe { &*object }.memory() {
            memory.touch();
        }
        object
    }
}
