// SPDX-License-Identifier: GPL-2.0

//! KUnit tests of groups, default groups and links.
//!
//! Making directories and links needs a process with a mounted configfs, so the tests play the part
//! of configfs: they call the C operations, and count references, as it does.

use super::{
    AttributeOperations,
    Group,
    GroupData,
    GroupOperations,
    LinkOperations,
    Subsystem, //
};
use crate::{
    bindings,
    configfs_attrs,
    configfs_group,
    container_of,
    page::PAGE_SIZE,
    prelude::*,
    str::CStrExt as _,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    }, //
};

/// Too long for the buffer in `struct config_item`.
const LONG_NAME: &CStr = c"a name that has to be allocated on its own";

/// What happened to the groups of a test.
struct Log {
    /// How many there are.
    live: Atomic<i32>,
    /// How many links.
    links: Atomic<i32>,
}

impl Log {
    fn new() -> Result<Arc<Self>> {
        Ok(Arc::new(
            Self {
                live: Atomic::new(0),
                links: Atomic::new(0),
            },
            GFP_KERNEL,
        )?)
    }

    fn live(&self) -> i32 {
        self.live.load(Relaxed)
    }

    fn links(&self) -> i32 {
        self.links.load(Relaxed)
    }
}

/// Counts a group for as long as it is there.
struct Live(Arc<Log>);

impl Live {
    fn new(log: &Arc<Log>) -> Self {
        log.live.fetch_add(1, Relaxed);
        Self(log.clone())
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.live.fetch_sub(1, Relaxed);
    }
}

struct Parent(Live);

configfs_group! {
    data: Parent,
    attributes: [],
    operations: [mkdir],
}

#[vtable]
impl GroupOperations for Parent {
    type Child = Target;

    fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Target>, Error>> {
        if name.to_bytes().is_empty() {
            return Err(ENAMETOOLONG);
        }
        Ok(Group::with_data(name, Ok(Target(Live::new(&self.0 .0)))))
    }
}

struct Target(#[expect(dead_code)] Live);

configfs_group! {
    data: Target,
    attributes: [ro: 0, rw: 1],
    operations: [],
}

#[vtable]
impl AttributeOperations<0> for Target {
    type Data = Self;

    fn show(_: &Self, _: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        Ok(0)
    }
}

#[vtable]
impl AttributeOperations<1> for Target {
    type Data = Self;

    fn show(_: &Self, _: &mut [u8; PAGE_SIZE]) -> Result<usize> {
        Ok(0)
    }

    fn store(_: &Self, _: &[u8]) -> Result {
        Ok(())
    }
}

/// As [`Target`], but for the type.
struct Lookalike(#[expect(dead_code)] Live);

configfs_group! {
    data: Lookalike,
    attributes: [],
    operations: [],
}

/// Takes one link.
struct Source(Live);

configfs_group! {
    data: Source,
    attributes: [],
    operations: [links],
}

impl LinkOperations for Source {
    type Target = Target;

    fn allow_link(&self, _: &Target) -> Result {
        if self.0 .0.links() > 0 {
            return Err(EEXIST);
        }
        self.0 .0.links.fetch_add(1, Relaxed);
        Ok(())
    }

    fn drop_link(&self, _: &Target) {
        self.0 .0.links.fetch_sub(1, Relaxed);
    }
}

/// A group that has been handed to configfs.
struct Item(*mut bindings::config_item);

impl Item {
    fn new<Data: GroupData>(group: impl PinInit<Group<Data>, Error>) -> Result<Self> {
        let group = Arc::pin_init(group, GFP_KERNEL)?.into_raw();

        // SAFETY: The group is valid.
        Ok(Self(unsafe { &raw mut (*(*group).group.get()).cg_item }))
    }

    fn group(&self) -> *mut bindings::config_group {
        // SAFETY: All items of these tests are in groups.
        unsafe { container_of!(self.0, bindings::config_group, cg_item) }
    }

    fn type_(&self) -> &bindings::config_item_type {
        // SAFETY: The item is valid, and has a type.
        unsafe { &*(*self.0).ci_type }
    }

    fn allow_link(&self, target: &Self) -> c_int {
        // SAFETY: Both items are valid, and the operations are those of the source.
        unsafe {
            match (*self.type_().ct_item_ops).allow_link {
                Some(allow_link) => allow_link(self.0, target.0),
                None => EPERM.to_errno(),
            }
        }
    }

    fn drop_link(&self, target: &Self) {
        // SAFETY: As above; the tests call it for links that were allowed.
        unsafe {
            if let Some(drop_link) = (*self.type_().ct_item_ops).drop_link {
                drop_link(self.0, target.0);
            }
        }
    }

    /// Makes a directory below this one, and returns its item or an error.
    fn mkdir(&self, name: &CStr) -> Result<Self> {
        // SAFETY: The item is valid, and the operations are its own.
        let child = unsafe {
            match (*self.type_().ct_group_ops).make_group {
                Some(make_group) => make_group(self.group(), name.as_char_ptr()),
                None => return Err(EPERM),
            }
        };
        let child = crate::error::from_err_ptr(child)?;

        // SAFETY: `make_group` returns a valid group or an error.
        Ok(Self(unsafe { &raw mut (*child).cg_item }))
    }
}

impl Drop for Item {
    fn drop(&mut self) {
        // SAFETY: The reference is that of a new group.
        unsafe { bindings::config_item_put(self.0) };
    }
}

#[kunit_tests(rust_configfs)]
mod tests {
    use super::*;

    #[test]
    fn default_groups_go_with_their_parent() -> Result {
        let log = Log::new()?;
        let (a, b, c, d) = (
            Parent(Live::new(&log)),
            Source(Live::new(&log)),
            Parent(Live::new(&log)),
            Target(Live::new(&log)),
        );
        let item = Item::new(Group::with_default_groups(LONG_NAME, Ok(a), |groups| {
            groups.add(Group::with_data(LONG_NAME, Ok(b)))?;
            groups.add(Group::with_default_groups(c"c", Ok(c), |groups| {
                groups.add(Group::with_data(c"d", Ok(d)))
            }))
        }))?;

        assert_eq!(log.live(), 4);
        drop(item);
        assert_eq!(log.live(), 0);
        Ok(())
    }

    #[test]
    fn a_parent_that_fails_takes_its_groups_along() -> Result {
        let log = Log::new()?;
        let (a, b) = (Parent(Live::new(&log)), Source(Live::new(&log)));
        let item = Item::new(Group::with_default_groups(LONG_NAME, Ok(a), |groups| {
            groups.add(Group::with_data(LONG_NAME, Ok(b)))?;
            groups.add(Group::<Parent>::with_data(LONG_NAME, Err(ENXIO)))
        }));

        assert_eq!(item.err(), Some(ENXIO));
        assert_eq!(log.live(), 0);
        Ok(())
    }

    #[test]
    fn directories_are_made_and_released() -> Result {
        let log = Log::new()?;
        let parent = Item::new(Group::with_data(c"parent", Ok(Parent(Live::new(&log)))))?;

        assert_eq!(parent.mkdir(c"").err(), Some(ENAMETOOLONG));

        let child = parent.mkdir(LONG_NAME)?;

        assert_eq!(log.live(), 2);
        // SAFETY: The item is valid, and has a name.
        let name = unsafe { CStr::from_char_ptr((*child.0).ci_name) };

        assert_eq!(name, LONG_NAME);
        drop(child);
        assert_eq!(log.live(), 1);
        drop(parent);
        assert_eq!(log.live(), 0);
        Ok(())
    }

    #[test]
    fn links_to_the_right_type() -> Result {
        let log = Log::new()?;
        let source = Item::new(Group::with_data(c"source", Ok(Source(Live::new(&log)))))?;
        let target = Item::new(Group::with_data(c"target", Ok(Target(Live::new(&log)))))?;

        assert_eq!(source.allow_link(&target), 0);
        assert_eq!(log.links(), 1);
        assert_eq!(source.allow_link(&target), EEXIST.to_errno());
        assert_eq!(log.links(), 1);
        source.drop_link(&target);
        assert_eq!(log.links(), 0);
        Ok(())
    }

    #[test]
    fn no_links_to_another_type() -> Result {
        let log = Log::new()?;
        let source = Item::new(Group::with_data(c"source", Ok(Source(Live::new(&log)))))?;
        let other = Item::new(Group::with_data(c"x", Ok(Lookalike(Live::new(&log)))))?;

        assert_eq!(source.allow_link(&other), EINVAL.to_errno());
        assert_eq!(source.allow_link(&source), EINVAL.to_errno());
        assert_eq!(other.allow_link(&source), EPERM.to_errno());

        // As that of the root of configfs.
        //
        // SAFETY: The type is zeroed, which is that of an item without one.
        let mut bare: bindings::config_item = unsafe { core::mem::zeroed() };
        let bare = core::mem::ManuallyDrop::new(Item(&mut bare));

        assert_eq!(source.allow_link(&bare), EINVAL.to_errno());
        assert_eq!(log.links(), 0);
        Ok(())
    }

    #[test]
    fn attributes_have_the_usual_modes() -> Result {
        let log = Log::new()?;
        let target = Item::new(Group::with_data(c"target", Ok(Target(Live::new(&log)))))?;
        let attributes = target.type_().ct_attrs;
        let mut i = 0;

        for (name, mode, has_store) in [(c"ro", 0o444, false), (c"rw", 0o644, true)] {
            // SAFETY: The list ends with a null pointer, which was not found yet.
            let attribute = unsafe { (*attributes.add(i)).as_ref() }.ok_or(EINVAL)?;

            // SAFETY: Attributes have a name.
            assert_eq!(unsafe { CStr::from_char_ptr(attribute.ca_name) }, name);
            assert_eq!(attribute.ca_mode, mode);
            assert!(attribute.show.is_some());
            assert_eq!(attribute.store.is_some(), has_store);
            i += 1;
        }
        // SAFETY: As above.
        assert!(unsafe { *attributes.add(i) }.is_null());
        Ok(())
    }

    /// Data that a compiler has no reason to put anywhere but behind the subsystem.
    struct Root {
        numbers: [u64; 4],
        log: Arc<Log>,
    }

    #[vtable]
    impl GroupOperations for Root {
        type Child = Target;

        fn make_group(&self, name: &CStr) -> Result<impl PinInit<Group<Target>, Error>> {
            assert_eq!(self.numbers, [1, 2, 3, 4]);
            Ok(Group::with_data(name, Ok(Target(Live::new(&self.log)))))
        }
    }

    #[test]
    fn a_subsystem_finds_its_data() -> Result {
        let log = Log::new()?;
        let root = Root {
            numbers: [1, 2, 3, 4],
            log: log.clone(),
        };
        let subsystem = KBox::pin_init(
            Subsystem::new(
                c"rust_kunit",
                configfs_attrs! {
                    container: Subsystem<Root>,
                    data: Root,
                    child: Target,
                    attributes: [],
                },
                Ok(root),
            ),
            GFP_KERNEL,
        )?;
        // SAFETY: The subsystem is valid. It keeps the reference to its item.
        let item = core::mem::ManuallyDrop::new(Item(unsafe {
            &raw mut (*subsystem.subsystem.get()).su_group.cg_item
        }));
        let child = item.mkdir(c"child")?;

        assert_eq!(log.live(), 1);
        drop(child);
        assert_eq!(log.live(), 0);
        Ok(())
    }
}
