//! A database that is replaced, emptied, missing, locked, or on a full disk.
