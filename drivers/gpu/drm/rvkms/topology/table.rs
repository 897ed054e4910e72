// SPDX-License-Identifier: GPL-2.0

//! Entries under numbers that are never used twice.

use core::marker::PhantomData;
use kernel::prelude::*;

/// The number of an entry of a [`Table<T>`].
///
/// It means something only together with the table that gave it out, and with the copies of that
/// table.
pub(crate) struct Id<T>(u64, PhantomData<fn() -> T>);

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

/// Entries in the order in which they were added.
pub(crate) struct Table<T> {
    entries: KVec<(Id<T>, T)>,
    next: u64,
}

impl<T> Table<T> {
    /// Makes a table without entries.
    pub(crate) const fn new() -> Self {
        Self {
            entries: KVec::new(),
            next: 0,
        }
    }

    /// Adds an entry.
    ///
    /// # Errors
    ///
    /// `ENOMEM`.
    pub(crate) fn add(&mut self, entry: T) -> Result<Id<T>> {
        let id = Id(self.next, PhantomData);

        self.entries.push((id, entry), GFP_KERNEL)?;
        // 64 bits do not overflow by counting.
        self.next += 1;
        Ok(id)
    }

    /// Removes an entry, if it is there.
    pub(crate) fn remove(&mut self, id: Id<T>) {
        if let Some(i) = self.entries.iter().position(|(i, _)| *i == id) {
            // The position is that of an entry, so that this succeeds.
            let _ = self.entries.remove(i);
        }
    }

    /// Returns how many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Returns an entry.
    pub(crate) fn get(&self, id: Id<T>) -> Option<&T> {
        self.iter().find(|(i, _)| *i == id).map(|(_, entry)| entry)
    }

    /// Returns an entry for changing it.
    pub(crate) fn get_mut(&mut self, id: Id<T>) -> Option<&mut T> {
        self.entries
            .iter_mut()
            .find(|(i, _)| *i == id)
            .map(|(_, entry)| entry)
    }

    /// Goes through the entries in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (Id<T>, &T)> + Clone {
        self.entries.iter().map(|(id, entry)| (*id, entry))
    }

    /// Goes through the entries without their numbers.
    pub(crate) fn values(&self) -> impl Iterator<Item = &T> + Clone {
        self.entries.iter().map(|(_, entry)| entry)
    }

    /// Goes through the entries for changing them.
    pub(crate) fn values_mut(&mut self) -> impl Iterator<Item = &mut T> {
        self.entries.iter_mut().map(|(_, entry)| entry)
    }

    /// Makes a copy with the same numbers, whose entries are made by `copy`.
    ///
    /// # Errors
    ///
    /// `ENOMEM`, or the error of `copy`.
    pub(crate) fn try_map<F>(&self, copy: F) -> Result<Self>
    where
        F: Fn(&T) -> Result<T>,
    {
        let mut entries = KVec::with_capacity(self.entries.len(), GFP_KERNEL)?;

        for (id, entry) in self.iter() {
            entries.push((id, copy(entry)?), GFP_KERNEL)?;
        }
        Ok(Self {
            entries,
            next: self.next,
        })
    }
}

/// What an object can be connected to.
pub(crate) struct Links<T>(KVec<Id<T>>);

impl<T> Links<T> {
    /// Makes a list without links.
    pub(crate) const fn new() -> Self {
        Self(KVec::new())
    }

    /// Adds a link.
    ///
    /// # Errors
    ///
    /// `EEXIST` if there is one already, or `ENOMEM`.
    pub(super) fn add(&mut self, target: Id<T>) -> Result {
        if self.contains(target) {
            return Err(EEXIST);
        }
        Ok(self.0.push(target, GFP_KERNEL)?)
    }

    /// Removes a link, if it is there.
    pub(super) fn remove(&mut self, target: Id<T>) {
        self.0.retain(|t| *t != target);
    }

    /// Returns whether there is a link to `target`.
    pub(crate) fn contains(&self, target: Id<T>) -> bool {
        self.0.contains(&target)
    }

    /// Returns whether there are no links.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Goes through the links in the order in which they were added.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Id<T>> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn try_clone(&self) -> Result<Self> {
        let mut links = KVec::with_capacity(self.0.len(), GFP_KERNEL)?;

        for target in self.iter() {
            links.push(target, GFP_KERNEL)?;
        }
        Ok(Self(links))
    }
}
