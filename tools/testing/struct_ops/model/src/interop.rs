// SPDX-License-Identifier: GPL-2.0-only

//! Lists of C, and flags.

/// Lists.
pub mod list {
    use crate::bindings::list_head;
    use core::marker::PhantomData;

    /// A list of objects that hold their node at an offset.
    pub struct List<T> {
        /// The head.
        head: *mut list_head,
        /// Where an object holds its node.
        offset: usize,
        /// What the objects are.
        kind: PhantomData<*const T>,
    }

    impl<T> List<T> {
        /// Borrows a list.
        ///
        /// # Safety
        ///
        /// The list must be as described, and not change while it is walked.
        pub unsafe fn new(head: *mut list_head, offset: usize) -> Self {
            Self { head, offset, kind: PhantomData }
        }

        /// Returns the objects in their order.
        pub fn iter<'a>(&self) -> impl Iterator<Item = &'a T> + use<'a, T>
        where
            T: 'a,
        {
            let (head, offset) = (self.head, self.offset);
            // SAFETY: The head is valid.
            let mut node = unsafe { (*head).next };

            core::iter::from_fn(move || {
                if node == head {
                    return None;
                }
                // SAFETY: The node is that of an object, and valid.
                unsafe {
                    let object = node.byte_sub(offset).cast::<T>();

                    node = (*node).next;
                    Some(&*object)
                }
            })
        }
    }

    /// Makes a list of a head, the type of the objects, their C type and the field.
    macro_rules! clist_create {
        ($head:expr, $rust:ty, $c:ty, $field:ident) => {
            $crate::interop::list::List::<$rust>::new($head, core::mem::offset_of!($c, $field))
        };
    }
    pub(crate) use clist_create;
}

/// Makes a type of flags and one of sets of them, as the kernel's macro does.
macro_rules! impl_flags {
    (
        $(#[$outer:meta])* pub struct $flags:ident($word:ty);
        $(#[$inner:meta])* pub enum $flag:ident {
            $($(#[$meta:meta])* $variant:ident = $value:expr),+ $(,)?
        }
    ) => {
        $(#[$outer])*
        pub struct $flags($word);

        $(#[$inner])*
        #[repr(u32)]
        pub enum $flag { $($(#[$meta])* $variant = $value),+ }

        #[allow(missing_docs, dead_code)]
        impl $flags {
            pub const fn empty() -> Self {
                Self(0)
            }

            pub const fn all_bits() -> $word {
                0 $(| $value)+
            }

            pub fn contains(self, flag: $flag) -> bool {
                self.0 & flag as $word != 0
            }
        }

        impl From<$flags> for $word {
            fn from(flags: $flags) -> Self {
                flags.0
            }
        }

        impl From<$flag> for $flags {
            fn from(flag: $flag) -> Self {
                Self(flag as $word)
            }
        }

        impl<F: Into<$flags>> core::ops::BitOr<F> for $flags {
            type Output = Self;

            fn bitor(self, other: F) -> Self {
                Self(self.0 | other.into().0)
            }
        }

        impl core::ops::BitOrAssign for $flags {
            fn bitor_assign(&mut self, other: Self) {
                self.0 |= other.0;
            }
        }

        impl core::ops::BitOr for $flag {
            type Output = $flags;

            fn bitor(self, other: Self) -> $flags {
                $flags(self as $word | other as $word)
            }
        }

        impl core::ops::BitAnd<$flag> for $flags {
            type Output = Self;

            fn bitand(self, flag: $flag) -> Self {
                Self(self.0 & flag as $word)
            }
        }

        impl core::ops::BitAnd for $flags {
            type Output = Self;

            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }

        impl core::ops::Not for $flag {
            type Output = $flags;

            fn not(self) -> $flags {
                $flags($flags::all_bits() & !(self as $word))
            }
        }
    };
}
pub(crate) use impl_flags;
