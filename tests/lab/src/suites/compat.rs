// SPDX-License-Identifier: GPL-2.0

//! `compat`: unmodified stock drivers compile against our library.
//!
//! The sources are those of the stock tree itself, not of the tree with the
//! overlay; only the crates they are compiled against are ours.

use super::{
    Context,
    rustc::{self, Flags},
};
use crate::{
    kernel::Flavour,
    report::{Case, Outcome},
};
use anyhow::Result;
use std::path::PathBuf;

/// Name of the suite.
pub const NAME: &str = "compat";

/// A stock driver.
struct Stock {
    name: &'static str,
    /// Its root module in the kernel tree.
    source: &'static str,
    /// The object whose flags it is compiled with.
    like: &'static str,
}

const DRIVERS: [Stock; 1] = [Stock {
    name: "nova-drm",
    source: "drivers/gpu/drm/nova/nova.rs",
    like: "drivers/gpu/drm/rvkms/rvkms_main.o",
}];

/// Runs the suite.
pub fn run(context: &Context<'_>) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for driver in &DRIVERS {
        if context.filters.wants(NAME, driver.name) {
            cases.push(compile(context, driver)?);
        }
    }
    Ok(cases)
}

fn compile(context: &Context<'_>, driver: &Stock) -> Result<Case> {
    // UML has no auxiliary bus, which Nova is on.
    let built = context.built(Flavour::X86_64)?;
    let Some(stock) = stock_tree(context)? else {
        let reason = "a kernel from elsewhere, without its stock source".to_owned();
        return Ok(Case::new(NAME, driver.name, Outcome::Skip(reason)));
    };
    let flags = match Flags::of(&built, driver.like) {
        Ok(flags) => flags,
        Err(error) => {
            let complaint = vec![format!("{error:#}")];
            return Ok(Case::judge(NAME, driver.name, complaint));
        }
    };
    let sandbox = built.sandbox().ro_bind(&stock, "/mnt");
    let source = format!("/mnt/{}", driver.source);
    let compiled = rustc::run_all(vec![flags.command(&sandbox, &source, &[])])?;
    let complaints = compiled
        .into_iter()
        .filter(|compiled| !compiled.ok)
        .flat_map(|compiled| {
            [
                format!("the stock {} does not compile", driver.name),
                compiled.text,
            ]
        })
        .collect();
    Ok(Case::judge(NAME, driver.name, complaints))
}

fn stock_tree(context: &Context<'_>) -> Result<Option<PathBuf>> {
    if context.foreign.foreign_out.is_some() {
        return Ok(None);
    }
    Ok(Some(context.prepared()?.base.tree.clone()))
}
