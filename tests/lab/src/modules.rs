// SPDX-License-Identifier: GPL-2.0

//! Kernel modules of a build, and the order to load them in.

use anyhow::{Context, Result, anyhow, bail};
use object::{Object, ObjectSection};
use std::{
    collections::HashMap,
    fs,
    path::{Path, PathBuf},
};

/// The modules of a build.
#[derive(Debug)]
pub struct Modules {
    out: PathBuf,
    /// Path below the build output, by module name.
    paths: HashMap<String, PathBuf>,
}

/// A module name: dashes and underscores are the same to the kernel.
fn canonical(name: &str) -> String {
    name.replace('-', "_")
}

impl Modules {
    /// Reads the list of modules of the build output `out`.
    ///
    /// # Errors
    ///
    /// Fails if there is none.
    pub fn of(out: &Path) -> Result<Self> {
        let list = out.join("modules.order");
        let text = fs::read_to_string(&list).with_context(|| format!("{}", list.display()))?;
        let mut paths = HashMap::new();
        for line in text.lines() {
            let path = Path::new(line).with_extension("ko");
            if let Some(name) = path.file_stem().and_then(|stem| stem.to_str()) {
                paths.insert(canonical(name), path);
            }
        }
        Ok(Self {
            out: out.into(),
            paths,
        })
    }

    /// Tells whether the build has module `name`.
    pub fn has(&self, name: &str) -> bool {
        self.paths.contains_key(&canonical(name))
    }

    /// Returns module `name` and all that it needs as paths below the build
    /// output, each after those that it depends on.
    ///
    /// # Errors
    ///
    /// Fails if one is not there or cannot be read.
    pub fn load_order(&self, name: &str) -> Result<Vec<PathBuf>> {
        let mut order = Vec::new();
        self.visit(&canonical(name), &mut Vec::new(), &mut order)?;
        Ok(order)
    }

    fn visit(&self, name: &str, open: &mut Vec<String>, order: &mut Vec<PathBuf>) -> Result<()> {
        let path = self
            .paths
            .get(name)
            .ok_or_else(|| anyhow!("the kernel was built without the module {name}"))?;
        if order.contains(path) {
            return Ok(());
        }
        if open.iter().any(|other| other == name) {
            bail!("module {name} depends on itself");
        }
        open.push(name.to_owned());
        for needed in dependencies(&self.out.join(path))? {
            self.visit(&needed, open, order)?;
        }
        open.pop();
        order.push(path.clone());
        Ok(())
    }
}

/// Reads the names of the modules that the module file `path` depends on.
fn dependencies(path: &Path) -> Result<Vec<String>> {
    let context = || format!("{}", path.display());
    let data = fs::read(path).with_context(context)?;
    let file = object::File::parse(data.as_slice()).with_context(context)?;
    let section = file
        .section_by_name(".modinfo")
        .ok_or_else(|| anyhow!("{} is no kernel module", path.display()))?;
    Ok(depends(section.data().with_context(context)?))
}

/// Picks the dependencies out of a `.modinfo` section: strings `name=value`,
/// each ended by a zero byte.
fn depends(modinfo: &[u8]) -> Vec<String> {
    modinfo
        .split(|&byte| byte == 0)
        .filter_map(|entry| std::str::from_utf8(entry).ok()?.strip_prefix("depends="))
        .flat_map(|names| names.split(','))
        .filter(|name| !name.is_empty())
        .map(canonical)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_read_from_modinfo() {
        let section = b"license=GPL\0depends=nova-core,drm_exec\0name=nova_drm\0";
        assert_eq!(depends(section), ["nova_core", "drm_exec"]);
        assert!(depends(b"license=GPL\0depends=\0").is_empty());
    }

    #[test]
    fn a_missing_module_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::write(dir.path().join("modules.order"), "a/b/c-d.o\n").expect("a file");
        let modules = Modules::of(dir.path()).expect("modules");
        assert!(modules.has("c_d") && modules.has("c-d"));
        let err = modules.load_order("vkms").expect_err("no such module");
        assert!(err.to_string().contains("vkms"));
    }
}
