//! script_client
