// SPDX-License-Identifier: GPL-2.0

//! Groups whose type belongs to their data, and groups that come with others.
//!
//! # Examples
//!
//! A shelf has a directory with books, in which user space can create more, and a directory with
//! links to those that are recommended:
//!
//! ```text
//! library/<shelf>/books/<book>/pages
//! library/<shelf>/recommended/<link to a book of the shelf>
//! ```
//!
//! ```
//! # #![allow(dead_code)]
//! use kernel::{
//!     configfs::{
//!         self,
//!         Group, //
//!     },
//!     configfs_attrs,
//!     configfs_group,
//!     new_mutex,
//!     page::PAGE_SIZE,
//!     prelude::*,
//!     sync::{
//!         Arc,
//!         Mutex, //
//!     }, //
//! };
//!
//! /// What all directories of a shelf share.
//! #[pin_data]
//! struct Shelf {
//!     #[pin]
//!     recommended: Mutex<usize>,
//! }
//!
//! /// The root of the subsystem, in which shelves are created.
//! struct Library;
//!
//! #[vtable]
//! impl configfs::GroupOperations for Library {
//!     type Child = ShelfDir;
//!
//!     fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<ShelfDir>, Error>> {
//!         let shelf = Arc::pin_init(
//!             pin_init!(Shelf { recommended <- new_mutex!(0) }),
//!             GFP_KERNEL,
//!         )?;
//!         let books = Books(shelf.clone());
//!         let recommended = Recommended(shelf.clone());
//!
//!         Ok(Group::with_default_groups(name, Ok(ShelfDir(shelf)), |groups| {
//!             groups.add(Group::with_data(c"books", Ok(books)))?;
//!             groups.add(Group::with_data(c"recommended", Ok(recommended)))
//!         }))
//!     }
//! }
//!
//! struct ShelfDir(Arc<Shelf>);
//!
//! configfs_group! {
//!     data: ShelfDir,
//!     attributes: [],
//!     operations: [],
//! }
//!
//! struct Books(Arc<Shelf>);
//!
//! configfs_group! {
//!     data: Books,
//!     attributes: [],
//!     operations: [mkdir],
//! }
//!
//! #[vtable]
//! impl configfs::GroupOperations for Books {
//!     type Child = Book;
//!
//!     fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Book>, Error>> {
//!         Ok(Group::with_data(name, Ok(Book { shelf: self.0.clone(), pages: 100 })))
//!     }
//! }
//!
//! struct Book {
//!     shelf: Arc<Shelf>,
//!     pages: usize,
//! }
//!
//! configfs_group! {
//!     data: Book,
//!     attributes: [pages: 0],
//!     operations: [],
//! }
//!
//! #[vtable]
//! impl configfs::AttributeOperations<0> for Book {
//!     type Data = Self;
//!
//!     fn show(book: &Self, page: &mut [u8; PAGE_SIZE]) -> Result<usize> {
//!         let text = CString::try_from_fmt(fmt!("{}\n", book.pages))?;
//!         let text = text.to_bytes();
//!
//!         page.get_mut(..text.len()).ok_or(EINVAL)?.copy_from_slice(text);
//!         Ok(text.len())
//!     }
//! }
//!
//! struct Recommended(Arc<Shelf>);
//!
//! configfs_group! {
//!     data: Recommended,
//!     attributes: [],
//!     operations: [links],
//! }
//!
//! impl configfs::LinkOperations for Recommended {
//!     type Target = Book;
//!
//!     fn allow_link(&self, book: &Book) -> Result {
//!         if !Arc::ptr_eq(&self.0, &book.shelf) {
//!             return Err(EINVAL);
//!         }
//!         *self.0.recommended.lock() += 1;
//!         Ok(())
//!     }
//!
//!     fn drop_link(&self, _book: &Book) {
//!         *self.0.recommended.lock() -= 1;
//!     }
//! }
//!
//! # use kernel::str::CString;
//! let library = KBox::pin_init(
//!     configfs::Subsystem::new(
//!         c"rust_doctest_library",
//!         configfs_attrs! {
//!             container: configfs::Subsystem<Library>,
//!             data: Library,
//!             child: ShelfDir,
//!             attributes: [],
//!         },
//!         Ok(Library),
//!     ),
//!     GFP_KERNEL,
//! )?;
//! # drop(library);
//! # Ok::<(), Error>(())
//! ```

use super::{
    Attribute,
    AttributeList,
    AttributeOperations,
    Group,
    GroupOperations,
    GroupOperationsVTable,
    ItemOperationsVTable,
    ItemType,
    LinkOperations, //
};
use crate::{
    bindings,
    prelude::*,
    str::CStrExt as _,
    sync::Arc,
    types::Opaque, //
};
use core::marker::PhantomData;

/// Data of a [`Group`] that can only have one type.
///
/// Implemented by [`configfs_group!`](crate::configfs_group). User space can act on a group from
/// several threads at once, and configfs keeps it alive for as long as its directory is there.
pub trait GroupData: Send + Sync + Sized + 'static {
    /// Returns the type of the groups with this data: their attributes, and what user space can do
    /// in their directory.
    fn item_type() -> &'static ItemType<Group<Self>, Self>;
}

/// The C operations of a type of groups. Made by [`configfs_group!`](crate::configfs_group).
///
/// # Invariants
///
/// Both expect a [`Group<Data>`]; `group` may be null.
#[doc(hidden)]
pub struct Operations<Data> {
    group: *const bindings::configfs_group_operations,
    pub(super) item: *const bindings::configfs_item_operations,
    pub(super) _data: PhantomData<Data>,
}

impl<Data: GroupData> Operations<Data> {
    /// The operations of groups in which user space can create nothing.
    pub const NONE: Self = Self {
        group: core::ptr::null(),
        item: ItemOperationsVTable::<Group<Data>, Data>::vtable_ptr(),
        _data: PhantomData,
    };

    /// Lets user space create groups.
    pub const fn mkdir<Child: 'static>(mut self) -> Self
    where
        Data: GroupOperations<Child = Child>,
    {
        self.group = GroupOperationsVTable::<Data, Child>::vtable_ptr();
        self
    }

    /// Lets user space create links.
    pub const fn links(mut self) -> Self
    where
        Data: LinkOperations,
    {
        self.item = super::links::LinkOperationsVTable::<Data>::vtable_ptr();
        self
    }
}

/// An attribute of which only the data that it belongs to is known. Made by
/// [`configfs_group!`](crate::configfs_group).
#[doc(hidden)]
pub struct AnyAttribute<Data>(*const bindings::configfs_attribute, PhantomData<Data>);

impl<const ID: u64, O, Data> Attribute<ID, O, Data>
where
    O: AttributeOperations<ID, Data = Data>,
{
    /// Creates an attribute that all users can read, and its owner write if it can be written.
    #[doc(hidden)]
    pub const fn public(name: &'static CStr) -> Self {
        let attribute = Self::new(name);

        // SAFETY: The attribute is initialised, and nobody else knows it.
        unsafe { (*attribute.attribute.get()).ca_mode = if O::HAS_STORE { 0o644 } else { 0o444 } };
        attribute
    }

    /// Forgets which attribute it is.
    #[doc(hidden)]
    pub const fn any(&'static self) -> AnyAttribute<Data> {
        AnyAttribute(core::ptr::from_ref(self).cast(), PhantomData)
    }
}

impl<const N: usize, Data> AttributeList<N, Data> {
    /// Creates a list of `N - 1` attributes.
    #[doc(hidden)]
    pub const fn from_attributes<const M: usize>(attributes: [AnyAttribute<Data>; M]) -> Self {
        assert!(M + 1 == N, "the list ends with a null pointer");

        let mut list = [core::ptr::null_mut(); N];
        let mut i = 0;

        while i < M {
            list[i] = attributes[i].0.cast_mut().cast();
            i += 1;
        }
        Self(core::cell::UnsafeCell::new(list), PhantomData)
    }
}

impl<Data: GroupData> ItemType<Group<Data>, Data> {
    /// Creates the type of groups with `operations`.
    #[doc(hidden)]
    pub const fn with_operations<const N: usize>(
        owner: &'static ThisModule,
        attributes: &'static AttributeList<N, Data>,
        operations: Operations<Data>,
    ) -> Self {
        Self {
            item_type: Opaque::new(bindings::config_item_type {
                ct_owner: owner.as_ptr(),
                ct_group_ops: operations.group.cast_mut(),
                ct_item_ops: operations.item.cast_mut(),
                ct_attrs: core::ptr::from_ref(attributes).cast_mut().cast(),
                ct_bin_attrs: core::ptr::null_mut(),
            }),
            _p: PhantomData,
        }
    }
}

impl<Data: GroupData> Group<Data> {
    /// Creates an initializer for a group with the name `name`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error of `data`.
    pub fn with_data<'a>(
        name: &'a CStr,
        data: impl PinInit<Data, Error> + 'a,
    ) -> impl PinInit<Self, Error> + 'a {
        try_pin_init!(Self {
            data <- data,
            group <- pin_init::init_zeroed().chain(
                move |group: &mut Opaque<bindings::config_group>| {
                    // SAFETY: The group is zeroed, and the name is copied.
                    unsafe {
                        bindings::config_group_init_type_name(
                            group.get(),
                            name.as_char_ptr(),
                            Data::item_type().as_ptr(),
                        )
                    };
                    Ok(())
                },
            ),
        })
        .pin_chain(|this| {
            // SAFETY: The group is initialised.
            if unsafe { (*this.group.get()).cg_item.ci_name.is_null() } {
                return Err(ENOMEM);
            }
            Ok(())
        })
    }

    /// Creates an initializer for a group that comes with other groups, its default groups.
    ///
    /// `add` adds them. Their directories are created and removed together with that of this group;
    /// user space cannot remove them on their own.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error of `data` or `add`.
    pub fn with_default_groups<'a, F>(
        name: &'a CStr,
        data: impl PinInit<Data, Error> + 'a,
        add: F,
    ) -> impl PinInit<Self, Error> + 'a
    where
        F: FnOnce(&mut DefaultGroups<'_>) -> Result + 'a,
    {
        Self::with_data(name, data).pin_chain(move |group| {
            // INVARIANT: The group is initialised and was not given to configfs yet.
            add(&mut DefaultGroups {
                parent: group.group.get(),
                _parent: PhantomData,
            })
        })
    }
}

/// The default groups of a group that is being created. See [`Group::with_default_groups`].
///
/// # Invariants
///
/// `parent` is the initialised group of a [`Group`] that configfs does not know yet.
pub struct DefaultGroups<'a> {
    parent: *mut bindings::config_group,
    _parent: PhantomData<&'a mut ()>,
}

impl DefaultGroups<'_> {
    /// Adds a group. C: `configfs_add_default_group()`.
    ///
    /// Names must differ from each other and from those of the attributes of the parent.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error of `group`.
    pub fn add<Data: GroupData>(&mut self, group: impl PinInit<Group<Data>, Error>) -> Result {
        let group = Arc::pin_init(group, GFP_KERNEL)?.into_raw();

        // SAFETY: The parent is initialised and nobody else uses it. The child is initialised and
        // on no list; the parent takes over the reference that configfs counts, and with it the
        // `Arc`, which `release` drops.
        unsafe {
            bindings::list_add_tail(
                &raw mut (*(*group).group.get()).group_entry,
                &raw mut (*self.parent).default_groups,
            )
        };
        Ok(())
    }
}

#[pinned_drop]
impl<Data> PinnedDrop for Group<Data> {
    fn drop(self: Pin<&mut Self>) {
        let group = self.group.get();

        // SAFETY: The group is initialised and not in use by configfs any more, or never was. The
        // reference that it has to each of its default groups goes away here.
        unsafe { bindings::configfs_remove_default_groups(group) };

        // SAFETY: The group is initialised.
        let item = unsafe { &mut (*group).cg_item };

        // A group that configfs has released has no name any more; one that it never got may have a
        // long one.
        if item.ci_name != (&raw mut item.ci_namebuf).cast() {
            // SAFETY: A name that is not in the buffer is null or was allocated.
            unsafe { bindings::kfree(item.ci_name.cast()) };
            item.ci_name = core::ptr::null_mut();
        }
    }
}

/// Implements [`GroupData`](crate::configfs::GroupData) for a type.
///
/// - `data`: the type.
/// - `attributes`: names of files, each with the number under which the type implements
///   [`AttributeOperations`](crate::configfs::AttributeOperations) for it. Everybody can read the
///   files, and their owner can write those that have a `store` function, as is usual in configfs.
/// - `operations`: what user space can do in the directory. `mkdir` needs
///   [`GroupOperations`](crate::configfs::GroupOperations), and `links` needs
///   [`LinkOperations`](crate::configfs::LinkOperations).
///
/// See [`Group::with_default_groups`](crate::configfs::Group::with_default_groups) and the example
/// in [`crate::configfs::group`].
#[allow(clippy::crate_in_macro_def)]
#[macro_export]
macro_rules! configfs_group {
    (
        data: $data:ty,
        attributes: [$($name:ident: $id:literal),* $(,)?],
        operations: [$($operation:ident),* $(,)?] $(,)?
    ) => {
        impl $crate::configfs::GroupData for $data {
            fn item_type(
            ) -> &'static $crate::configfs::ItemType<$crate::configfs::Group<Self>, Self> {
                const COUNT: usize = <[&str]>::len(&[$(::core::stringify!($name)),*]);

                static ATTRIBUTES: $crate::configfs::AttributeList<{ COUNT + 1 }, $data> =
                    $crate::configfs::AttributeList::from_attributes([$({
                        static ATTRIBUTE: $crate::configfs::Attribute<$id, $data, $data> =
                            $crate::configfs::Attribute::public(
                                $crate::c_str!(::core::stringify!($name)),
                            );

                        ATTRIBUTE.any()
                    }),*]);

                static TYPE: $crate::configfs::ItemType<$crate::configfs::Group<$data>, $data> =
                    $crate::configfs::ItemType::with_operations(
                        $crate::module::this_module::<crate::LocalModule>(),
                        &ATTRIBUTES,
                        $crate::configfs::Operations::NONE$(.$operation())*,
                    );

                &TYPE
            }
        }
    };
}
