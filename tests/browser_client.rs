//! browser_client
