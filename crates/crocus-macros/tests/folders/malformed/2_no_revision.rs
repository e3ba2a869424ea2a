//! create cars
//!
//! follows <base>
