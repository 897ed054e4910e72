// SPDX-License-Identifier: GPL-2.0

//! Tests of laying the overlay.

use super::*;
use crate::base::Origin;
use std::time::{Duration, SystemTime};

/// A checkout, a source, and a tree that starts as a copy of it.
struct Bench {
    dir: tempfile::TempDir,
}

const PATCH: &str = "--- a/rust/helpers/helpers.c\n+++ b/rust/helpers/helpers.c\n@@ -1 +1,2 @@\n #include \"a.c\"\n+#include \"drm_kms.c\"\n";

impl Bench {
    fn new() -> Self {
        let bench = Self {
            dir: tempfile::tempdir().expect("a folder"),
        };
        bench.write("checkout/configs/uml.config", "");
        bench.write("checkout/patches/7.3/0001-x.patch", PATCH);
        bench.write("checkout/rust/kernel/drm/mod.rs", "ours");
        bench.write("checkout/rust/kernel/drm/new.rs", "new");
        for top in ["base", "tree"] {
            for (name, text) in [
                ("rust/kernel/drm/mod.rs", "stock"),
                ("rust/kernel/drm/old.rs", "stock"),
                ("rust/kernel/lib.rs", "stock"),
                ("rust/helpers/helpers.c", "#include \"a.c\"\n"),
            ] {
                bench.write(&format!("{top}/{name}"), text);
            }
        }
        let fates = fates(&bench.checkout(), &bench.path("base")).expect("fates");
        let manifest = Manifest::record(&bench.base(), &fates).expect("a manifest");
        let text = serde_json::to_string(&manifest).expect("text");
        bench.write("checkout/patches/7.3/manifest.json", &text);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Writes a file that is an hour old.
    fn write(&self, name: &str, text: &str) {
        let old = SystemTime::now() - Duration::from_secs(3600);
        atomic::write_with(&self.path(name), text.as_bytes(), 0o644, Some(old)).expect("a file");
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("text")
    }

    fn checkout(&self) -> Checkout {
        Checkout::find(Some(&self.path("checkout"))).expect("a checkout")
    }

    fn base(&self) -> Base {
        Base {
            key: "k".into(),
            tree: self.path("base"),
            origin: Origin {
                package: "p".into(),
                version: "v".into(),
                sha256: "s".into(),
            },
        }
    }

    fn lay(&self, strict: bool) -> Result<Laid> {
        let (tree, index) = (self.path("tree"), self.path("laid.json"));
        lay(
            &self.checkout(),
            &self.base(),
            &tree,
            &index,
            strict,
            &Ui::new(),
        )
    }
}

#[test]
fn the_first_time_lays_all_and_the_second_nothing() {
    let bench = Bench::new();
    let first = bench.lay(true).expect("success");
    assert_eq!(
        first.written,
        [
            "rust/helpers/helpers.c",
            "rust/kernel/drm/mod.rs",
            "rust/kernel/drm/new.rs",
            "rust/kernel/drm/old.rs",
        ]
    );
    assert_eq!(bench.text("tree/rust/kernel/drm/mod.rs"), "ours");
    assert!(!bench.path("tree/rust/kernel/drm/old.rs").exists());
    assert!(
        bench
            .text("tree/rust/helpers/helpers.c")
            .ends_with("drm_kms.c\"\n")
    );
    assert_eq!(bench.text("base/rust/kernel/drm/mod.rs"), "stock");

    let second = bench.lay(true).expect("success");
    assert_eq!(second.written, [""; 0]);
    assert_eq!(second.fingerprint, first.fingerprint);
}

#[test]
fn only_what_changed_is_written() {
    let bench = Bench::new();
    let first = bench.lay(true).expect("success");
    // Another time, same contents.
    fs::write(bench.path("checkout/rust/kernel/drm/mod.rs"), "ours").expect("a file");
    fs::write(bench.path("checkout/rust/kernel/drm/new.rs"), "newer").expect("a file");
    let second = bench.lay(true).expect("success");
    assert_eq!(second.written, ["rust/kernel/drm/new.rs"]);
    assert_ne!(second.fingerprint, first.fingerprint);
    assert_eq!(second.kconfig, first.kconfig);
}

#[test]
fn what_we_no_longer_touch_becomes_stock_with_a_new_time() {
    let bench = Bench::new();
    bench.lay(true).expect("success");
    fs::remove_file(bench.path("checkout/rust/kernel/drm/new.rs")).expect("removal");
    fs::remove_file(bench.path("checkout/patches/7.3/0001-x.patch")).expect("removal");
    bench.lay(false).expect("success");

    assert!(!bench.path("tree/rust/kernel/drm/new.rs").exists());
    let helpers = "tree/rust/helpers/helpers.c";
    assert_eq!(bench.text(helpers), "#include \"a.c\"\n");
    let age = fs::metadata(bench.path(helpers))
        .and_then(|stat| stat.modified())
        .expect("a time")
        .elapsed()
        .expect("an age");
    assert!(age < Duration::from_secs(60));
}

#[test]
fn changed_stock_stops_only_if_strict() {
    let bench = Bench::new();
    bench.write("base/rust/kernel/drm/old.rs", "later stock");
    let err = bench.lay(true).expect_err("stock changed");
    assert!(
        err.to_string()
            .contains("1 stock files are not as recorded")
    );
    bench.lay(false).expect("success");
    assert_eq!(bench.text("tree/rust/kernel/drm/mod.rs"), "ours");
}

#[test]
fn our_maintainers_are_merged() {
    let bench = Bench::new();
    bench.write("base/MAINTAINERS", "Maintainers List\n\nZ\nM:\tz\n");
    bench.write("checkout/MAINTAINERS", "# Ours\n\nRVKMS\nM:\tr\n");
    bench.lay(false).expect("success");
    assert_eq!(
        bench.text("tree/MAINTAINERS"),
        "Maintainers List\n\nRVKMS\nM:\tr\n\nZ\nM:\tz\n"
    );
}

#[test]
fn a_patch_to_a_file_of_ours_is_refused() {
    let bench = Bench::new();
    bench.write("checkout/rust/helpers/helpers.c", "ours");
    let err = bench.lay(false).expect_err("both");
    assert!(err.to_string().contains("which is a file of ours"));
}

#[test]
fn an_interrupted_laying_is_made_good() {
    let bench = Bench::new();
    bench.lay(true).expect("success");
    // A folder in the way of a new file stops the laying half-way.
    bench.write("checkout/rust/kernel/drm/a.rs", "a");
    bench.write("checkout/rust/kernel/drm/z.rs", "z");
    fs::create_dir_all(bench.path("tree/rust/kernel/drm/z.rs/x")).expect("a folder");
    bench.lay(false).expect_err("something is in the way");
    assert_eq!(bench.text("tree/rust/kernel/drm/a.rs"), "a");

    // What was laid by then is not forgotten.
    fs::remove_file(bench.path("checkout/rust/kernel/drm/a.rs")).expect("removal");
    fs::remove_dir_all(bench.path("tree/rust/kernel/drm/z.rs")).expect("removal");
    bench.lay(false).expect("success");
    assert!(!bench.path("tree/rust/kernel/drm/a.rs").exists());
    assert_eq!(bench.text("tree/rust/kernel/drm/z.rs"), "z");
}
