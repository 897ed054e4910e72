// SPDX-License-Identifier: GPL-2.0

//! The test suites, and which of their tests are wanted.

pub mod bochs;
pub mod churn;
pub mod clients;
pub mod compat;
pub mod compile_fail;
pub mod igt;
pub mod kunit;
mod rustc;
mod snippets;
pub mod static_checks;
pub mod stress;
pub mod teardown;
pub mod unit;

use crate::{
    boot::{Driver, Foreign},
    context::Lab,
    guest::Programs,
    kernel::{self, Built, Flavour},
    machine::needs::{self, Need},
    prepare::{self, Prepared},
    report::Case,
};
use anyhow::{Result, bail};
use std::{
    cell::{OnceCell, RefCell},
    collections::HashMap,
    path::PathBuf,
};

/// A suite: its name, what it is, and how to run it.
pub struct Suite {
    /// Its name, as in filters.
    pub name: &'static str,
    /// What it does, in a few words.
    pub about: &'static str,
    /// How long it takes on two cores if everything is built, in seconds.
    pub seconds: u64,
    /// Whether it is run only if it is named.
    pub on_demand: bool,
    /// Runs it.
    pub run: fn(&Context<'_>) -> Result<Vec<Case>>,
}

/// All suites, in the order they run: what is quick to fail comes first.
pub const SUITES: [Suite; 11] = [
    Suite {
        name: unit::NAME,
        about: "unit tests of the tools",
        seconds: 90,
        on_demand: false,
        run: unit::run,
    },
    Suite {
        name: static_checks::NAME,
        about: "rustfmt, checkpatch, clippy on x86_64 and arm64, rustdoc, MAINTAINERS",
        seconds: 240,
        on_demand: false,
        run: static_checks::run,
    },
    Suite {
        name: compile_fail::NAME,
        about: "programs that must not compile",
        seconds: 60,
        on_demand: false,
        run: compile_fail::run,
    },
    Suite {
        name: compat::NAME,
        about: "stock drivers against our library",
        seconds: 10,
        on_demand: false,
        run: compat::run,
    },
    Suite {
        name: kunit::NAME,
        about: "KUnit suites and examples of the documentation, on the debug kernel",
        seconds: 90,
        on_demand: false,
        run: kunit::run,
    },
    Suite {
        name: clients::NAME,
        about: "Weston, the X server, drm_info and modetest on the driver",
        seconds: 120,
        on_demand: false,
        run: clients::run,
    },
    Suite {
        name: bochs::NAME,
        about: "the sample for QEMU's display, its screen seen from outside",
        seconds: 30,
        on_demand: false,
        run: bochs::run,
    },
    Suite {
        name: teardown::NAME,
        about: "unloading the driver with work in flight",
        seconds: 120,
        on_demand: false,
        run: teardown::run,
    },
    Suite {
        name: igt::NAME,
        about: "IGT GPU Tools on the driver",
        seconds: 420,
        on_demand: false,
        run: igt::run,
    },
    Suite {
        name: churn::NAME,
        about: "devices that come and go while clients hold on to them",
        seconds: 90,
        on_demand: false,
        run: churn::run,
    },
    Suite {
        name: stress::NAME,
        about: "IGT programs and the churn of devices in parallel, for --minutes",
        seconds: 3600,
        on_demand: true,
        run: stress::run,
    },
];

/// Name of the comparison with another driver, which `--peer` asks for.
pub const PEER: &str = "peer";

/// What the suites work with.
pub struct Context<'a> {
    /// Checkout, cache, user.
    pub lab: &'a Lab,
    /// The driver under test.
    pub driver: Driver,
    /// The driver to compare with.
    pub peer: Option<Driver>,
    /// Do without the kernel's checks.
    pub no_debug: bool,
    /// How the IGT tests are run.
    pub igt: igt::Options,
    /// How the suite `stress` is run.
    pub stress: stress::Options,
    /// Which tests are wanted.
    pub filters: Filters,
    /// Where results and logs go.
    pub output: PathBuf,
    /// A kernel from elsewhere.
    pub foreign: Foreign,
    prepared: OnceCell<Prepared>,
    built: RefCell<HashMap<Flavour, Built>>,
    programs: OnceCell<Programs>,
}

impl Suite {
    /// Tells whether `filters` want any of it.
    pub fn wanted(&self, filters: &Filters) -> bool {
        if self.on_demand {
            filters.name_suite(self.name)
        } else {
            filters.wants_suite(self.name)
        }
    }
}

impl<'a> Context<'a> {
    /// What the suites work with.
    pub fn new(lab: &'a Lab, driver: Driver, filters: Filters, output: PathBuf) -> Self {
        Self {
            lab,
            driver,
            peer: None,
            no_debug: false,
            igt: igt::Options::default(),
            stress: stress::Options::default(),
            filters,
            output,
            foreign: Foreign::default(),
            prepared: OnceCell::new(),
            built: RefCell::new(HashMap::new()),
            programs: OnceCell::new(),
        }
    }

    /// Returns the kernel `flavour`, built once.
    ///
    /// # Errors
    ///
    /// Fails if the build does.
    pub fn built(&self, flavour: Flavour) -> Result<Built> {
        if let Some(built) = self.built.borrow().get(&flavour) {
            return Ok(built.clone());
        }
        let built = match self.foreign.built(self.lab, flavour)? {
            Some(built) => built,
            None => kernel::ensure_prepared(self.lab, flavour, self.prepared()?)?,
        };
        self.built.borrow_mut().insert(flavour, built.clone());
        Ok(built)
    }

    /// Returns the kernel of the cheapest machine that has what is needed.
    ///
    /// # Errors
    ///
    /// Fails if there is none, or the build does.
    pub fn built_for(&self, needs: &[Need]) -> Result<Built> {
        self.built(needs::cheapest(needs)?)
    }

    /// Returns root, source and workspace, prepared once.
    ///
    /// # Errors
    ///
    /// Fails if the preparation does.
    pub fn prepared(&self) -> Result<&Prepared> {
        if let Some(prepared) = self.prepared.get() {
            return Ok(prepared);
        }
        let prepared = prepare::ensure(self.lab, prepare::Options::default())?;
        Ok(self.prepared.get_or_init(|| prepared))
    }

    /// Returns the Debian root.
    ///
    /// # Errors
    ///
    /// Fails if the preparation does.
    pub fn root(&self) -> Result<PathBuf> {
        match &self.foreign.foreign_root {
            Some(root) => Ok(root.canonicalize()?),
            None => Ok(self.prepared()?.root.fs.clone()),
        }
    }

    /// Returns the programs that run in guests, built once.
    ///
    /// # Errors
    ///
    /// Fails if the build does.
    pub fn programs(&self) -> Result<Programs> {
        if let Some(programs) = self.programs.get() {
            return Ok(programs.clone());
        }
        let programs = Programs::ensure(self.lab, &self.root()?)?;
        Ok(self.programs.get_or_init(|| programs).clone())
    }

    /// The kernel that drivers are tested on.
    pub fn test_kernel(&self) -> Flavour {
        if self.no_debug {
            Flavour::Uml
        } else {
            Flavour::UmlDebug
        }
    }
}

/// Which tests are wanted: all, or those that a filter names.
#[derive(Clone, Debug, Default)]
pub struct Filters {
    list: Vec<Filter>,
}

/// `SUITE`, or `SUITE/PART-OF-A-NAME`.
#[derive(Clone, Debug)]
struct Filter {
    suite: String,
    part: Option<String>,
}

impl Filters {
    /// Reads the words of the command line.
    ///
    /// # Errors
    ///
    /// Fails if one does not begin with the name of a suite.
    pub fn parse(words: &[String]) -> Result<Self> {
        let mut list = Vec::new();
        for word in words {
            let (suite, part) = match word.split_once('/') {
                Some((suite, part)) => (suite, Some(part.to_owned())),
                None => (word.as_str(), None),
            };
            if !SUITES.iter().any(|known| known.name == suite) {
                let names: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
                bail!(
                    "there is no suite \"{suite}\"; there are {}",
                    names.join(", ")
                );
            }
            list.push(Filter {
                suite: suite.into(),
                part: part.filter(|part| !part.is_empty()),
            });
        }
        Ok(Self { list })
    }

    fn part(&self, suite: &str, wants: impl Fn(&str) -> bool) -> bool {
        self.list
            .iter()
            .filter(|filter| filter.suite == suite)
            .filter_map(|filter| filter.part.as_deref())
            .any(wants)
    }

    fn any(&self, suite: &str, wants: impl Fn(&str) -> bool) -> bool {
        self.list.is_empty()
            || self
                .list
                .iter()
                .filter(|filter| filter.suite == suite)
                .any(|filter| filter.part.as_deref().is_none_or(&wants))
    }

    /// Tells whether any test of `suite` is wanted.
    pub fn wants_suite(&self, suite: &str) -> bool {
        self.any(suite, |_| true)
    }

    /// Tells whether a filter names `suite`, or tests of it.
    pub fn name_suite(&self, suite: &str) -> bool {
        self.list.iter().any(|filter| filter.suite == suite)
    }

    /// Tells whether every test of `suite` is wanted.
    pub fn want_all_of(&self, suite: &str) -> bool {
        self.any(suite, |_| false)
    }

    /// Tells whether test `name` of `suite` is wanted.
    pub fn wants(&self, suite: &str, name: &str) -> bool {
        self.any(suite, |part| name.contains(part))
    }

    /// Tells whether a test of `suite` whose name begins with `program`, or is
    /// that and `@` and something, may be wanted.
    pub fn may_want(&self, suite: &str, program: &str) -> bool {
        self.any(suite, |part| may_be_in(part, program))
    }

    /// Tells whether a filter names test `name` of `suite`, as opposed to the
    /// whole suite.
    pub fn names(&self, suite: &str, name: &str) -> bool {
        self.part(suite, |part| name.contains(part))
    }

    /// Tells of `program` what [`Self::may_want`] does, of filters that name
    /// tests.
    pub fn may_name(&self, suite: &str, program: &str) -> bool {
        self.part(suite, |part| may_be_in(part, program))
    }
}

/// Tells whether `part` may be a part of the name of a test of `program`.
fn may_be_in(part: &str, program: &str) -> bool {
    let named = part.split_once('@').map(|(named, _)| named);
    named.is_none_or(|named| program.ends_with(named))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filters(words: &[&str]) -> Filters {
        let words: Vec<_> = words.iter().map(|&word| word.to_owned()).collect();
        Filters::parse(&words).expect("filters")
    }

    #[test]
    fn no_filter_wants_everything() {
        let all = filters(&[]);
        assert!(all.wants_suite("igt") && all.want_all_of("igt"));
        assert!(all.wants("igt", "kms_flip@x") && all.may_want("igt", "kms_flip"));
    }

    #[test]
    fn a_suite_is_wanted_whole_or_in_part() {
        let some = filters(&["kunit", "igt/kms_flip@basic"]);
        assert!(some.want_all_of("kunit") && !some.want_all_of("igt"));
        assert!(some.wants_suite("igt") && !some.wants_suite("static"));
        assert!(some.wants("igt", "kms_flip@basic-plain-flip"));
        assert!(!some.wants("igt", "kms_atomic@basic"));
        assert!(some.may_want("igt", "kms_flip") && !some.may_want("igt", "kms_atomic"));
        assert!(!some.may_want("static", "x"));
        assert!(filters(&["igt/basic"]).may_want("igt", "kms_atomic"));
    }

    #[test]
    fn a_test_is_named_by_a_part_of_its_name_only() {
        let some = filters(&["kunit", "igt/kms_flip@basic"]);
        assert!(some.names("igt", "kms_flip@basic-plain-flip"));
        assert!(some.may_name("igt", "kms_flip") && !some.may_name("igt", "kms_atomic"));
        assert!(!some.names("kunit", "x") && !some.may_name("kunit", "x"));
        assert!(!filters(&[]).names("igt", "kms_flip@basic-plain-flip"));
        assert!(some.name_suite("kunit") && some.name_suite("igt"));
        assert!(!some.name_suite("stress") && !filters(&[]).name_suite("igt"));
    }

    #[test]
    fn an_unknown_suite_is_refused() {
        assert!(Filters::parse(&["igt".into(), "itg".into()]).is_err());
    }
}
