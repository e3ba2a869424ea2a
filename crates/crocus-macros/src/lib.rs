//! crocus-macros
