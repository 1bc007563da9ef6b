//! What bindgen makes of a tree of headers, with the options that wdk-build gives it.
//!
//! The tables were taken from wdk-sys' bindings; the same tool over our headers gives the same spellings.

use std::collections::{BTreeMap, BTreeSet};

use quote::ToTokens;
use syn::{
    BareFnArg, Expr, FnArg, ForeignItem, GenericArgument, Item, ItemMod, Lit, PathArguments, ReturnType,
    Type, UnOp,
};

use crate::{
    facts::{Signature, squeezed},
    tree::{TARGET, Tree},
};

/// The declarations of a tree.
#[derive(Debug, Default)]
pub(crate) struct Bindings {
    pub(crate) functions: BTreeMap<String, Signature>,
    /// Types that are a pointer to a function.
    pub(crate) callbacks: BTreeMap<String, Signature>,
    /// Rust type and value.
    pub(crate) constants: BTreeMap<String, (String, String)>,
    pub(crate) enumerations: BTreeMap<String, BTreeMap<String, i64>>,
    /// Structures and unions that have members.
    pub(crate) structures: BTreeSet<String>,
    /// Structures that are declared and never defined.
    pub(crate) opaque: BTreeSet<String>,
    /// Every other type: its spelling.
    pub(crate) aliases: BTreeMap<String, String>,
    pub(crate) variables: BTreeMap<String, String>,
}

impl Bindings {
    /// Binds every declaration of a tree.
    pub(crate) fn read(tree: &Tree) -> Self {
        Self::of_source(tree, &tree.source())
    }

    /// Binds a source of C that includes headers of a tree.
    pub(crate) fn of_source(tree: &Tree, source: &str) -> Self {
        let generated = bindgen::Builder::default()
            .use_core()
            .generate_cstr(true)
            .detect_include_paths(false)
            .clang_args([
                "-fno-builtin",
                "-fms-compatibility",
                "-fms-extensions",
                "-fdelayed-template-parsing",
            ])
            .clang_args(["-D_WIN64", "-D_AMD64_", "-DAMD64", "-D_KERNEL_MODE"])
            .clang_arg(format!("--target={TARGET}"))
            .clang_args(tree.include_arguments())
            .default_enum_style(bindgen::EnumVariation::ModuleConsts)
            .layout_tests(false)
            .formatter(bindgen::Formatter::None)
            .header_contents("tree.h", source)
            .generate()
            .expect("the headers bind");
        let file = syn::parse_file(&generated.to_string()).expect("bindgen writes Rust");
        let mut found = Self::default();
        for item in file.items {
            found.add(item);
        }
        found
    }

    fn add(&mut self, item: Item) {
        match item {
            Item::Const(item) => {
                let value = squeezed(&item.expr.to_token_stream().to_string());
                self.constants.insert(item.ident.to_string(), (spelled(&item.ty), value));
            }
            Item::Mod(item) => {
                self.enumerations.insert(item.ident.to_string(), enumerators(item));
            }
            Item::Struct(item) => {
                let defined = !item
                    .fields
                    .iter()
                    .any(|field| field.ident.as_ref().is_some_and(|name| name == "_unused"));
                let into = if defined { &mut self.structures } else { &mut self.opaque };
                into.insert(item.ident.to_string());
            }
            Item::Union(item) => {
                self.structures.insert(item.ident.to_string());
            }
            Item::Type(item) => match pointer_to_function(&item.ty) {
                Some(signature) => {
                    self.callbacks.insert(item.ident.to_string(), signature);
                }
                None => {
                    self.aliases.insert(item.ident.to_string(), spelled(&item.ty));
                }
            },
            Item::ForeignMod(block) => block.items.into_iter().for_each(|item| self.add_foreign(item)),
            Item::Use(_) | Item::Impl(_) => {}
            other => panic!("bindgen wrote an item of a new kind: {}", other.to_token_stream()),
        }
    }

    fn add_foreign(&mut self, item: ForeignItem) {
        match item {
            ForeignItem::Fn(function) => {
                let signature = function.sig;
                let mut parameters: Vec<String> = signature
                    .inputs
                    .iter()
                    .map(|input| match input {
                        FnArg::Typed(typed) => {
                            format!("{}:{}", typed.pat.to_token_stream(), spelled(&typed.ty))
                        }
                        FnArg::Receiver(_) => panic!("a C function has no receiver"),
                    })
                    .collect();
                parameters.extend(signature.variadic.map(|_| "...".to_owned()));
                let found = Signature::new(&returned(&signature.output), &parameters.join(";"));
                self.functions.insert(signature.ident.to_string(), found);
            }
            ForeignItem::Static(variable) => {
                self.variables.insert(variable.ident.to_string(), spelled(&variable.ty));
            }
            other => panic!("bindgen wrote a foreign item of a new kind: {}", other.to_token_stream()),
        }
    }
}

/// The constants of an enumeration, which bindgen makes a module.
fn enumerators(module: ItemMod) -> BTreeMap<String, i64> {
    let (_, items) = module.content.expect("an enumeration's module has content");
    let constants = items.into_iter().filter_map(|item| match item {
        Item::Const(constant) => Some((constant.ident.to_string(), value(&constant.expr))),
        _ => None,
    });
    constants.collect()
}

fn value(expression: &Expr) -> i64 {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(number) => number.base10_parse().expect("an enumerator fits i64"),
            other => panic!("no number: {}", other.to_token_stream()),
        },
        Expr::Unary(negated) if matches!(negated.op, UnOp::Neg(_)) => -value(&negated.expr),
        other => panic!("no number: {}", other.to_token_stream()),
    }
}

/// The signature behind `Option<unsafe extern "C" fn(..)>`.
fn pointer_to_function(of_type: &Type) -> Option<Signature> {
    let Type::Path(path) = of_type else { return None };
    let last = path.path.segments.last()?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    let Some(GenericArgument::Type(Type::BareFn(function))) = arguments.args.first() else { return None };
    let parameter = |argument: &BareFnArg| {
        let name = argument.name.as_ref().map_or_else(String::new, |(name, _)| name.to_string());
        format!("{name}:{}", spelled(&argument.ty))
    };
    let mut parameters: Vec<String> = function.inputs.iter().map(parameter).collect();
    parameters.extend(function.variadic.as_ref().map(|_| "...".to_owned()));
    Some(Signature::new(&returned(&function.output), &parameters.join(";")))
}

fn returned(output: &ReturnType) -> String {
    match output {
        ReturnType::Default => "void".to_owned(),
        ReturnType::Type(_, of_type) => spelled(of_type),
    }
}

fn spelled(of_type: &Type) -> String {
    squeezed(&of_type.to_token_stream().to_string())
}
