//! authlab bench
