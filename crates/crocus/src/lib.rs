//! crocus
