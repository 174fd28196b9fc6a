//! event_files
