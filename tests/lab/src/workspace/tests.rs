// SPDX-License-Identifier: GPL-2.0

//! Tests of making workspaces.

use super::*;
use crate::{base::Origin, cache::Cache, checkout::Checkout, ui::Ui};
use std::os::unix::fs::MetadataExt;

/// A cache with a source in it, and checkouts.
struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let bench = Self {
            dir: tempfile::tempdir().expect("a folder"),
        };
        fs::create_dir_all(bench.base().tree.join("rust")).expect("a folder");
        fs::write(bench.base().tree.join("rust/lib.rs"), "stock").expect("a file");
        bench
    }

    fn base(&self) -> Base {
        Base {
            key: "base".into(),
            tree: self.dir.path().join("base"),
            origin: Origin {
                package: "p".into(),
                version: "v".into(),
                sha256: "s".into(),
            },
        }
    }

    fn root(key: &str) -> Root {
        Root {
            key: key.into(),
            fs: "/".into(),
        }
    }

    fn lab(&self, checkout: &str) -> Lab {
        let dir = self.dir.path().join(checkout);
        for name in ["configs", "patches/7.3"] {
            fs::create_dir_all(dir.join(name)).expect("a folder");
        }
        Lab {
            checkout: Checkout::find(Some(&dir)).expect("a checkout"),
            cache: Cache::at(&self.dir.path().join("cache")).expect("a cache"),
            ui: Ui::new(),
        }
    }

    /// Makes the workspace of `checkout`, with a build in it.
    fn built(&self, checkout: &str, root: &str) -> Workspace {
        let work = ensure(&self.lab(checkout), &self.base(), &Self::root(root)).expect("success");
        fs::write(
            work.index(),
            r#"{"base":"base","glue":"","compared":"","entries":{}}"#,
        )
        .expect("a file");
        fs::create_dir_all(work.out().join("uml")).expect("a folder");
        fs::write(work.out().join("uml/linux"), checkout).expect("a file");
        fs::write(work.out().join("uml.json"), "{}").expect("a file");
        work
    }
}

#[test]
fn the_tree_is_made_of_links() {
    let bench = Bench::new();
    let work = bench.built("one", "r.1");
    let [there, here] = [bench.base().tree, work.linux()].map(|tree| {
        fs::metadata(tree.join("rust/lib.rs"))
            .expect("a file")
            .ino()
    });
    assert_eq!(there, here);
    assert_eq!(work.record().expect("a record").base, "base");
}

#[test]
fn a_second_checkout_starts_from_the_first() {
    let bench = Bench::new();
    bench.built("one", "r.1");
    let work = ensure(&bench.lab("two"), &bench.base(), &Bench::root("r.1")).expect("success");
    let linux = work.out().join("uml/linux");
    assert_eq!(fs::read_to_string(&linux).expect("text"), "one");
    // The copy is one's own.
    fs::write(&linux, "two").expect("a file");
    let one = bench.lab("one");
    let first = one.cache.work(&one.checkout).out().join("uml/linux");
    assert_eq!(fs::read_to_string(first).expect("text"), "one");
}

#[test]
fn the_workspace_of_a_checkout_that_is_gone_is_taken_over() {
    let bench = Bench::new();
    let gone = bench.built("one", "r.1");
    fs::remove_dir_all(bench.dir.path().join("one")).expect("removal");
    let work = ensure(&bench.lab("two"), &bench.base(), &Bench::root("r.1")).expect("success");
    assert!(work.out().join("uml/linux").is_file());
    assert!(!gone.dir().exists());
}

#[test]
fn a_workspace_in_use_is_not_copied() {
    let bench = Bench::new();
    let one = bench.built("one", "r.1");
    let _lock = one.lock(&bench.lab("one")).expect("the lock");
    let work = ensure(&bench.lab("two"), &bench.base(), &Bench::root("r.1")).expect("success");
    assert!(work.linux().is_dir() && !work.out().exists());
}

#[test]
fn another_root_takes_the_outputs_away() {
    let bench = Bench::new();
    let work = bench.built("one", "r.1");
    let same = ensure(&bench.lab("one"), &bench.base(), &Bench::root("r.1")).expect("success");
    assert!(same.out().join("uml/linux").is_file());
    ensure(&bench.lab("one"), &bench.base(), &Bench::root("r.2")).expect("success");
    assert!(!work.out().exists() && work.linux().is_dir());
}

#[test]
fn a_tree_without_an_index_is_made_anew() {
    let bench = Bench::new();
    let work = bench.built("one", "r.1");
    fs::write(work.linux().join("stray"), "").expect("a file");
    fs::remove_file(work.index()).expect("removal");
    ensure(&bench.lab("one"), &bench.base(), &Bench::root("r.1")).expect("success");
    assert!(!work.linux().join("stray").exists());
}
