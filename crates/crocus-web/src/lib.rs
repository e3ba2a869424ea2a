//! crocus-web
