//! malformed_input
