//! Gatelet
