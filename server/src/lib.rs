//! authlab server
