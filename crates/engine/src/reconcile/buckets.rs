//! Finding out cheaply where two sets differ.
