//! What the macros write trips no lint that a careful user turns on.

#![deny(
    warnings,
    missing_docs,
    missing_debug_implementations,
    missing_copy_implementations,
    non_ascii_idents,
    single_use_lifetimes,
    trivial_casts,
    trivial_numeric_casts,
    unreachable_pub,
    unused,
    unused_qualifications,
    unused_results,
    variant_size_differences
)]
#![forbid(unsafe_code)]

extern crate crocus_orm as orm;

mod models {
    use crocus_macros::Model;

    /// A car.
    #[derive(Debug, Clone, Model)]
    #[model(crate = "::orm", unique(name, model))]
    pub(crate) struct Car {
        #[model(primary_key)]
        pub(crate) id: i32,
        pub(crate) name: String,
        model: Option<String>,
        #[model(default = 4)]
        doors: Option<i32>,
        /// Nobody asks for it any more.
        #[deprecated]
        #[model(default = "''")]
        horn: String,
    }

    impl Car {
        pub(crate) fn text(&self) -> (Option<&str>, Option<i32>) {
            (self.model.as_deref(), self.doors)
        }
    }

    /// A part of a car.
    #[derive(Debug, Clone, Model)]
    #[model(crate = "::orm", table = "parts", has_one(next = Self::PREVIOUS))]
    pub(crate) struct Part {
        #[model(primary_key)]
        pub(crate) id: i32,
        #[model(belongs_to = Car)]
        pub(crate) car_id: i32,
        #[model(belongs_to = Self, default = 1)]
        pub(crate) previous_id: Option<i32>,
    }

    /// Where something is.
    #[derive(Debug, Clone, PartialEq, Model)]
    #[model(crate = "::orm", embedded)]
    pub(crate) struct Place {
        pub(crate) shelf: i32,
        /// Its row.
        row: Option<i32>,
    }

    impl Place {
        pub(crate) fn row(&self) -> Option<i32> {
            self.row
        }
    }

    /// What its kind is.
    #[derive(Debug, Clone, Copy, PartialEq, crocus_macros::DbEnum)]
    #[db_enum(crate = "::orm")]
    pub(crate) enum Kind {
        /// New.
        New,
    }

    /// A stock.
    #[derive(Debug, Clone, Model)]
    #[model(crate = "::orm")]
    pub(crate) struct Stock {
        #[model(primary_key)]
        pub(crate) id: i32,
        #[model(embedded)]
        pub(crate) place: Place,
        pub(crate) kind: Kind,
    }

    /// A number.
    #[derive(Debug, Clone, Model)]
    #[model(crate = "crate::models::inner")]
    pub(crate) struct Counter {
        #[model(primary_key)]
        pub(crate) n: i64,
    }

    /// Prelude names that are something else here.
    pub(crate) mod inner {
        pub(crate) use crocus_orm::*;

        #[allow(dead_code)]
        mod hostile {
            use crocus_macros::Model;

            struct Option;
            struct Vec;
            struct Result;
            struct Clone;
            fn fields() {}

            /// A model among them.
            #[derive(Debug, core::clone::Clone, Model)]
            #[model(crate = "crocus_orm")]
            struct Car {
                #[model(primary_key)]
                id: i32,
                #[model(default = 1)]
                doors: i32,
                note: core::option::Option<String>,
            }
        }
    }
}

fn main() {
    let _ = models::Car::NAME;
    let _ = |car: models::Car| (car.id, car.name.len(), car.text().1);
    let _ = |part: models::Part| (part.id, part.car_id, part.previous_id);
    let _ = (models::Part::CAR, models::Part::PREVIOUS, models::Part::NEXT);
    let _ = |stock: models::Stock| (stock.id, stock.place.shelf, stock.place.row(), stock.kind == models::Kind::New);
    let _ = models::Stock::PLACE.shelf;
    let _ = |counter: models::Counter| counter.n;
}
