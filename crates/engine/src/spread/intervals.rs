//! Which items a node has seen.
