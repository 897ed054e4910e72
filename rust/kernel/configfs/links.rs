// SPDX-License-Identifier: GPL-2.0

//! Symbolic links between groups.

use super::{
    Group,
    GroupData,
    HasGroup,
    ItemOperationsVTable, //
};
use crate::{
    bindings,
    container_of,
    error::from_result,
    prelude::*, //
};
use core::marker::PhantomData;

/// Operations of groups in whose directory user space can create symbolic links to other groups.
///
/// Name it in [`configfs_group!`](crate::configfs_group) as `links`. A link can only lead to a
/// directory of the same configfs; user space that tries it with one of another type than
/// [`Self::Target`] gets `EINVAL`.
///
/// As long as there is a link, neither the directory it is in nor its target can be removed: user
/// space gets `ENOTEMPTY` and `EBUSY`.
pub trait LinkOperations: GroupData {
    /// The data of the groups that can be linked to.
    type Target: GroupData;

    /// Asks whether a link to `target` may be created.
    ///
    /// Whether it is in the same part of the tree, and whether there is such a link already, under
    /// another name, is for this function to check.
    ///
    /// Called with the inode of the directory locked. May sleep.
    ///
    /// # Errors
    ///
    /// User space gets the error.
    fn allow_link(&self, target: &Self::Target) -> Result;

    /// Tells that a link to `target` is removed.
    ///
    /// Called once for each successful [`Self::allow_link`], in the same context, also if the link
    /// then could not be created, and before the target can be removed.
    fn drop_link(&self, target: &Self::Target);
}

/// The C operations of groups with links.
pub(super) struct LinkOperationsVTable<Data>(PhantomData<Data>);

impl<Data: LinkOperations> LinkOperationsVTable<Data> {
    /// # Safety
    ///
    /// `item` must be that of a `Group<T>`, which must be valid for `'a`.
    unsafe fn data<'a, T: GroupData>(item: *mut bindings::config_item) -> &'a T {
        // SAFETY: By the safety requirements of this function, the item is in a `config_group`,
        // which is in a `Group<T>`.
        unsafe {
            let group = container_of!(item, bindings::config_group, cg_item);

            &(*Group::<T>::container_of(group)).data
        }
    }

    /// # Safety
    ///
    /// `source` must be the item of a `Group<Data>`, and `target` any item. Both must be valid for
    /// the call.
    unsafe extern "C" fn allow_link(
        source: *mut bindings::config_item,
        target: *mut bindings::config_item,
    ) -> c_int {
        from_result(|| {
            // Types are told apart by their addresses, which are those of `static`s.
            //
            // SAFETY: The target is valid.
            if unsafe { (*target).ci_type } != Data::Target::item_type().as_ptr() {
                return Err(EINVAL);
            }

            // SAFETY: By the safety requirements of this function. Only a `Group<Data::Target>` can
            // have the type that the target was found to have.
            let (source, target) = unsafe {
                (
                    Self::data::<Data>(source),
                    Self::data::<Data::Target>(target),
                )
            };

            source.allow_link(target).map(|()| 0)
        })
    }

    /// # Safety
    ///
    /// As for [`Self::allow_link`], which must have returned 0 for the same items.
    unsafe extern "C" fn drop_link(
        source: *mut bindings::config_item,
        target: *mut bindings::config_item,
    ) {
        // SAFETY: By the safety requirements of this function; `allow_link` has checked the type.
        let (source, target) = unsafe {
            (
                Self::data::<Data>(source),
                Self::data::<Data::Target>(target),
            )
        };

        source.drop_link(target);
    }

    const VTABLE: bindings::configfs_item_operations = bindings::configfs_item_operations {
        allow_link: Some(Self::allow_link),
        drop_link: Some(Self::drop_link),
        ..ItemOperationsVTable::<Group<Data>, Data>::VTABLE
    };

    pub(super) const fn vtable_ptr() -> *const bindings::configfs_item_operations {
        &Self::VTABLE
    }
}
