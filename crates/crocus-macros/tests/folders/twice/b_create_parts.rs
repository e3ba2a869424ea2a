//! create parts
//!
//! Revision 0a1b2c, follows <base>, 2026-11-22 14:04 UTC
