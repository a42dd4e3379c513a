//! authlab reports
