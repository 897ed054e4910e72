// SPDX-License-Identifier: GPL-2.0

//! `lab test`.

use crate::{
    boot::{Driver, Foreign},
    context::Lab,
    error::{self, Interrupted},
    proc,
    report::{Case, Results},
    suites::{Context, Filters, SUITES, igt, stress},
};
use anyhow::{Context as _, Result};
use clap::Args;
use comfy_table::{Table, presets};
use std::{fs, path::PathBuf, process::ExitCode, time::Instant};

/// Arguments of `lab test`.
#[derive(Debug, Args)]
pub struct TestArgs {
    /// Suites to run, or parts of them: `kunit`, `igt/kms_flip`. All but
    /// `stress` if none is named. Of `igt` alone, the everyday selection is run; a part that is
    /// named is run whole, whether it is in that selection or not.
    #[arg(value_name = "FILTER")]
    pub filters: Vec<String>,
    /// The driver under test.
    #[arg(long, value_enum, default_value = "rvkms")]
    pub driver: Driver,
    /// Run the IGT tests on this driver as well: what it passes, the driver
    /// under test has to pass.
    #[arg(long, value_enum, value_name = "DRIVER")]
    pub peer: Option<Driver>,
    /// Run the IGT tests on the fast kernel, without its checks.
    #[arg(long)]
    pub no_debug: bool,
    /// How the IGT tests are run.
    #[command(flatten)]
    pub igt: igt::Options,
    /// How the suite `stress` is run.
    #[command(flatten)]
    pub stress: stress::Options,
    /// Only say which suites there are and how long they take.
    #[arg(long)]
    pub list: bool,
    /// Where results and logs go.
    #[arg(long, value_name = "DIR")]
    pub output: Option<PathBuf>,
    /// A kernel from elsewhere.
    #[command(flatten)]
    pub foreign: Foreign,
}

/// Runs the subcommand.
pub fn main(lab: &Lab, args: &TestArgs) -> Result<ExitCode> {
    let filters = Filters::parse(&args.filters)?;
    if args.list {
        println!("{}", list(&filters));
        return Ok(ExitCode::SUCCESS);
    }
    let output = match &args.output {
        Some(dir) => dir.clone(),
        None => lab.checkout.path("out/test"),
    };
    fs::create_dir_all(&output).with_context(|| format!("{}", output.display()))?;
    let mut context = Context::new(lab, args.driver, filters, output.canonicalize()?);
    context.peer = args.peer;
    context.no_debug = args.no_debug;
    context.igt = args.igt.clone();
    context.stress = args.stress.clone();
    context.foreign = args.foreign.clone();

    let results = run(&context)?;
    results.print();
    for path in results.write(&context.output)? {
        lab.ui.say(format!("report: {}", path.display()));
    }
    // Last on standard output, whatever else was said.
    println!("{}", results.closing_line());
    Ok(if results.counts().failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn run(context: &Context<'_>) -> Result<Results> {
    let mut results = Results::default();
    for suite in SUITES.iter() {
        if !suite.wanted(&context.filters) {
            continue;
        }
        context
            .lab
            .ui
            .say(format!("{}: {}", suite.name, suite.about));
        let began = Instant::now();
        match (suite.run)(context) {
            Ok(cases) => results.cases.extend(cases),
            Err(error) if error.is::<Interrupted>() || proc::interrupted() => return Err(error),
            // The other suites may still tell something.
            Err(error) => {
                let complaint = vec![error::describe(&error)];
                results
                    .cases
                    .push(Case::judge(suite.name, "suite", complaint));
            }
        }
        results.times.push((suite.name.into(), began.elapsed()));
    }
    Ok(results)
}

fn list(filters: &Filters) -> Table {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(["suite", "what it does", "expected time"]);
    let mut total = 0;
    for suite in &SUITES {
        let time = format!("{} s", suite.seconds);
        if suite.wanted(filters) {
            total += suite.seconds;
            table.add_row([suite.name, suite.about, &time]);
        } else if suite.on_demand && filters.wants_suite(suite.name) {
            table.add_row([suite.name, suite.about, "only if named"]);
        }
    }
    table.add_row(["all", "", &format!("{total} s")]);
    table
}
