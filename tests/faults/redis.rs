//! A Redis that is killed, paused, full, flushed, evicting, read-only, or closes idle connections.
