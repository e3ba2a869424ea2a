//! `migrations!`: reads a folder of migrations and writes the code that lists them. Whether their history fits
//! together is the business of crocus-migrate.

mod head;

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote};
use syn::LitStr;

use crate::errors::Errors;
use head::Head;

/// Where `db init` puts migrations.
const FOLDER: &str = "migrations";

/// A migration's file and its head.
struct Migration {
    /// The file's name.
    file: String,
    head: Head,
}

/// Expands `migrations!()` or `migrations!("folder")` for the package in `package`.
pub(crate) fn expand(folder: Option<&LitStr>, package: &Path) -> syn::Result<TokenStream> {
    let span = folder.map_or_else(Span::call_site, LitStr::span);
    let mut errors = Errors::default();
    let folder = package.join(folder.map_or_else(|| FOLDER.to_owned(), LitStr::value));
    let migrations = read(&folder, span, &mut errors)?;
    let code = code(&folder, &migrations, span)?;
    errors.finish(code)
}

/// The migrations of a folder, by their files' names. A folder that is not there has none.
fn read(folder: &Path, span: Span, errors: &mut Errors) -> syn::Result<Vec<Migration>> {
    let failed =
        |path: &Path, cause: io::Error| syn::Error::new(span, format!("failed to read `{}`: {cause}", path.display()));
    let mut files: Vec<PathBuf> = match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()
            .map_err(|cause| failed(folder, cause))?,
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(cause) => return Err(failed(folder, cause)),
    };
    files.sort();

    let mut migrations: Vec<Migration> = Vec::new();
    let mut revisions: HashMap<String, String> = HashMap::new();
    for path in files {
        // A file whose name begins with a dot is an editor's.
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if !name.ends_with(".rs") || name.starts_with('.') || path.is_dir() {
            continue;
        }
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) => {
                errors.add(failed(&path, cause));
                continue;
            }
        };
        let head = match head::parse(&text) {
            Ok(head) => head,
            Err(fault) => {
                let text = format!(
                    "`{}`, line {}: expected {}; correct the line, or move the file elsewhere if it is no migration",
                    path.display(),
                    fault.line,
                    fault.expected
                );
                errors.add(syn::Error::new(span, text));
                continue;
            }
        };
        if let Some(other) = revisions.insert(head.revision.clone(), name.clone()) {
            let text = format!(
                "`{other}` and `{name}` in `{}` are both revision {}: give one of them a revision of its own, in \
                 its head and in the heads of those that follow it",
                folder.display(),
                head.revision
            );
            errors.add(syn::Error::new(span, text));
            continue;
        }
        migrations.push(Migration { file: name, head });
    }
    Ok(migrations)
}

fn code(folder: &Path, migrations: &[Migration], span: Span) -> syn::Result<TokenStream> {
    let modules = migrations.iter().map(|migration| format_ident!("m_{}", migration.head.revision)).collect::<Vec<_>>();
    let paths =
        migrations.iter().map(|migration| utf8(&folder.join(&migration.file), span)).collect::<Result<Vec<_>, _>>()?;
    let folder = utf8(folder, span)?;
    let listed = migrations.iter().zip(&modules).map(|(Migration { file, head }, module)| {
        let Head { message, revision, down_revisions, labels, depends_on, replaces, created } = head;
        quote! {
            ::crocus::migrate::Migration {
                revision: #revision,
                down_revisions: &[#(#down_revisions),*],
                labels: &[#(#labels),*],
                depends_on: &[#(#depends_on),*],
                replaces: &[#(#replaces),*],
                message: #message,
                created: #created,
                file: #file,
                upgrade: #module::upgrade,
                downgrade: #module::downgrade,
            }
        }
    });
    Ok(quote! {
        {
            #(
                #[path = #paths]
                #[allow(non_snake_case, unreachable_pub, reason = "made by migrations!")]
                mod #modules;
            )*
            ::crocus::migrate::Migrations::new(#folder, ::std::vec![#(#listed),*])
        }
    })
}

/// The path as the text of a literal.
fn utf8(path: &Path, span: Span) -> syn::Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| {
        let text = format!("the path `{}` is not UTF-8: rename the folder or file", path.display());
        syn::Error::new(span, text)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand(folder: &str) -> syn::Result<TokenStream> {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        super::expand(Some(&LitStr::new(folder, Span::call_site())), package)
    }

    fn mistakes(folder: &str) -> Vec<String> {
        expand(folder).unwrap_err().into_iter().map(|error| error.to_string()).collect()
    }

    #[test]
    fn no_folder_has_no_migrations() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/folders/none");
        let folder = folder.to_str().unwrap();
        let expected = quote!({ ::crocus::migrate::Migrations::new(#folder, ::std::vec![]) });
        assert_eq!(expand("tests/folders/none").unwrap().to_string(), expected.to_string());
    }

    #[test]
    fn every_malformed_head_is_reported() {
        let [first, second] = &mistakes("tests/folders/malformed")[..] else { panic!("two files are malformed") };
        assert!(first.contains("tests/folders/malformed/1_no_head.rs`, line 1: expected `//! ` and"), "{first}");
        assert!(second.contains("tests/folders/malformed/2_no_revision.rs`, line 3: expected `//! Rev"), "{second}");
    }

    #[test]
    fn two_files_with_one_revision_are_reported() {
        let [mistake] = &mistakes("tests/folders/twice")[..] else { panic!("one revision is there twice") };
        assert!(mistake.starts_with("`a_create_cars.rs` and `b_create_parts.rs` in `"), "{mistake}");
        assert!(mistake.contains("are both revision 0a1b2c"), "{mistake}");
    }

    #[test]
    fn a_file_is_no_folder() {
        assert!(mistakes("Cargo.toml")[0].contains("Cargo.toml`: "));
    }
}
