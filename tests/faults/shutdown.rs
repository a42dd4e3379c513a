//! An end with requests still waiting for a hash.
