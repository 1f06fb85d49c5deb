//! The two content modes.
