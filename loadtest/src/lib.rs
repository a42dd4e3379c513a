//! authlab loadtest
