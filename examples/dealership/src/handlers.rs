//! The handlers, by what they are about.

pub mod cars;
pub mod deliveries;
pub mod makers;
pub mod owners;
pub mod reports;
pub mod sales;
pub mod tags;
