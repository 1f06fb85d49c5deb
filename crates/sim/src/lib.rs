//! A deterministic virtual network that drives any Node.
