//! Topics, delivery, store and HTTP API around a running node.
