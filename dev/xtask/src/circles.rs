//! Within a crate, files depend on each other one way only: what two files tell each other belongs into a third.
//!
//! A module and those below it are one house: a child may use what its parent defines, and the other way round. Code of tests
//! does not count.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};
use syn::{
    Attribute, Item, UseTree,
    visit::{self, Visit},
};

/// A module by its names from the root of the crate.
type Module = Vec<String>;

/// Which modules each module names.
type Arrows = BTreeMap<Module, BTreeSet<Module>>;

/// The modules of a crate that are compiled outside of tests, with their contents.
fn modules(root: &Path) -> BTreeMap<Module, syn::File> {
    let mut found = BTreeMap::new();
    let mut open = vec![(Module::new(), root.to_owned())];
    while let Some((module, file)) = open.pop() {
        let parsed = syn::parse_file(&fs::read_to_string(&file).unwrap()).unwrap();
        for item in &parsed.items {
            let Item::Mod(child) = item else { continue };
            if child.content.is_none() && !is_of_tests(&child.attrs) {
                let name = child.ident.to_string();
                let below = [module.as_slice(), std::slice::from_ref(&name)].concat();
                open.push((below, file_of(&file, &name)));
            }
        }
        found.insert(module, parsed);
    }
    found
}

fn file_of(parent: &Path, name: &str) -> PathBuf {
    let folder = parent.parent().unwrap();
    let stem = parent.file_stem().unwrap();
    let folder = match stem.to_str() {
        Some("lib" | "main" | "mod") => folder.to_owned(),
        _ => folder.join(stem),
    };
    let beside = folder.join(format!("{name}.rs"));
    if beside.exists() {
        beside
    } else {
        folder.join(name).join("mod.rs")
    }
}

fn is_of_tests(attributes: &[Attribute]) -> bool {
    let is_test = |attribute: &Attribute| {
        let list = attribute.meta.require_list().ok();
        let condition = list
            .filter(|list| list.path.is_ident("cfg"))
            .map(|list| list.tokens.to_string());
        condition.is_some_and(|text| {
            ["test", "any (test", "any(test"]
                .iter()
                .any(|start| text.starts_with(start))
        })
    };
    attributes.iter().any(is_test)
}

/// The paths that a file names.
#[derive(Default)]
struct Names(Vec<Vec<String>>);

impl<'ast> Visit<'ast> for Names {
    fn visit_item_fn(&mut self, item: &'ast syn::ItemFn) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_fn(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_impl(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_of_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        if !is_of_tests(&item.attrs) {
            self.flatten(&item.tree, Vec::new());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = path.segments.iter().map(|segment| segment.ident.to_string());
        self.0.push(names.collect());
        visit::visit_path(self, path);
    }
}

impl Names {
    fn flatten(&mut self, tree: &UseTree, before: Vec<String>) {
        let with = |name: &syn::Ident| [before.as_slice(), &[name.to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.flatten(&path.tree, with(&path.ident)),
            UseTree::Name(name) => self.0.push(with(&name.ident)),
            UseTree::Rename(name) => self.0.push(with(&name.ident)),
            UseTree::Glob(_) => self.0.push(before),
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.flatten(tree, before.clone())),
        }
    }
}

/// The module that a path leads to, as seen from a module; none where it leads out of the crate.
fn resolve<T>(path: &[String], from: &Module, known: &BTreeMap<Module, T>) -> Option<Module> {
    let mut here = from.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => (here, rest) = (Module::new(), path.get(1..)?),
        "self" => rest = path.get(1..)?,
        "super" => {
            while rest.first().is_some_and(|name| name == "super") {
                here.pop();
                rest = rest.get(1..)?;
            }
        }
        child if known.contains_key(&[from.as_slice(), &[child.to_owned()]].concat()) => {}
        _ => return None,
    }
    for name in rest {
        here.push(name.clone());
        if !known.contains_key(&here) {
            here.pop();
            break;
        }
    }
    Some(here)
}

fn arrows(modules: &BTreeMap<Module, syn::File>) -> Arrows {
    let of = |(module, file): (&Module, &syn::File)| {
        let mut names = Names::default();
        names.visit_file(file);
        let targets = names.0.iter().filter_map(|path| resolve(path, module, modules));
        let others = targets.filter(|target| !(target.starts_with(module) || module.starts_with(target)));
        (module.clone(), others.collect())
    };
    modules.iter().map(of).collect()
}

/// What is left when all are taken away, again and again, that name no other or are named by no other.
fn circles(mut arrows: Arrows) -> Arrows {
    loop {
        let named: BTreeSet<Module> = arrows.values().flatten().cloned().collect();
        let before = arrows.len();
        arrows.retain(|module, targets| !targets.is_empty() && named.contains(module));
        let left: BTreeSet<Module> = arrows.keys().cloned().collect();
        arrows
            .values_mut()
            .for_each(|targets| targets.retain(|target| left.contains(target)));
        if arrows.len() == before {
            return arrows;
        }
    }
}

#[test]
fn no_two_files_of_a_crate_depend_on_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for (folder, name, _) in super::tests::packages() {
        let source = root.join(&folder).join("src");
        let files = ["lib.rs", "main.rs"].map(|file| source.join(file));
        for file in files.iter().filter(|file| file.exists()) {
            let found = circles(arrows(&modules(file)));
            let told: Vec<String> = found
                .iter()
                .map(|(module, targets)| {
                    let targets: Vec<String> = targets.iter().map(|target| target.join("::")).collect();
                    format!("{} -> {}", module.join("::"), targets.join(", "))
                })
                .collect();
            assert!(told.is_empty(), "{name}: a circle of files:\n{}", told.join("\n"));
        }
    }
}

#[test]
fn a_circle_is_found_and_a_chain_is_none() {
    let arrows = |all: &[(&str, &[&str])]| -> Arrows {
        let module = |name: &&str| vec![(*name).to_owned()];
        all.iter()
            .map(|(from, to)| (module(from), to.iter().map(module).collect()))
            .collect()
    };
    assert!(circles(arrows(&[("a", &["b", "c"]), ("b", &["c"]), ("c", &[])])).is_empty());
    let found = circles(arrows(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"]), ("d", &["a"])]));
    assert_eq!(found.keys().map(|module| module.concat()).collect::<String>(), "bc");
}

#[test]
fn a_path_leads_to_the_file_that_defines_it() {
    let known = ["", "a", "a::b", "c"].map(|path| {
        let names = path.split("::").filter(|name| !name.is_empty());
        (names.map(str::to_owned).collect::<Module>(), ())
    });
    let known = BTreeMap::from(known);
    let lead = |path: &str, from: &str| {
        let names = |path: &str| path.split("::").map(str::to_owned).collect::<Module>();
        resolve(&names(path), &names(from), &known).map(|module| module.join("::"))
    };
    for (path, from, expected) in [
        ("crate::a::b::Thing", "c", Some("a::b")),
        ("super::c::Thing", "a", Some("c")),
        ("self::b", "a", Some("a::b")),
        ("b::thing", "a", Some("a::b")),
        ("crate::Thing", "a", Some("")),
        ("std::fmt", "a", None),
    ] {
        assert_eq!(lead(path, from).as_deref(), expected, "{path} from {from}");
    }
}
