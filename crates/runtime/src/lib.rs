//! Drives any Node with tokio.
