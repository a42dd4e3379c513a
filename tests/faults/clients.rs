//! Clients that are slow, that do not read, that are many.
