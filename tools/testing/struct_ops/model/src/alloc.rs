// SPDX-License-Identifier: GPL-2.0-only

//! The kernel's allocator.

use crate::error::Result;
use core::marker::PhantomData;

/// Flags of an allocation.
pub mod flags {
    /// A flag.
    pub struct Flags;
    /// The allocation may sleep.
    pub const GFP_KERNEL: Flags = Flags;
}

/// A type that can be all zeroes, with memory of its own.
pub trait Zeroed {
    /// The value.
    fn zeroed() -> Self;
}

/// An initializer that writes zeroes.
pub struct InitZeroed<T>(PhantomData<T>);

/// Makes an initializer that writes zeroes.
pub fn init_zeroed<T>() -> InitZeroed<T> {
    InitZeroed(PhantomData)
}

/// A value in memory of its own.
pub struct KBox<T>(Box<T>);

impl<T> KBox<T> {
    /// Gives up the ownership; the memory is not given back in this run of the model.
    pub fn leak<'a>(this: Self) -> &'a mut T {
        Box::leak(this.0)
    }
}

/// What can be allocated and initialized in one step.
pub trait InPlaceInit<T>: Sized {
    /// Allocates and initializes.
    fn init(init: InitZeroed<T>, flags: flags::Flags) -> Result<Self>;
}

impl<T: Zeroed> InPlaceInit<T> for KBox<T> {
    fn init(_: InitZeroed<T>, _: flags::Flags) -> Result<Self> {
        Ok(Self(Box::new(T::zeroed())))
    }
}
