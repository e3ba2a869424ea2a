//! `Prefer: return=representation, count=exact`: how a client would like to be answered (RFC 7240, and PostgREST's
//! "Prefer Header").

use std::fmt;

use super::scan::nearest;

macro_rules! preferences {
    ($($(#[$doc:meta])* $field:ident: $kind:ident $name:literal { $($(#[$value_doc:meta])* $value:ident $word:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq)]
            pub enum $kind {
                $($(#[$value_doc])* $value,)*
            }
        )*

        /// What a request prefers; what it does not say is `None`.
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct Preferences {
            $($(#[$doc])* pub $field: Option<$kind>,)*
            /// No more rows than this may be changed; otherwise none is. It needs `handling=strict`.
            pub max_affected: Option<u64>,
            /// What was not understood, in order.
            pub unknown: Vec<Unknown>,
        }

        impl Preferences {
            fn set(&mut self, name: &str, value: &str) -> Result<(), Option<String>> {
                match name {
                    $($name => {
                        let found = match value {
                            $($word => $kind::$value,)*
                            _ => return Err(meant(name, nearest(value, [$($word),*]))),
                        };
                        // The first one counts (RFC 7240, section 2).
                        self.$field.get_or_insert(found);
                    })*
                    "max-affected" => {
                        let number = value.parse().map_err(|_| None)?;
                        self.max_affected.get_or_insert(number);
                    }
                    _ => return Err(nearest(name, [$($name,)* "max-affected"]).map(str::to_owned)),
                }
                Ok(())
            }
        }

        /// What `Preference-Applied` says.
        impl fmt::Display for Preferences {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut words = Vec::new();
                $(match self.$field {
                    $(Some($kind::$value) => words.push(concat!($name, "=", $word).to_owned()),)*
                    None => {}
                })*
                words.extend(self.max_affected.map(|number| format!("max-affected={number}")));
                f.write_str(&words.join(", "))
            }
        }
    };
}

preferences! {
    /// What becomes of a row that is there already.
    resolution: Resolution "resolution" {
        /// It gets the new values.
        MergeDuplicates "merge-duplicates",
        /// It stays as it is.
        IgnoreDuplicates "ignore-duplicates",
    }
    /// What a write is answered with.
    returning: Return "return" {
        /// The rows as they are now.
        Representation "representation",
        /// Where they are.
        HeadersOnly "headers-only",
        /// Nothing.
        Minimal "minimal",
    }
    /// How the rows are counted, without the limit.
    count: Count "count" {
        /// All of them.
        Exact "exact",
        /// As the database's plan estimates.
        Planned "planned",
        /// Exactly up to a limit, estimated beyond it.
        Estimated "estimated",
    }
    /// What a column gets that a row does not bring.
    missing: Missing "missing" {
        /// Its default.
        Default "default",
        /// NULL.
        Null "null",
    }
    /// What becomes of what is not understood.
    handling: Handling "handling" {
        /// It is refused.
        Strict "strict",
        /// It is passed over.
        Lenient "lenient",
    }
    /// What becomes of a write after it is answered.
    transaction: Transaction "tx" {
        /// It stays.
        Commit "commit",
        /// It is taken back: the answer says what would have been.
        Rollback "rollback",
    }
}

/// A preference that was not understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// As it was written: `retrun=minimal`.
    pub preference: String,
    /// What may have been meant.
    pub suggestion: Option<String>,
}

impl Preferences {
    /// Reads the values of the header, of which there may be several. What is not understood is kept apart: only
    /// [`Handling::Strict`] makes it a mistake.
    pub fn parse<'a>(headers: impl IntoIterator<Item = &'a str>) -> Preferences {
        let mut preferences = Preferences::default();
        for preference in headers.into_iter().flat_map(|header| header.split(',')).map(str::trim) {
            // A parameter behind a semicolon changes nothing that is known here.
            let word = preference.split(';').next().unwrap_or_default();
            let (name, value) = word.split_once('=').unwrap_or((word, ""));
            let (name, value) = (name.trim().to_ascii_lowercase(), value.trim().trim_matches('"'));
            if name.is_empty() {
                continue;
            }
            if let Err(suggestion) = preferences.set(&name, value) {
                preferences.unknown.push(Unknown { preference: preference.to_owned(), suggestion });
            }
        }
        preferences
    }
}

fn meant(name: &str, value: Option<&str>) -> Option<String> {
    value.map(|value| format!("{name}={value}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferences_are_read_and_told() {
        let all = ["return=representation, count=exact; a=b", "Resolution = \"merge-duplicates\",tx=rollback"];
        let read = Preferences::parse(all.into_iter().chain(["missing=default,handling=strict,max-affected=3,,"]));
        assert_eq!(
            read.to_string(),
            "resolution=merge-duplicates, return=representation, count=exact, missing=default, handling=strict, \
             tx=rollback, max-affected=3"
        );
        assert_eq!(read.unknown, []);
        assert_eq!(Preferences::parse([]), Preferences::default());
        assert_eq!(Preferences::parse(["return=minimal", "return=representation"]).returning, Some(Return::Minimal));
    }

    #[test]
    fn what_is_not_understood_is_kept_apart() {
        let read = Preferences::parse(["retrun=minimal, count=exakt, max-affected=-1, respond-async, return=minimal"]);
        assert_eq!(read.to_string(), "return=minimal");
        let unknown: Vec<_> =
            read.unknown.iter().map(|it| (it.preference.as_str(), it.suggestion.as_deref())).collect();
        assert_eq!(
            unknown,
            [
                ("retrun=minimal", Some("return")),
                ("count=exakt", Some("count=exact")),
                ("max-affected=-1", None),
                ("respond-async", None)
            ]
        );
    }
}
